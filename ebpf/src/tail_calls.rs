//! A library function returns: what it read or wrote, in steps.
//!
//! Each step is a program of its own, so that each stays small for the verifier; they hand on by tail calls.
//! What they share is in the caller's entry and in its slot: a thread may be moved and interrupted, and only
//! those two are surely its own.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::helpers::{bpf_get_attach_cookie, bpf_probe_read_user};
use aya_ebpf::macros::map;
use aya_ebpf::maps::ProgramArray;
use aya_ebpf::programs::ProbeContext;
use wrongdoor_ebpf_common::{Cookie, Counter, Direction, Flags, Silence, tail_call};

use crate::calls::{self, CallKey, Calls, Frame, Work};
use crate::counters::count;
use crate::cursor::{Cursor, place};
use crate::functions::{NEW, NEW_INTO, SENDFILE, is_go, is_read, stores_count};
use crate::objects::{self, Object, ObjectKey, state};
use crate::registers::{Registers, goroutine};
use crate::slot::{self, Slot};
use crate::start::{self, Beginning};
use crate::{http1, http2, identify, pieces};

/// The steps of a return, by their places in [`tail_call`].
#[map]
static TAIL_CALLS: ProgramArray = ProgramArray::with_max_entries(tail_call::COUNT, 0);

/// A function returns.
#[inline(always)]
pub fn returned(ctx: &ProbeContext) {
    // SAFETY: the helper is there since 5.15.
    let bits = unsafe { bpf_get_attach_cookie(ctx.as_ptr()) };
    let function = Cookie::function_of(bits);
    let result = Registers::of(ctx).get(Cookie::arguments_of(bits).result);
    if function == NEW {
        if result != 0 {
            let _ = objects::begin(&objects::key(result), 0);
        }
        return;
    }
    let caller = caller(ctx, function);
    let Some(calls) = calls::of(&caller) else { return count(Counter::Unmatched) };
    let Some(frame) = calls::end(calls, function) else { return };
    count(Counter::Calls);
    if function == NEW_INTO {
        // SAFETY: a read that may fail.
        if let Ok(object) = unsafe { bpf_probe_read_user(frame.object as *const u64) } {
            let _ = objects::begin(&objects::key(object), 0);
        }
        return;
    }
    let Some(length) = count_of(&frame, result) else { return };
    let direction =
        if is_read(frame.function) { Direction::Received } else { Direction::Sent } as u32;
    let library = Cookie::library_of(bits) as u32;
    let work = Work { object: frame.object, buffer: frame.buffer, length, direction, library };
    if frame.function == SENDFILE {
        return unseen(&work);
    }
    moved(ctx, calls, work);
}

/// A caller has read or written.
#[inline(always)]
pub fn moved(ctx: &ProbeContext, calls: &mut Calls, work: Work) {
    let key = objects::key(work.object);
    let Some(object) = objects::find(&key) else {
        return objects::ignore_older(&key);
    };
    if object.state != state::IGNORED && work.length != 0 {
        calls.work = work;
        go(ctx, calls, object, &key);
    }
}

/// How many bytes were moved, if any were.
#[inline(always)]
fn count_of(frame: &Frame, result: u64) -> Option<u64> {
    if frame.is_inner != 0 {
        return None;
    }
    let by_pointer = stores_count(frame.function);
    let is_wide = frame.function == SENDFILE || is_go(frame.function);
    let result = if is_wide { result as i64 } else { result as i32 as i64 };
    if result <= 0 {
        return None;
    }
    let moved = if by_pointer {
        // SAFETY: a read that may fail.
        unsafe { bpf_probe_read_user(frame.count as *const u64).ok()? }
    } else {
        result as u64
    };
    // More than the buffer holds would be memory of something else.
    let length = if is_wide || by_pointer { frame.length } else { frame.length as u32 as u64 };
    (moved != 0 && (moved <= length || frame.function == SENDFILE)).then_some(moved)
}

/// Bytes that went past the library's buffers: a file that the kernel sent itself.
#[inline(always)]
fn unseen(work: &Work) {
    let Work { direction, length: moved, .. } = *work;
    let key = objects::key(work.object);
    let Some(object) = objects::find(&key) else { return };
    if object.state == state::IGNORED {
        return;
    }
    let epoch = object.epoch;
    let cursor = &mut object.cursors[(direction & 1) as usize];
    if cursor.stays_inside(moved) {
        return;
    }
    if object.state == state::TOLD {
        pieces::silence(cursor, &key, epoch, direction, Silence::LOST_PLACE);
    } else {
        object.state = state::IGNORED;
    }
}

/// Into the steps.
#[inline(always)]
fn go(ctx: &ProbeContext, calls: &mut Calls, object: &mut Object, key: &ObjectKey) {
    let direction = calls.work.direction;
    let cursor: *mut Cursor = &raw mut object.cursors[(direction & 1) as usize];
    // SAFETY: a direction's cursor and the object's other fields are different memory.
    let cursor = unsafe { &mut *cursor };
    if cursor.place == place::SILENT {
        return;
    }
    let is_http2 = cursor.place >= place::FRAME && cursor.place <= place::OMIT;
    if object.state == state::TOLD
        && (cursor.stays_inside(calls.work.length)
            || is_http2 && http2::skim(cursor, &mut calls.work))
    {
        return;
    }
    let Some((index, slot)) = slot::claim() else {
        return pieces::silence(cursor, key, object.epoch, direction, Silence::LOST_PLACE);
    };
    calls.slot = index;
    pieces::begin(slot);
    slot.window_at = 0;
    slot.window_end = 0;
    // Nearly always it is HTTP/2 in mid-connection, and one go is enough: no step is worth its way there.
    if object.state == state::TOLD && is_http2 {
        if http2::go(slot, cursor, key, object.epoch, &mut calls.work) {
            return hand_on(ctx, tail_call::HTTP2, slot, object, key, direction);
        }
        pieces::flush(slot, cursor, key, object.epoch, direction);
        return slot.release();
    }
    if start::is_at_start(cursor) && !begin(slot, cursor, object, calls, direction) {
        return slot.release();
    }
    let next = if object.state == state::SILENT { tail_call::IDENTIFY } else { protocol(cursor) };
    hand_on(ctx, next, slot, object, key, direction);
}

