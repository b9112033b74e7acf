//! Calls that have begun: what a function was given, until it returns and says what it did.

use core::intrinsics::{AtomicOrdering, atomic_xadd};

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, LruHashMap};
use wrongdoor_ebpf_common::Counter;

use crate::counters::count;
use crate::functions::{GO_CLIENT, GO_READ, GO_SERVER, GO_WRITE, is_read};

/// Threads, and goroutines, inside a library call or lately so.
const MAX_CALLERS: u32 = 32_768;
/// Places in [`CALLERS`]: a power of two.
const MAX_PLACES: u32 = 65_536;

#[map]
static CALLS: LruHashMap<CallKey, Calls> = LruHashMap::with_max_entries(MAX_CALLERS, 0);
/// How many threads inside a call, and processes that run Go, have these low bits in their ids: see [`may_be_inside`].
#[map]
static CALLERS: Array<u32> = Array::with_max_entries(MAX_PLACES, 0);

/// Who is inside a call: a thread, or in Go a goroutine, which may change threads inside.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CallKey {
    /// The thread's id, or the goroutine's address.
    pub id: u64,
    /// The process.
    pub pid: u32,
    /// Not 0: a goroutine.
    pub is_go: u32,
}

/// A call that has begun.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Frame {
    pub object: u64,
    pub buffer: u64,
    pub length: u64,
    /// Where the count goes, of those functions that say it so; of a Go handshake its object's epoch.
    pub count: u64,
    /// The stack pointer: what is deeper in the stack is called from here.
    pub stack: u64,
    /// One of [`functions`](crate::functions).
    pub function: u32,
    /// Not 0: it is called by a call of the same object and kind, which counts alone.
    pub is_inner: u32,
}

/// How many calls within calls are told apart: TLS inside TLS.
const MAX_DEPTH: u32 = 2;

/// The calls that one caller is in.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Calls {
    pub depth: u32,
    /// Not 0: the thread is counted in [`CALLERS`].
    pub is_counted: u32,
    /// Layout.
    pub unused: u32,
    /// The slot that the steps of a return share.
    pub slot: u32,
    pub frames: [Frame; MAX_DEPTH as usize],
    /// What the steps of a return work on.
    pub work: Work,
}

/// A return that is being worked on, from step to step.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Work {
    pub object: u64,
    /// The next byte that was not looked at.
    pub buffer: u64,
    /// How many there still are.
    pub length: u64,
    /// A `Direction`.
    pub direction: u32,
    /// The library's index.
    pub library: u32,
}

const NO_FRAME: Frame =
    Frame { object: 0, buffer: 0, length: 0, count: 0, stack: 0, function: 0, is_inner: 0 };
const NO_CALLS: Calls = Calls {
    depth: 0,
    is_counted: 0,
    unused: 0,
    slot: 0,
    frames: [NO_FRAME; MAX_DEPTH as usize],
    work: Work { object: 0, buffer: 0, length: 0, direction: 0, library: 0 },
};

/// The running thread.
#[inline(always)]
pub fn thread() -> CallKey {
    let both = bpf_get_current_pid_tgid();
    CallKey { id: both & 0xffff_ffff, pid: (both >> 32) as u32, is_go: 0 }
}

/// A goroutine of the running process.
#[inline(always)]
pub fn goroutine(address: u64) -> CallKey {
    CallKey { id: address, pid: (bpf_get_current_pid_tgid() >> 32) as u32, is_go: 1 }
}

/// The calls of a caller.
#[inline(always)]
pub fn of(key: &CallKey) -> Option<&'static mut Calls> {
    // SAFETY: an entry is used by the caller it is of, which is here.
    CALLS.get_ptr_mut(key).map(|calls| unsafe { &mut *calls })
}

/// The calls of a caller, who may be new.
#[inline(always)]
pub fn enter(key: &CallKey) -> Option<&'static mut Calls> {
    if let Some(calls) = of(key) {
        return Some(calls);
    }
    if CALLS.insert(key, NO_CALLS, 0).is_err() {
        count(Counter::MapFull);
        return None;
    }
    of(key)
}

