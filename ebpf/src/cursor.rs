//! The cursor of one direction of a TLS object: which bytes are headers, and which are passed over.

use wrongdoor_ebpf_common::Direction;

/// How much of a beginning is kept: of a direction, a frame, or an HTTP/1 message's first line.
pub const MAX_LINE: usize = 64;

/// Where a direction stands.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Cursor {
    /// A [`place`].
    pub place: u32,
    /// Pieces told so far.
    pub sequence: u32,
    /// Bytes left of the frame, body or chunk at hand.
    pub remaining: u64,
    /// Bytes passed over since the last that were told.
    pub omitted: u64,
    /// Of the HTTP/1 message at hand: its Content-Length, plus one; 0: none.
    pub content_length: u64,
    /// Of the HTTP/1 field at hand: its value, where that is a number.
    pub value: u64,
    /// Of the HTTP/1 field at hand: the last eight bytes that are not spaces, in lower case.
    pub tail: u64,
    /// How much of `line` is in use; of an HTTP/1 line, how long it is.
    pub filled: u32,
    /// The HTTP/1 message at hand, as `message` bits.
    pub message: u32,
    /// Lines of the HTTP/1 head at hand, so far.
    pub lines: u32,
    /// Bytes of the HTTP/1 head at hand, so far.
    pub head_bytes: u32,
    /// The beginning, as far as it has come.
    pub line: [u8; MAX_LINE],
}

/// Where a direction stands.
pub mod place {
    /// Its first bytes have not all come.
    pub const START: u32 = 0;
    /// HTTP/2: at a frame's head.
    pub const FRAME: u32 = 1;
    /// HTTP/2: in a payload that leaves the kernel.
    pub const TELL: u32 = 2;
    /// HTTP/2: in a payload that is passed over.
    pub const OMIT: u32 = 3;
    /// HTTP/1: between messages.
    pub const MESSAGE: u32 = 4;
    /// HTTP/1: in a head.
    pub const HEAD: u32 = 5;
    /// HTTP/1: in a body of known length.
    pub const BODY: u32 = 6;
    /// HTTP/1: in the line that says how long the next chunk is.
    pub const CHUNK_SIZE: u32 = 7;
    /// HTTP/1: in a chunk.
    pub const CHUNK: u32 = 8;
    /// HTTP/1: behind a chunk.
    pub const CHUNK_END: u32 = 9;
    /// HTTP/1: in the trailers.
    pub const TRAILERS: u32 = 10;
    /// HTTP/1: in a body that ends with the connection.
    pub const TO_CLOSE: u32 = 11;
    /// Nothing more of it leaves the kernel.
    pub const SILENT: u32 = 12;
}

impl Cursor {
    /// So many bytes more, all within a payload or body that is passed over: then that is all there is to do.
    #[inline(always)]
    pub fn stays_inside(&mut self, moved: u64) -> bool {
        let place = self.place;
        if place == place::OMIT || place == place::BODY || place == place::CHUNK {
            // Not its end: what comes then is for the walks of HTTP/1 and HTTP/2 to know.
            if self.remaining <= moved {
                return false;
            }
            self.remaining -= moved;
        } else if place != place::TO_CLOSE {
            return false;
        }
        self.omitted += moved;
        true
    }

    /// Whether it has begun as HTTP/1.
    #[inline(always)]
    pub fn is_http1(&self) -> bool {
        self.place >= place::MESSAGE && self.place <= place::TO_CLOSE
    }
}

/// The other direction.
#[inline(always)]
pub fn opposite(direction: u32) -> u32 {
    if direction == Direction::Sent as u32 {
        Direction::Received as u32
    } else {
        Direction::Sent as u32
    }
}
