//! The walk along one direction of an object: which bytes are headers, and which are passed over.

use wrongdoor_ebpf_common::{
    Counter, Direction, Head, Kind, MAX_FORWARDED, Piece, Plaintext, Silence,
};

use crate::lost;
use crate::maps::count;
use crate::objects::{self, ObjectKey};
use crate::ring;
use crate::slot::{self, ROOM, Slot};

/// How much of a beginning is kept: of a direction, a frame, or an HTTP/1 message's first line.
pub const MAX_LINE: usize = 64;

/// Where a direction stands.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Walk {
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
    /// HTTP/2: in a payload that is told.
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
    /// Nothing more is told.
    pub const SILENT: u32 = 12;
}

impl Walk {
    /// So many bytes more, all within a payload or body that is passed over: then that is all there is to do.
    #[inline(always)]
    pub fn stays_inside(&mut self, moved: u64) -> bool {
        let place = self.place;
        if place == place::OMIT || place == place::BODY || place == place::CHUNK {
            // Not its end: what comes then is for the walks to know.
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

/// Of a slot that holds the record of a call: begins it.
#[inline(always)]
pub fn begin(slot: &mut Slot) {
    slot.used = 0;
    slot.pieces = 0;
    slot.piece = 0;
}

/// Room for `more` bytes, and for the head of a piece: sends what there is, where there is none.
#[inline(always)]
pub fn make_room(
    slot: &mut Slot,
    walk: &mut Walk,
    key: &ObjectKey,
    epoch: u64,
    direction: u32,
    more: u32,
) {
    if slot.used + more + 2 * size_of::<Piece>() as u32 > MAX_FORWARDED as u32 {
        flush(slot, walk, key, epoch, direction);
    }
}

/// The next bytes that are told begin here: opens a piece, unless they follow the last ones.
#[inline(always)]
pub fn open_piece(slot: &mut Slot, walk: &mut Walk, at_boundary: bool) {
    if slot.pieces != 0 && walk.omitted == 0 {
        return;
    }
    let start = (slot.used as usize + 7) & !7 & (MAX_FORWARDED - 1);
    let piece = Piece { omitted: walk.omitted, length: 0, at_boundary: at_boundary as u32 };
    // SAFETY: `start` is below MAX_FORWARDED, and `bytes` is twice that.
    unsafe { slot.bytes.as_mut_ptr().add(start).cast::<Piece>().write(piece) };
    slot.piece = start as u32;
    slot.used = (start + size_of::<Piece>()) as u32;
    slot.pieces += 1;
    walk.omitted = 0;
}

/// So many more bytes were put behind the last ones.
#[inline(always)]
pub fn grow_piece(slot: &mut Slot, by: u32) {
    let piece = slot.piece as usize & (MAX_FORWARDED - 1);
    // SAFETY: as in `open_piece`.
    unsafe {
        let piece = slot.bytes.as_mut_ptr().add(piece).cast::<Piece>();
        (*piece).length += by;
    }
    slot.used += by;
}

/// Where the next byte goes.
#[inline(always)]
pub fn free(slot: &mut Slot) -> *mut u8 {
    let at = slot.used as usize & (MAX_FORWARDED - 1);
    // SAFETY: masked, it is inside.
    unsafe { slot.bytes.as_mut_ptr().add(at) }
}

/// Sends what there is. The numbers are claimed first, so that a record that finds the ring full is missed.
#[inline(always)]
pub fn flush(slot: &mut Slot, walk: &mut Walk, key: &ObjectKey, epoch: u64, direction: u32) {
    if slot.pieces == 0 {
        return;
    }
    let record = Plaintext {
        head: Head {
            kind: Kind::Plaintext as u8,
            direction: direction as u8,
            flags: 0,
            detail: 0,
            count: slot.pieces,
            at: ring::now(),
        },
        pid: key.pid,
        sequence: walk.sequence,
        object: key.object,
        epoch,
    };
    walk.sequence = walk.sequence.wrapping_add(slot.pieces);
    let used = slot.used as usize & (ROOM - 1);
    // The record stands right in front of the bytes.
    let start = slot::RECORD_BYTES - size_of::<Plaintext>();
    // SAFETY: `record` is as long as the slot says and `bytes` follow it without a gap.
    unsafe {
        let start = slot.record.as_mut_ptr().cast::<u8>().add(start);
        start.cast::<Plaintext>().write(record);
        let mut length = size_of::<Plaintext>() + used;
        if length > size_of::<Plaintext>() + MAX_FORWARDED {
            length = size_of::<Plaintext>() + MAX_FORWARDED;
        }
        if !ring::send_bytes(start, length as u64) {
            lost::note(&objects::owner(key, epoch), false);
        }
    }
    begin(slot);
}

/// Nothing more is told of this direction.
#[inline(always)]
pub fn silence(walk: &mut Walk, key: &ObjectKey, epoch: u64, direction: u32, why: u8) {
    if walk.place == place::SILENT {
        return;
    }
    walk.place = place::SILENT;
    if why == Silence::LOST_PLACE {
        count(Counter::LostPlace);
    }
    let head = Head {
        kind: Kind::Silence as u8,
        direction: direction as u8,
        detail: why,
        at: ring::now(),
        ..Head::default()
    };
    if !ring::send(&Silence { head, pid: key.pid, unused: 0, object: key.object, epoch }) {
        lost::note(&objects::owner(key, epoch), false);
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