/// A call begins.
#[inline(always)]
pub fn begin(key: &CallKey, mut frame: Frame) {
    let Some(calls) = enter(key) else { return };
    // A frame that is not above this one on the stack is of a call that never came back here: its thread
    // jumped out, or the trap on its return is missing. A goroutine's stack moves; there the same call
    // twice is one that began again (its stack grew).
    if calls.depth >= 2 && is_over(&calls.frames[1], &frame, key) {
        calls.depth = 1;
    }
    if calls.depth == 1 && is_over(&calls.frames[0], &frame, key) {
        calls.depth = 0;
    }
    match calls.depth {
        0 => {
            calls.frames[0] = frame;
            calls.depth = 1;
        }
        1 => {
            let outer = &calls.frames[0];
            let is_same =
                outer.object == frame.object && is_read(outer.function) == is_read(frame.function);
            frame.is_inner = is_same as u32;
            calls.frames[1] = frame;
            calls.depth = 2;
        }
        _ => count(Counter::Unmatched),
    }
    if key.is_go == 0 && calls.is_counted == 0 {
        calls.is_counted = 1;
        change(key.id as u32, 1);
    }
}

/// Whether a thread can be inside a call at all: all but a few of those that use a socket are not, and to look
/// that up for each costs them more than everything else here.
///
/// Others have the same low bits: then it is looked up in vain. So it is where a call was never seen to end,
/// as of a thread that was killed in it.
#[inline(always)]
pub fn may_be_inside(thread: &CallKey) -> bool {
    let is_set = |id: u32| CALLERS.get(id & (MAX_PLACES - 1)).is_some_and(|count| *count != 0);
    is_set(thread.id as u32) || is_set(thread.pid)
}

/// A process runs Go: any of its threads may go on with a call.
#[inline(always)]
pub fn runs_go(pid: u32) {
    change(pid, 1);
}

/// Counts a thread or process in, or out with `u32::MAX`.
#[inline(always)]
fn change(id: u32, by: u32) {
    if let Some(place) = CALLERS.get_ptr_mut(id & (MAX_PLACES - 1)) {
        // SAFETY: a word of the map.
        unsafe { atomic_xadd::<u32, u32, { AtomicOrdering::SeqCst }>(place, by) };
    }
}

#[inline(always)]
fn is_over(before: &Frame, now: &Frame, key: &CallKey) -> bool {
    if key.is_go != 0 {
        before.object == now.object && before.function == now.function || is_handshake(before)
    } else {
        before.stack <= now.stack
    }
}

/// A call returns: what it was given.
#[inline(always)]
pub fn end(calls: &mut Calls, function: u32) -> Option<Frame> {
    let ended = pop(calls, function);
    if calls.depth == 0 && calls.is_counted != 0 {
        calls.is_counted = 0;
        change(thread().id as u32, u32::MAX);
    }
    ended
}

#[inline(always)]
fn pop(calls: &mut Calls, function: u32) -> Option<Frame> {
    if calls.depth == 2 {
        if calls.frames[1].function == function {
            calls.depth = 1;
            return Some(calls.frames[1]);
        }
        calls.depth = 1;
    }
    if calls.depth == 1 {
        calls.depth = 0;
        if calls.frames[0].function == function {
            return Some(calls.frames[0]);
        }
    }
    count(Counter::Unmatched);
    None
}

/// The object of the innermost call.
#[inline(always)]
pub fn innermost(calls: &Calls) -> Option<u64> {
    match calls.depth {
        0 => None,
        1 => Some(calls.frames[0].object),
        _ => Some(calls.frames[1].object),
    }
}

/// The socket of a handshake is known: what its goroutine does next is not its. Whether it was one: it tells
/// its socket once, since nothing says when it ends.
#[inline(always)]
pub fn end_handshake(calls: &mut Calls) -> bool {
    let is_one = calls.depth == 1 && is_handshake(&calls.frames[0]);
    if is_one {
        calls.depth = 0;
    }
    is_one
}

/// Whether the goroutine is in a handshake of an earlier object at this address: one that never came to its first
/// bytes, or a write to a connection that was closed already.
#[inline(always)]
pub fn is_of_former(calls: &Calls, epoch: u64) -> bool {
    calls.depth == 1 && is_handshake(&calls.frames[0]) && calls.frames[0].count != epoch
}

/// Whether it is of a Go handshake, or of a write that begins one: their ends are not trapped.
#[inline(always)]
fn is_handshake(frame: &Frame) -> bool {
    matches!(frame.function, GO_CLIENT | GO_SERVER | GO_WRITE)
}

/// Whether the innermost call of a goroutine is a read of `object`.
#[inline(always)]
pub fn reads(calls: &Calls, object: u64) -> bool {
    let frame = if calls.depth >= 2 { &calls.frames[1] } else { &calls.frames[0] };
    calls.depth != 0 && frame.function == GO_READ && frame.object == object
}

/// Whether the goroutine is in a write that has to begin with a handshake.
#[inline(always)]
pub fn writes_first(calls: &Calls, object: u64) -> bool {
    let frame = &calls.frames[0];
    calls.depth == 1 && frame.function == GO_WRITE && frame.object == object
}
