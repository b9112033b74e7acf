//! Plaintext of which bodies were left out: what is left out, and where a direction stands.

use super::Content;
use crate::layer::Gap;
use crate::observation::Context;
use crate::side::Side;

/// Where a direction stands, as far as its layer can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// That cannot be told yet.
    Open,
    /// In front of an HTTP/2 frame, the preface, or an HTTP/1 message.
    Boundary,
    /// Within one.
    Within,
    /// The place was lost; one that is proven can be taken up with [`Content::resume`].
    Lost,
    /// Nothing of this direction is read any more.
    Stopped,
}

impl Content {
    /// Bodies of `len` bytes were left out on purpose; false where none can stand here.
    pub(crate) fn omit(&mut self, side: Side, len: u64, cx: &mut Context<'_>) -> bool {
        match self {
            Self::Undecided(undecided) => {
                undecided.omit(side, len);
                true
            }
            Self::Http1(http1) => http1.omit(side, len, cx),
            Self::Http2(http2) => http2.omit(side, len),
            Self::Tls(_) | Self::Foreign => true,
        }
    }

    /// Where a direction stands.
    pub(crate) fn standing(&self, side: Side) -> Standing {
        match self {
            Self::Undecided(_) => Standing::Open,
            Self::Http1(http1) => http1.standing(side),
            Self::Http2(http2) => http2.standing(side),
            Self::Tls(_) | Self::Foreign => Standing::Stopped,
        }
    }

    /// The next byte of this direction, whose place was lost, is the first of a frame.
    pub(crate) fn resume(&mut self, side: Side) {
        if let Self::Http2(http2) = self {
            http2.resume(side);
        }
    }

    /// Nothing more of this direction will be fed, and what is not known of it is lost.
    pub(crate) fn silence(&mut self, side: Side, cx: &mut Context<'_>) {
        match self {
            Self::Http2(http2) => http2.silence(side, cx),
            _ => self.gap(side, Gap::Unknown, cx),
        }
    }

    /// Whether a whole boundary is what every piece says it is: HTTP/2 has nothing between frames.
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    /// Whether it is HTTP.
    pub(crate) fn is_http(&self) -> bool {
        matches!(self, Self::Http1(_) | Self::Http2(_))
    }

    /// Whether the client began with the preface of HTTP/2.
    pub(crate) fn has_preface(&self) -> bool {
        matches!(self, Self::Http2(http2) if http2.has_preface())
    }
}
