//! What a stream of bytes carries: TLS, HTTP, a PROXY header in front of them, or something else.
//!
//! The layers nest: TLS carries HTTP/1, whose CONNECT carries TLS again, which carries HTTP/2.

mod detect;
mod gap;
mod gather;
mod http1;
pub mod http2;
mod omission;
mod proxy_header;
pub mod tls;
mod undecided;

pub(crate) use detect::{Hello, hello, opener, sender};
pub(crate) use gap::Gap;
pub(crate) use omission::Standing;

use crate::observation::Context;
use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::http2_frame::HEAD_LEN;
use crate::wire::reassembly::Copies;
use crate::wire::tls::keylog::KeyLog;
use http1::Http1;
use http2::Http2;
use tls::Session;
use undecided::Undecided;

/// How deep layers nest: TLS to a proxy, CONNECT, TLS, CONNECT, TLS. Deeper layers are not read.
pub(crate) const MAX_NESTING: u8 = 5;

/// What a layer wants to see next of one direction. A hint: feeding it more, or less, is right too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// These bytes, or as many of them as there are.
    Take(usize),
    /// Nothing of the next so many bytes; they may be passed over with [`Content::skip`].
    Skip(u64),
}

/// Where a layer stands in the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    /// How many layers are below.
    pub(crate) nesting: u8,
    /// The number of HTTP/1 requests before: those in a tunnel count on.
    pub(crate) requests_before: u64,
}

/// One layer of a connection.
pub(crate) enum Content {
    /// Not enough was seen to tell.
    Undecided(Box<Undecided>),
    /// TLS, and what is inside.
    Tls(Box<Session>),
    /// HTTP/1.
    Http1(Box<Http1>),
    /// HTTP/2.
    Http2(Box<Http2>),
    /// Nothing that is looked into.
    Foreign,
}

impl Content {
    /// A layer whose first byte is the next one of each direction whose start is known.
    pub(crate) fn undecided(place: Position) -> Self {
        if place.nesting > MAX_NESTING {
            Self::Foreign
        } else {
            Self::Undecided(Box::new(Undecided::new(place)))
        }
    }

    /// A layer whose protocol TLS has negotiated. Istio's protocols say what is inside; for another that is not HTTP's,
    /// the content does.
    pub(crate) fn negotiated(alpn: &[u8], place: Position) -> Self {
        match alpn {
            _ if place.nesting > MAX_NESTING => Self::Foreign,
            b"h2" | b"istio-h2" => Self::Http2(Box::new(Http2::from_start())),
            b"http/1.1" | b"http/1.0" | b"istio-http/1.1" | b"istio-http/1.0" => {
                Self::Http1(Box::new(Http1::new(place)))
            }
            _ => Self::undecided(place),
        }
    }

    /// What the layer wants to see next.
    pub(crate) fn demand(&self, side: Side) -> Demand {
        match self {
            Self::Undecided(_) | Self::Tls(_) => Demand::Take(usize::MAX),
            Self::Http1(http1) => http1.demand(side),
            Self::Http2(http2) => http2.demand(side),
            Self::Foreign => Demand::Skip(u64::MAX),
        }
    }

    /// Passes over `len` bytes that [`demand`](Self::demand) said it does not want.
    pub(crate) fn skip(&mut self, side: Side, len: u64) {
        match self {
            Self::Http1(http1) => http1.skip(side, len),
            Self::Http2(http2) => http2.skip(side, len),
            Self::Undecided(_) | Self::Tls(_) | Self::Foreign => {}
        }
    }

    /// Bytes whose tag cannot be checked, where the layer wants to read; false unless they are the header of an HTTP/2
    /// frame of DATA, which is passed over.
    pub(crate) fn pass_unproven(&mut self, side: Side, head: &[u8; HEAD_LEN]) -> bool {
        match self {
            Self::Http2(http2) => http2.pass_unproven(side, head),
            _ => false,
        }
    }

