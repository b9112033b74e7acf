//! A layer of which too little was seen to tell what it is.

use super::detect::{self, Beginning};
use super::http1::Http1;
use super::http2::Http2;
use super::proxy_header::{self, ProxyHeader};
use super::tls::Session;
use super::{Content, MAX_NESTING, Position};
use crate::layer::Gap;
use crate::observation::Context;
use crate::side::{PerSide, Side};
use crate::time::Timestamp;
use crate::wire::http2_frame::is_frame_chain;
use crate::wire::net::Endpoint;

/// The most bytes of one direction that are held while undecided: more than any PROXY header, and a
/// server's answer that a capture has before its request.
const MAX_HELD: usize = 64 * 1024;
/// How many segments of a stream without a known start are looked at.
const MAX_LOOKS: u32 = 64;

/// Bytes that were held, to be fed again.
pub(super) struct Chunk {
    pub(super) side: Side,
    pub(super) at: Timestamp,
    /// So many bytes in front were left out on purpose.
    pub(super) omitted: u64,
    pub(super) bytes: Vec<u8>,
}

/// Holds what it was fed until the protocol is known.
pub(crate) struct Undecided {
    place: Position,
    held: Vec<Chunk>,
    /// The client's bytes so far, without a PROXY header.
    client: Vec<u8>,
    server: Vec<u8>,
    /// The next byte of a direction is not its first.
    in_middle: PerSide<bool>,
    looks: u32,
}

impl Undecided {
    pub(super) fn new(place: Position) -> Self {
        let in_middle = PerSide::default();
        Self {
            place,
            held: Vec::new(),
            client: Vec::new(),
            server: Vec::new(),
            in_middle,
            looks: 0,
        }
    }

    pub(super) fn held(&self) -> usize {
        // Every byte is held twice: as it came, and joined.
        2 * (self.client.len() + self.server.len()) + self.held.len() * size_of::<Chunk>()
    }

    /// The place in this direction is not its start.
    pub(super) fn gap(&mut self, side: Side) {
        *self.in_middle.get_mut(side) = true;
        self.held.retain(|chunk| chunk.side != side);
        match side {
            Side::Client => self.client.clear(),
            Side::Server => self.server.clear(),
        }
    }

    /// Bodies were left out here.
    pub(super) fn omit(&mut self, side: Side, len: u64) {
        if *self.in_middle.get(side) {
            return;
        }
        match self.held.last_mut().filter(|last| last.side == side && last.bytes.is_empty()) {
            Some(last) => last.omitted = last.omitted.saturating_add(len),
            None => {
                let at = Timestamp::default();
                self.held.push(Chunk { side, at, omitted: len, bytes: Vec::new() });
            }
        }
    }

