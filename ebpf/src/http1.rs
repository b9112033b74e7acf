//! HTTP/1: heads, chunk sizes and trailers are told, bodies passed over (RFC 9112 §6).

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use wrongdoor_ebpf_common::{Counter, MAX_FORWARDED, Silence};

use crate::calls::Work;
use crate::counters::count;
use crate::cursor::{self, Cursor, place};
use crate::message::{self, After, bits};
use crate::objects::{Object, ObjectKey};
use crate::pieces;
use crate::slot::Slot;
use crate::user_memory::{at_most, read};

/// Steps for one call of the library: bytes of heads, and bodies.
const STEPS: u32 = 128 * 1024;
/// How much is read from the process at a time.
const CHUNK: u64 = 256;
/// The longest head, and the longest line of a chunk's size.
const MAX_HEAD: u32 = 64 * 1024;
const MAX_SIZE_LINE: u32 = 256;

/// What the steps of one call share.
struct Shared {
    slot: *mut Slot,
    object: *mut Object,
    work: *mut Work,
    key: ObjectKey,
    is_done: u64,
}

/// Goes over what was read or written; the place is lost where that is more than the loop has steps.
#[inline(always)]
pub fn go(slot: &mut Slot, object: &mut Object, key: &ObjectKey, work: &mut Work) {
    let direction = work.direction;
    let mut shared = Shared { slot, object, work, key: *key, is_done: 0 };
    let callback = step as unsafe extern "C" fn(u64, *mut Shared) -> u64;
    // A loop of the kernel's own (5.17): the verifier walks one step of it and not each.
    // SAFETY: the callback's argument is what is passed.
    unsafe {
        bpf_loop(STEPS, callback as *mut c_void, (&raw mut shared).cast(), 0);
    }
    if shared.is_done == 0 {
        let epoch = object.epoch;
        let cursor = &mut object.cursors[(direction & 1) as usize];
        pieces::silence(cursor, key, epoch, direction, Silence::LOST_PLACE);
    }
}

/// One step: a byte of a head, or all there is of a body. 1 where it is the last.
#[inline(never)]
unsafe extern "C" fn step(_index: u64, shared: *mut Shared) -> u64 {
    // SAFETY: `go` passes its own, which outlives the loop.
    let shared = unsafe { &mut *shared };
    // SAFETY: as above; the three are different memory.
    let (slot, object, work) =
        unsafe { (&mut *shared.slot, &mut *shared.object, &mut *shared.work) };
    let is_done = one(slot, object, &shared.key, work);
    if is_done {
        shared.is_done = 1;
    }
    is_done as u64
}

#[inline(always)]
fn one(slot: &mut Slot, object: &mut Object, key: &ObjectKey, work: &mut Work) -> bool {
    let direction = work.direction;
    let epoch = object.epoch;
    let cursor: *mut Cursor = &raw mut object.cursors[(direction & 1) as usize];
    // SAFETY: a direction's cursor and the object's other fields are different memory.
    let cursor = unsafe { &mut *cursor };
    let here = cursor.place;
    let waiting = slot.window_end.wrapping_sub(slot.window_at);
    if here == place::SILENT {
        return true;
    }
    if here == place::BODY || here == place::CHUNK || here == place::TO_CLOSE {
        return pass_over(slot, cursor, work, waiting);
    }
    if waiting == 0 {
        let take = at_most(work.length, CHUNK);
        if take == 0 {
            return true;
        }
        if take > CHUNK || !read(slot.window.as_mut_ptr(), work.buffer, take as u32) {
            count(Counter::Unreadable);
            pieces::silence(cursor, key, epoch, direction, Silence::LOST_PLACE);
            return true;
        }
        work.buffer += take;
        work.length -= take;
        slot.window_at = 0;
        slot.window_end = take as u32;
        return false;
    }
    let byte = slot.window[slot.window_at as usize & (slot.window.len() - 1)];
    slot.window_at += 1;
    if here == place::MESSAGE {
        // Empty lines in front of a request are nothing (RFC 9112 §2.2).
        if byte == b'\r' || byte == b'\n' {
            return false;
        }
        message::begin(cursor);
    }
    make_room(slot, cursor, key, epoch, direction);
    pieces::open_piece(slot, cursor, here == place::MESSAGE);
    // SAFETY: there is room.
    unsafe { *pieces::free(slot) = byte };
    pieces::grow_piece(slot, 1);
    match taken(cursor, object, byte) {
        After::Go => false,
        After::Lost => {
            pieces::silence(cursor, key, epoch, direction, Silence::LOST_PLACE);
            true
        }
        After::Tunnel => {
            pieces::flush(slot, cursor, key, epoch, direction);
            pieces::silence(cursor, key, epoch, direction, Silence::TUNNEL);
            let other = cursor::opposite(direction);
            let cursor = &mut object.cursors[(other & 1) as usize];
            pieces::silence(cursor, key, epoch, other, Silence::TUNNEL);
            true
        }
    }
}