    /// The next bytes of one direction. They begin where a segment or a record began.
    pub(crate) fn feed(&mut self, side: Side, at: Timestamp, bytes: &[u8], cx: &mut Context<'_>) {
        match self {
            Self::Undecided(undecided) => {
                if let Some((decided, replay)) = undecided.feed(side, at, bytes, cx) {
                    *self = decided;
                    for chunk in replay {
                        if chunk.omitted > 0 && !self.omit(chunk.side, chunk.omitted, cx) {
                            cx.counters.error("live", "contradicted");
                            self.gap(chunk.side, Gap::Unknown, cx);
                        }
                        self.feed(chunk.side, chunk.at, &chunk.bytes, cx);
                    }
                }
            }
            Self::Tls(session) => session.feed(side, at, bytes, cx),
            Self::Http1(http1) => {
                http1.feed(side, at, bytes, cx);
                if http1.is_not_http() {
                    cx.observed.is_foreign = true;
                    *self = Self::Foreign;
                }
            }
            Self::Http2(http2) => http2.feed(side, at, bytes, cx),
            Self::Foreign => {}
        }
    }

    /// Bytes of one direction are missing.
    pub(crate) fn gap(&mut self, side: Side, gap: Gap, cx: &mut Context<'_>) {
        match self {
            Self::Undecided(undecided) => undecided.gap(side),
            Self::Tls(session) => session.gap(side, gap, cx),
            Self::Http1(http1) => http1.gap(side, gap, cx),
            Self::Http2(http2) => http2.gap(side, gap, cx),
            Self::Foreign => {}
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::Undecided(undecided) => undecided.finish(cx),
            Self::Tls(session) => session.finish(cx),
            Self::Http1(http1) => http1.finish(cx),
            Self::Http2(http2) => http2.finish(cx),
            Self::Foreign => {}
        }
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        match self {
            Self::Undecided(undecided) => undecided.held(),
            Self::Tls(session) => session.held(),
            Self::Http1(http1) => http1.held(),
            Self::Http2(http2) => http2.held(),
            Self::Foreign => 0,
        }
    }

    /// The next byte of this direction is not its first.
    pub(crate) fn in_middle(&mut self, side: Side) {
        if let Self::Undecided(undecided) = self {
            undecided.gap(side);
        }
    }

    /// Reads what waited for secrets, as far as they have come.
    pub(crate) fn retry(&mut self, cx: &mut Context<'_>) {
        if let Self::Tls(session) = self {
            session.resume(cx);
        }
    }

    /// Whether it holds records whose secrets are not among these.
    pub(crate) fn awaits(&self, keys: &KeyLog) -> bool {
        matches!(self, Self::Tls(session) if session.awaits(keys))
    }

    /// Whether this direction has no handshake to tell: it is over, or is none.
    pub(crate) fn is_beyond_handshake(&self, side: Side) -> bool {
        match self {
            Self::Tls(session) => session.is_beyond_handshake(side),
            Self::Undecided(_) | Self::Foreign => true,
            Self::Http1(_) | Self::Http2(_) => false,
        }
    }

    /// Whether second copies of this direction's bytes are compared: where they are read, and no tag protects them.
    pub(crate) fn copies(&self, side: Side) -> Copies {
        match self {
            Self::Tls(_) | Self::Foreign => Copies::Ignored,
            Self::Undecided(_) => Copies::Compared,
            Self::Http1(_) | Self::Http2(_) => match self.demand(side) {
                Demand::Take(_) => Copies::Compared,
                Demand::Skip(_) => Copies::PassedOver,
            },
        }
    }

    /// Whether nothing of it is looked into.
    pub(crate) fn is_foreign(&self) -> bool {
        matches!(self, Self::Foreign)
    }

    /// Whether the protocol is still open.
    pub(crate) fn is_undecided(&self) -> bool {
        matches!(self, Self::Undecided(_))
    }
}
