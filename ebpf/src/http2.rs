//! HTTP/2: whole frames that carry header fields or concern streams are told, all others passed over.

use wrongdoor_ebpf_common::{Counter, Silence};

use crate::bounds::masked;
use crate::calls::Work;
use crate::counters::count;
use crate::cursor::{Cursor, place};
use crate::objects::ObjectKey;
use crate::pieces;
use crate::slot::Slot;
use crate::user_memory::{at_most, read};

/// The client's connection preface (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// HTTP/2's frame head (RFC 9113 §4.1).
pub const FRAME_HEAD: usize = 9;

/// Steps in one go: frames, or parts of frames. The verifier walks each.
const STEPS: u32 = 32;
/// The same of what is passed over in front of them: a buffer of 16 KiB holds a few frames of a body.
const SKIMMED: u32 = 8;
/// The most bytes of a payload in one step.
const CHUNK: u64 = 2048;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
/// RFC 8336.
const ORIGIN: u8 = 12;
const END_STREAM: u8 = 1;

/// The client's preface was read into `line`.
#[inline(always)]
pub fn begin_with_preface(slot: &mut Slot, cursor: &mut Cursor) {
    pieces::open_piece(slot, cursor, true);
    let free = pieces::free(slot);
    let mut at = 0;
    while at < PREFACE.len() {
        // SAFETY: there is room for a record's worth behind `free`.
        unsafe { *free.add(at) = PREFACE[at] };
        at += 1;
    }
    pieces::grow_piece(slot, PREFACE.len() as u32);
    begin(cursor);
}

/// From here on there are frames.
#[inline(always)]
pub fn begin(cursor: &mut Cursor) {
    cursor.place = place::FRAME;
    cursor.filled = 0;
}

/// Goes over what was read or written. True where there is more than fits in one go.
#[inline(always)]
pub fn go(
    slot: &mut Slot,
    cursor: &mut Cursor,
    key: &ObjectKey,
    epoch: u64,
    work: &mut Work,
) -> bool {
    let direction = work.direction;
    let mut step = 0;
    while step < STEPS {
        step += 1;
        if work.length == 0 {
            return false;
        }
        if cursor.place == place::OMIT {
            let take = at_most(cursor.remaining, work.length);
            cursor.omitted += take;
            pass(cursor, work, take);
        } else if cursor.place == place::TELL {
            let take = at_most(at_most(cursor.remaining, work.length), CHUNK);
            pieces::make_room(slot, cursor, key, epoch, direction, take as u32);
            pieces::open_piece(slot, cursor, false);
            let free = pieces::free(slot);
            if take == 0 || !read(free, work.buffer, from_1_to_bite(take)) {
                return lost(cursor, key, epoch, direction);
            }
            pieces::grow_piece(slot, take as u32);
            pass(cursor, work, take);
        } else if cursor.place == place::FRAME {
            let have = cursor.filled & 15;
            let wanted = (FRAME_HEAD as u32).wrapping_sub(have) & 15;
            let take = masked::<15>(at_most(work.length, wanted as u64)) as u32;
            if have + take > FRAME_HEAD as u32 || take == 0 {
                return lost(cursor, key, epoch, direction);
            }
            // SAFETY: `have` is at most 9.
            let free = unsafe { cursor.line.as_mut_ptr().add(have as usize) };
            if !read(free, work.buffer, take) {
                return lost(cursor, key, epoch, direction);
            }
            work.buffer += take as u64;
            work.length -= take as u64;
            cursor.filled = have + take;
            if cursor.filled == FRAME_HEAD as u32 {
                cursor.filled = 0;
                frame(slot, cursor, key, epoch, direction);
            }
        } else {
            return false;
        }
    }
    work.length != 0
}

/// Passes over what is not told, without a slot: nearly all of a download is that. True where nothing is left;
/// else `cursor` and `work` stand in front of what is for [`go`].
#[inline(always)]
pub fn skim(cursor: &mut Cursor, work: &mut Work) -> bool {
    let mut step = 0;
    while step < SKIMMED {
        step += 1;
        if cursor.place == place::OMIT {
            let take = at_most(cursor.remaining, work.length);
            cursor.omitted += take;
            pass(cursor, work, take);
        } else if cursor.place == place::FRAME && cursor.filled == 0 {
            // Read as two words, the second by its first byte.
            let mut head = [0u64; 2];
            if work.length < FRAME_HEAD as u64
                || !read(head.as_mut_ptr().cast(), work.buffer, FRAME_HEAD as u32)
            {
                return false;
            }
            let length = (head[0] as u32).swap_bytes() >> 8;
            let (kind, flags) = ((head[0] >> 24) as u8, (head[0] >> 32) as u8);
            if is_told(kind, flags) {
                return false;
            }
            work.buffer += FRAME_HEAD as u64;
            work.length -= FRAME_HEAD as u64;
            pass_over(cursor, length as u64);
        } else {
            return false;
        }
        if work.length == 0 {
            return true;
        }
    }
    false
}

/// Of a frame, its head is told at least.
#[inline(always)]
fn is_told(kind: u8, flags: u8) -> bool {
    is_whole(kind) || kind == DATA && flags & END_STREAM != 0
}

/// Of a frame, everything is told.
#[inline(always)]
fn is_whole(kind: u8) -> bool {
    matches!(kind, HEADERS | RST_STREAM | SETTINGS | PUSH_PROMISE | GOAWAY | CONTINUATION | ORIGIN)
}

/// A frame of which nothing is told, with so long a payload: its head is behind.
#[inline(always)]
fn pass_over(cursor: &mut Cursor, length: u64) {
    cursor.omitted += FRAME_HEAD as u64;
    cursor.remaining = length;
    if length != 0 {
        cursor.place = place::OMIT;
    }
}

/// A frame's head is complete.
#[inline(always)]
fn frame(slot: &mut Slot, cursor: &mut Cursor, key: &ObjectKey, epoch: u64, direction: u32) {
    let line = &cursor.line;
    let length = (line[0] as u64) << 16 | (line[1] as u64) << 8 | line[2] as u64;
    let (kind, flags) = (line[3], line[4]);
    if !is_told(kind, flags) {
        return pass_over(cursor, length);
    }
    pieces::make_room(slot, cursor, key, epoch, direction, FRAME_HEAD as u32);
    pieces::open_piece(slot, cursor, true);
    let free = pieces::free(slot);
    let mut at = 0;
    while at < FRAME_HEAD {
        // SAFETY: there is room behind `free`.
        unsafe { *free.add(at) = cursor.line[at] };
        at += 1;
    }
    pieces::grow_piece(slot, FRAME_HEAD as u32);
    cursor.remaining = length;
    if length != 0 {
        cursor.place = if is_whole(kind) { place::TELL } else { place::OMIT };
    }
}

#[inline(always)]
fn pass(cursor: &mut Cursor, work: &mut Work, take: u64) {
    cursor.remaining -= take;
    work.buffer += take;
    work.length -= take;
    if cursor.remaining == 0 {
        cursor.place = place::FRAME;
    }
}

#[inline(always)]
fn lost(cursor: &mut Cursor, key: &ObjectKey, epoch: u64, direction: u32) -> bool {
    count(Counter::Unreadable);
    pieces::silence(cursor, key, epoch, direction, Silence::LOST_PLACE);
    false
}

/// What is from 1 to `CHUNK`, in a form that the verifier follows.
#[inline(always)]
fn from_1_to_bite(take: u64) -> u32 {
    masked::<{ CHUNK as i32 - 1 }>(take - 1) as u32 + 1
}