/// Bytes of a body. True where there are none.
#[inline(always)]
fn pass_over(slot: &mut Slot, cursor: &mut Cursor, work: &mut Work, waiting: u32) -> bool {
    let there = if waiting != 0 { waiting as u64 } else { work.length };
    if there == 0 {
        return true;
    }
    let is_endless = cursor.place == place::TO_CLOSE;
    let take = if is_endless { there } else { at_most(cursor.remaining, there) };
    if waiting != 0 {
        slot.window_at += take as u32;
    } else {
        work.buffer += take;
        work.length -= take;
    }
    cursor.omitted += take;
    if !is_endless {
        cursor.remaining -= take;
        if cursor.remaining == 0 {
            cursor.place =
                if cursor.place == place::BODY { place::MESSAGE } else { place::CHUNK_END };
        }
    }
    false
}

#[inline(always)]
fn make_room(slot: &mut Slot, cursor: &mut Cursor, key: &ObjectKey, epoch: u64, direction: u32) {
    if slot.used > (MAX_FORWARDED - 64) as u32 {
        pieces::flush(slot, cursor, key, epoch, direction);
    }
}

/// One byte that is told.
#[inline(always)]
fn taken(cursor: &mut Cursor, object: &mut Object, byte: u8) -> After {
    let here = cursor.place;
    if here == place::CHUNK_SIZE {
        return chunk_size(cursor, byte);
    }
    if here == place::CHUNK_END {
        if byte == b'\n' {
            begin_chunk(cursor);
        } else if byte != b'\r' {
            return After::Lost;
        }
        return After::Go;
    }
    // A head, or trailers.
    cursor.head_bytes += 1;
    if cursor.head_bytes > MAX_HEAD {
        return After::Lost;
    }
    if byte != b'\n' {
        message::byte(cursor, byte);
        return After::Go;
    }
    let is_empty =
        cursor.filled == 0 || cursor.filled == 1 && cursor.message & bits::BEGINS_WITH_CR != 0;
    if here == place::TRAILERS {
        message::begin_line(cursor);
        if is_empty {
            cursor.place = place::MESSAGE;
        }
        return After::Go;
    }
    if !is_empty {
        return message::line(cursor);
    }
    let after = message::head_ends(cursor, object);
    if cursor.place == place::CHUNK_SIZE {
        begin_chunk(cursor);
    }
    after
}

#[inline(always)]
fn begin_chunk(cursor: &mut Cursor) {
    cursor.place = place::CHUNK_SIZE;
    cursor.remaining = 0;
    cursor.filled = 0;
    cursor.message &= !(bits::IN_EXTENSION | bits::HAS_DIGIT);
}

/// A byte of a chunk's size (RFC 9112 §7.1).
#[inline(always)]
fn chunk_size(cursor: &mut Cursor, byte: u8) -> After {
    cursor.filled += 1;
    if cursor.filled > MAX_SIZE_LINE {
        return After::Lost;
    }
    if byte == b'\n' {
        if cursor.message & bits::HAS_DIGIT == 0 {
            return After::Lost;
        }
        message::begin_line(cursor);
        cursor.lines = 1;
        cursor.head_bytes = 0;
        cursor.place = if cursor.remaining == 0 { place::TRAILERS } else { place::CHUNK };
        return After::Go;
    }
    if cursor.message & bits::IN_EXTENSION != 0 {
        return After::Go;
    }
    let digit = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        b';' | b' ' | b'\t' | b'\r' => {
            cursor.message |= bits::IN_EXTENSION;
            return After::Go;
        }
        _ => return After::Lost,
    };
    if cursor.remaining >> 56 != 0 {
        return After::Lost;
    }
    cursor.message |= bits::HAS_DIGIT;
    cursor.remaining = cursor.remaining << 4 | digit as u64;
    After::Go
}
