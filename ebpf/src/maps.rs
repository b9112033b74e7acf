//! The tables. Each has a bound; what finds one full is counted.

use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, LruHashMap, PerCpuArray, ProgramArray, RingBuf};
use wrongdoor_ebpf_common::{Counter, Settings, Tuple};

use crate::calls::{CallKey, Calls};
use crate::early::Early;
use crate::handshake::{Flow, RandomKey, RandomOwner};
use crate::objects::{Object, ObjectKey};
use crate::slot::Slot;

/// Threads, and goroutines, inside a library call or lately so.
const MAX_CALLERS: u32 = 32_768;
/// Places in [`CALLERS`]: a power of two.
pub const MAX_PLACES: u32 = 65_536;
/// TLS objects in use. The least recently used goes first, and is told no more.
const MAX_OBJECTS: u32 = 65_536;
/// Sockets in their handshake or lately so.
const MAX_FLOWS: u32 = 65_536;
/// ClientHellos whose sockets are still to come, by their ends.
const MAX_EARLY: u32 = 8_192;
/// ClientHellos that a TLS object may be looked for with.
const MAX_RANDOMS: u32 = 32_768;
/// Examined files.
pub const MAX_LIBRARIES: u32 = 1_024;
/// The agent sets the real size, a power of two.
const RING_BYTES: u32 = 8 * 1024 * 1024;
/// Scratch buffers a processor: a program may be preempted by another task's, and that by an interrupt's.
pub const SLOTS_PER_CPU: u32 = 4;
/// The agent sets the real number: so many for each processor.
const MAX_SLOTS: u32 = SLOTS_PER_CPU * 2;

#[map]
pub static RING: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);
#[map]
pub static SLOTS: Array<Slot> = Array::with_max_entries(MAX_SLOTS, 0);
#[map]
pub static CALLS: LruHashMap<CallKey, Calls> = LruHashMap::with_max_entries(MAX_CALLERS, 0);
/// How many threads inside a call, and processes that run Go, have these low bits in their ids: see
/// [`crate::calls::may_be_inside`].
#[map]
pub static CALLERS: Array<u32> = Array::with_max_entries(MAX_PLACES, 0);
#[map]
pub static OBJECTS: LruHashMap<ObjectKey, Object> = LruHashMap::with_max_entries(MAX_OBJECTS, 0);
/// One object of nothing but zeros: too large for the stack, which is where a new one would come from.
#[map]
pub static NEW_OBJECT: Array<Object> = Array::with_max_entries(1, 0);
#[map]
pub static FLOWS: LruHashMap<u64, Flow> = LruHashMap::with_max_entries(MAX_FLOWS, 0);
#[map]
pub static EARLY: LruHashMap<Tuple, Early> = LruHashMap::with_max_entries(MAX_EARLY, 0);
#[map]
pub static RANDOMS: LruHashMap<RandomKey, RandomOwner> =
    LruHashMap::with_max_entries(MAX_RANDOMS, 0);
/// By library: where in its objects the ClientHello's random was found, plus one; 0: not found yet.
#[map]
pub static RANDOM_PLACES: Array<u32> = Array::with_max_entries(MAX_LIBRARIES, 0);
#[map]
pub static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(Counter::COUNT, 0);
#[map]
pub static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);
/// Processes that run Go: their calls are found by goroutine, not by thread.
#[map]
pub static GO_PROCESSES: LruHashMap<u32, u8> = LruHashMap::with_max_entries(4_096, 0);
/// The steps of a return: see [`crate::steps`].
#[map]
pub static STEPS: ProgramArray = ProgramArray::with_max_entries(4, 0);

/// Counts one.
#[inline(always)]
pub fn count(counter: Counter) {
    count_many(counter, 1);
}

/// Counts several.
#[inline(always)]
pub fn count_many(counter: Counter, several: u64) {
    if let Some(place) = COUNTERS.get_ptr_mut(counter as u32) {
        // SAFETY: the place is this processor's own. A preempted increment may be lost to another task's on
        // the same processor; counts may so be a little low, never high.
        unsafe { *place += several };
    }
}

/// What the agent said before it attached anything.
#[inline(always)]
pub fn settings() -> Option<&'static Settings> {
    SETTINGS.get(0)
}
