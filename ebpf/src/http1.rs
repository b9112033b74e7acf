//! HTTP/1: heads, chunk sizes and trailers are told, bodies passed over (RFC 9112 §6).

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use wrongdoor_ebpf_common::{Counter, MAX_FORWARDED, Silence};

use crate::calls::Work;
use crate::http2::{at_most, read};
use crate::maps::count;
use crate::message::{self, After, bits};
use crate::objects::{Object, ObjectKey};
use crate::slot::Slot;
use crate::walk::{self, Walk, place};

/// Steps for one call of the library: bytes of heads, and bodies.
const STEPS: u32 = 128 * 1024;
/// How much is read from the process at a time.
const BITE: u64 = 256;
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

/// Goes over what was read or written; the place is lost where that is more than anyone sends at once.
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
        let walk = &mut object.walks[(direction & 1) as usize];
        walk::silence(walk, key, epoch, direction, Silence::LOST_PLACE);
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
    let walk: *mut Walk = &raw mut object.walks[(direction & 1) as usize];
    // SAFETY: a direction's walk and the object's other fields are different memory.
    let walk = unsafe { &mut *walk };
    let here = walk.place;
    let waiting = slot.window_end.wrapping_sub(slot.window_at);
    if here == place::SILENT {
        return true;
    }
    if here == place::BODY || here == place::CHUNK || here == place::TO_CLOSE {
        return pass_over(slot, walk, work, waiting);
    }
    if waiting == 0 {
        let take = at_most(work.length, BITE);
        if take == 0 {
            return true;
        }
        if take > BITE || !read(slot.window.as_mut_ptr(), work.buffer, take as u32) {
            count(Counter::Unreadable);
            walk::silence(walk, key, epoch, direction, Silence::LOST_PLACE);
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
        message::begin(walk);
    }
    make_room(slot, walk, key, epoch, direction);
    walk::open_piece(slot, walk, here == place::MESSAGE);
    // SAFETY: there is room.
    unsafe { *walk::free(slot) = byte };
    walk::grow_piece(slot, 1);
    match taken(walk, object, byte) {
        After::Go => false,
        After::Lost => {
            walk::silence(walk, key, epoch, direction, Silence::LOST_PLACE);
            true
        }
        After::Tunnel => {
            walk::flush(slot, walk, key, epoch, direction);
            walk::silence(walk, key, epoch, direction, Silence::TUNNEL);
            let other = walk::opposite(direction);
            let walk = &mut object.walks[(other & 1) as usize];
            walk::silence(walk, key, epoch, other, Silence::TUNNEL);
            true
        }
    }
}

/// Bytes of a body. True where there are none.
#[inline(always)]
fn pass_over(slot: &mut Slot, walk: &mut Walk, work: &mut Work, waiting: u32) -> bool {
    let there = if waiting != 0 { waiting as u64 } else { work.length };
    if there == 0 {
        return true;
    }
    let is_endless = walk.place == place::TO_CLOSE;
    let take = if is_endless { there } else { at_most(walk.remaining, there) };
    if waiting != 0 {
        slot.window_at += take as u32;
    } else {
        work.buffer += take;
        work.length -= take;
    }
    walk.omitted += take;
    if !is_endless {
        walk.remaining -= take;
        if walk.remaining == 0 {
            walk.place = if walk.place == place::BODY { place::MESSAGE } else { place::CHUNK_END };
        }
    }
    false
}

#[inline(always)]
fn make_room(slot: &mut Slot, walk: &mut Walk, key: &ObjectKey, epoch: u64, direction: u32) {
    if slot.used > (MAX_FORWARDED - 64) as u32 {
        walk::flush(slot, walk, key, epoch, direction);
    }
}

/// One byte that is told.
#[inline(always)]
fn taken(walk: &mut Walk, object: &mut Object, byte: u8) -> After {
    let here = walk.place;
    if here == place::CHUNK_SIZE {
        return chunk_size(walk, byte);
    }
    if here == place::CHUNK_END {
        if byte == b'\n' {
            begin_chunk(walk);
        } else if byte != b'\r' {
            return After::Lost;
        }
        return After::Go;
    }
    // A head, or trailers.
    walk.head_bytes += 1;
    if walk.head_bytes > MAX_HEAD {
        return After::Lost;
    }
    if byte != b'\n' {
        message::byte(walk, byte);
        return After::Go;
    }
    let is_empty = walk.filled == 0 || walk.filled == 1 && walk.message & bits::BEGINS_WITH_CR != 0;
    if here == place::TRAILERS {
        message::begin_line(walk);
        if is_empty {
            walk.place = place::MESSAGE;
        }
        return After::Go;
    }
    if !is_empty {
        return message::line(walk);
    }
    let after = message::head_ends(walk, object);
    if walk.place == place::CHUNK_SIZE {
        begin_chunk(walk);
    }
    after
}

#[inline(always)]
fn begin_chunk(walk: &mut Walk) {
    walk.place = place::CHUNK_SIZE;
    walk.remaining = 0;
    walk.filled = 0;
    walk.message &= !(bits::IN_EXTENSION | bits::HAS_DIGIT);
}

/// A byte of a chunk's size (RFC 9112 §7.1).
#[inline(always)]
fn chunk_size(walk: &mut Walk, byte: u8) -> After {
    walk.filled += 1;
    if walk.filled > MAX_SIZE_LINE {
        return After::Lost;
    }
    if byte == b'\n' {
        if walk.message & bits::HAS_DIGIT == 0 {
            return After::Lost;
        }
        message::begin_line(walk);
        walk.lines = 1;
        walk.head_bytes = 0;
        walk.place = if walk.remaining == 0 { place::TRAILERS } else { place::CHUNK };
        return After::Go;
    }
    if walk.message & bits::IN_EXTENSION != 0 {
        return After::Go;
    }
    let digit = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        b';' | b' ' | b'\t' | b'\r' => {
            walk.message |= bits::IN_EXTENSION;
            return After::Go;
        }
        _ => return After::Lost,
    };
    if walk.remaining >> 56 != 0 {
        return After::Lost;
    }
    walk.message |= bits::HAS_DIGIT;
    walk.remaining = walk.remaining << 4 | digit as u64;
    After::Go
}