/// The first bytes of a direction. False where there is nothing more to do.
#[inline(always)]
fn begin(
    slot: &mut Slot,
    cursor: &mut Cursor,
    object: &mut Object,
    calls: &mut Calls,
    direction: u32,
) -> bool {
    let have = cursor.filled;
    let beginning = start::look(cursor, &mut calls.work);
    let is_sent = direction == Direction::Sent as u32;
    let (client, server) = (Flags::CLIENT.0 as u32, Flags::SERVER.0 as u32);
    let role = match beginning {
        Beginning::NeedMore => return false,
        Beginning::Foreign | Beginning::Unreadable => {
            object.state = state::IGNORED;
            count(if beginning == Beginning::Foreign {
                Counter::Foreign
            } else {
                Counter::Unreadable
            });
            return false;
        }
        Beginning::Preface | Beginning::Request => {
            if is_sent {
                client
            } else {
                server
            }
        }
        Beginning::Settings | Beginning::Response => {
            if is_sent {
                server
            } else {
                client
            }
        }
    };
    object.flags |= role;
    match beginning {
        Beginning::Preface => http2::begin_with_preface(slot, cursor),
        Beginning::Settings => {
            cursor.place = place::FRAME;
            cursor.filled = have;
        }
        _ => {
            // What was kept from earlier calls comes before what is at hand.
            let mut at = 0;
            while at < http2::PREFACE.len() {
                slot.window[at] = cursor.line[at];
                at += 1;
            }
            slot.window_end = have & 31;
            cursor.place = place::MESSAGE;
            cursor.filled = 0;
        }
    }
    true
}

#[inline(always)]
fn protocol(cursor: &Cursor) -> u32 {
    if cursor.is_http1() { tail_call::HTTP1 } else { tail_call::HTTP2 }
}

/// To the next step. A tail call does not come back; one that cannot be made loses the place.
#[inline(always)]
fn hand_on(
    ctx: &ProbeContext,
    step: u32,
    slot: &mut Slot,
    object: &mut Object,
    key: &ObjectKey,
    direction: u32,
) {
    // SAFETY: the steps are programs of the same type.
    unsafe { TAIL_CALLS.tail_call(ctx, step) };
    let epoch = object.epoch;
    let cursor = &mut object.cursors[(direction & 1) as usize];
    pieces::flush(slot, cursor, key, epoch, direction);
    pieces::silence(cursor, key, epoch, direction, Silence::LOST_PLACE);
    slot.release();
}

/// The caller of a function: a goroutine or a thread.
#[inline(always)]
pub fn caller(ctx: &ProbeContext, function: u32) -> CallKey {
    if is_go(function) { calls::goroutine(goroutine(ctx)) } else { calls::thread() }
}

/// What the steps share.
#[inline(always)]
fn resume(
    ctx: &ProbeContext,
) -> Option<(&'static mut Calls, &'static mut Slot, &'static mut Object, ObjectKey)> {
    // SAFETY: the helper is there since 5.15.
    let bits = unsafe { bpf_get_attach_cookie(ctx.as_ptr()) };
    let calls = calls::of(&caller(ctx, Cookie::function_of(bits)))?;
    let slot = slot::claimed(calls.slot)?;
    let key = objects::key(calls.work.object);
    let Some(object) = objects::find(&key) else {
        slot.release();
        return None;
    };
    Some((calls, slot, object, key))
}

/// Whose object it is; then on to its protocol.
#[inline(always)]
pub fn identify(ctx: &ProbeContext) {
    let Some((calls, slot, object, key)) = resume(ctx) else { return };
    identify::settle(slot, object, &key, &calls.work);
    let direction = calls.work.direction;
    let next = protocol(&object.cursors[(direction & 1) as usize]);
    hand_on(ctx, next, slot, object, &key, direction);
}

/// Over HTTP/2's frames.
#[inline(always)]
pub fn http2(ctx: &ProbeContext) {
    let Some((calls, slot, object, key)) = resume(ctx) else { return };
    let direction = calls.work.direction;
    let epoch = object.epoch;
    let cursor: *mut Cursor = &raw mut object.cursors[(direction & 1) as usize];
    // SAFETY: a direction's cursor and the object's other fields are different memory.
    let cursor = unsafe { &mut *cursor };
    if http2::go(slot, cursor, &key, epoch, &mut calls.work) {
        return hand_on(ctx, tail_call::HTTP2, slot, object, &key, direction);
    }
    pieces::flush(slot, cursor, &key, epoch, direction);
    slot.release();
}

/// Over HTTP/1's messages.
#[inline(always)]
pub fn http1(ctx: &ProbeContext) {
    let Some((calls, slot, object, key)) = resume(ctx) else { return };
    let direction = calls.work.direction;
    let epoch = object.epoch;
    http1::go(slot, object, &key, &mut calls.work);
    let cursor = &mut object.cursors[(direction & 1) as usize];
    pieces::flush(slot, cursor, &key, epoch, direction);
    slot.release();
}