    /// The protocol, once it is known, and what to feed it.
    pub(super) fn feed(
        &mut self,
        side: Side,
        at: Timestamp,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> Option<(Content, Vec<Chunk>)> {
        if *self.in_middle.get(side) {
            return self.look_in_middle(side, at, bytes, cx);
        }
        self.held.push(Chunk { side, at, omitted: 0, bytes: bytes.to_vec() });
        let beginning = match side {
            Side::Client => {
                self.client.extend_from_slice(bytes);
                self.client_beginning(cx)
            }
            Side::Server => {
                self.server.extend_from_slice(bytes);
                detect::server(&self.server)
            }
        };
        let content = match beginning {
            Beginning::NeedMore if self.client.len().max(self.server.len()) <= MAX_HELD => {
                return None;
            }
            Beginning::NeedMore | Beginning::Proxy | Beginning::Foreign => {
                self.finish(cx);
                cx.observed.is_foreign = true;
                Content::Foreign
            }
            Beginning::Tls => self.tls(cx),
            Beginning::Http2 => {
                cx.observed.is_ours = true;
                let server_from_start = !self.in_middle.server;
                let client_from_start = !self.in_middle.client;
                Content::Http2(Box::new(match (client_from_start, server_from_start) {
                    (true, true) => Http2::from_start(),
                    (true, false) => Http2::from_client_start(),
                    (false, _) => Http2::from_middle(),
                }))
            }
            Beginning::Http1 => {
                let mut http1 = Http1::new(self.place);
                if self.in_middle.server {
                    http1.gap(Side::Server, Gap::Unknown, cx);
                }
                Content::Http1(Box::new(http1))
            }
        };
        Some((content, std::mem::take(&mut self.held)))
    }

    /// What the client's bytes begin with, behind any PROXY header.
    fn client_beginning(&mut self, cx: &mut Context<'_>) -> Beginning {
        let beginning = detect::client(&self.client);
        if beginning != Beginning::Proxy || self.place.nesting > 0 {
            return beginning;
        }
        match proxy_header::parse(&self.client) {
            ProxyHeader::NeedMore => Beginning::NeedMore,
            ProxyHeader::Malformed => {
                cx.counters.error("proxy", "malformed");
                Beginning::Foreign
            }
            ProxyHeader::Whole(len, client) => {
                if let Some(client) = client {
                    cx.facts().client_declared = Some(Endpoint::from(client));
                }
                // One header only: a second would be the first one's payload.
                self.place.nesting += 1;
                let at = self
                    .held
                    .iter()
                    .rfind(|chunk| chunk.side == Side::Client)
                    .map(|chunk| chunk.at);
                self.held.retain(|chunk| chunk.side == Side::Server);
                self.client.drain(..len);
                if !self.client.is_empty() {
                    let (side, bytes) = (Side::Client, self.client.clone());
                    self.held.push(Chunk { side, at: at.unwrap_or_default(), omitted: 0, bytes });
                }
                detect::client(&self.client)
            }
        }
    }

    fn tls(&self, cx: &mut Context<'_>) -> Content {
        if self.place.nesting >= MAX_NESTING {
            return Content::Foreign;
        }
        cx.begin_tls();
        Content::Tls(Box::new(Session::new(Position {
            nesting: self.place.nesting + 1,
            ..self.place
        })))
    }

    /// Of a stream whose start was not seen, only what proves its place is believed.
    fn look_in_middle(
        &mut self,
        side: Side,
        at: Timestamp,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> Option<(Content, Vec<Chunk>)> {
        let chunk = Chunk { side, at, omitted: 0, bytes: bytes.to_vec() };
        let begins = match side {
            Side::Client => detect::client(bytes),
            Side::Server => detect::server(bytes),
        };
        let content = match begins {
            // A handshake's first message is where TLS begins, whatever was before the capture.
            Beginning::Tls => self.tls(cx),
            Beginning::Http2 if side == Side::Client => {
                cx.observed.is_ours = true;
                Content::Http2(Box::new(Http2::from_client_start()))
            }
            _ if is_frame_chain(bytes) => {
                cx.observed.is_ours = true;
                Content::Http2(Box::new(Http2::from_middle()))
            }
            _ if detect::is_record_chain(bytes) => {
                let mut content = self.tls(cx);
                content.gap(side, Gap::Unknown, cx);
                content
            }
            _ if detect::is_http1_request_line(bytes) || bytes.starts_with(b"HTTP/1.") => {
                // Which request of the connection it is cannot be proven, so none is told.
                cx.observed.is_ours = true;
                cx.counters.error("http1", "start_unseen");
                return Some((Content::Foreign, Vec::new()));
            }
            _ => {
                self.looks += 1;
                if self.looks < MAX_LOOKS {
                    return None;
                }
                cx.observed.is_foreign = true;
                return Some((Content::Foreign, Vec::new()));
            }
        };
        let mut replay = std::mem::take(&mut self.held);
        replay.push(chunk);
        Some((content, replay))
    }

    /// Nothing more will come, or be looked at.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) {
        if self.server.starts_with(b"HTTP/1.") {
            cx.observed.is_ours = true;
            cx.counters.error("http1", "response_without_request");
        }
    }
}
