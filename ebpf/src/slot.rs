//! Scratch memory: where a record is put together before it goes into the ring.
//!
//! One for each processor would not do: on kernels that preempt, another task's program can run on the
//! same processor in the middle of this one. So a processor has a few, and each is claimed.

use core::intrinsics::{AtomicOrdering, atomic_xchg};

use aya_ebpf::helpers::bpf_get_smp_processor_id;
use aya_ebpf::macros::map;
use aya_ebpf::maps::Array;
use wrongdoor_ebpf_common::{Counter, Handshake, MAX_FORWARDED, Plaintext, SLOTS_PER_CPU};

use crate::counters::count;

/// [`SLOTS_PER_CPU`] for each processor: the agent sets the number.
#[map]
static SLOTS: Array<Slot> = Array::with_max_entries(SLOTS_PER_CPU, 0);

/// What may follow a record's own fields: bytes of a connection, and the heads of their pieces.
pub const ROOM: usize = MAX_FORWARDED * 2;

/// Room for the bytes of a process that wait to be looked at: a power of two, so that a masked position is inside.
pub const WINDOW: usize = 512;

/// One scratch buffer.
#[repr(C)]
pub struct Slot {
    busy: u64,
    /// How much of `bytes` is in use.
    pub used: u32,
    /// Where the head of the piece at hand stands in `bytes`; only where `pieces` is not 0.
    pub piece: u32,
    /// How many pieces there are; the last is open.
    pub pieces: u32,
    /// Of a segment: records that found the ring full.
    pub unsent: u32,
    /// HTTP/1: the part of `window` that was not looked at.
    pub window_at: u32,
    pub window_end: u32,
    /// HTTP/1: bytes of the process, or the beginning that `Cursor::line` has kept.
    pub window: [u8; WINDOW],
    /// The record's own fields, at its end: a [`Plaintext`] or a [`Handshake`].
    pub record: [u64; RECORD_WORDS],
    /// What follows them. Twice what is ever used, so that a masked position is always inside.
    pub bytes: [u8; ROOM],
}

/// The length of [`Slot::record`]: the largest record that it holds.
pub const RECORD_BYTES: usize = size_of::<Handshake>();
const RECORD_WORDS: usize = RECORD_BYTES / 8;
const _: () = assert!(RECORD_BYTES.is_multiple_of(8) && size_of::<Plaintext>() <= RECORD_BYTES);

/// Claims a slot of this processor; none is free only where programs interrupt each other beyond reason.
#[inline(always)]
pub fn claim() -> Option<(u32, &'static mut Slot)> {
    // SAFETY: the helper has no preconditions.
    let first = unsafe { bpf_get_smp_processor_id() } * SLOTS_PER_CPU;
    for place in 0..SLOTS_PER_CPU {
        let index = first + place;
        let Some(slot) = SLOTS.get_ptr_mut(index) else { break };
        // The stable atomics do not know that this target can exchange.
        // SAFETY: the map's memory lives as long as the program.
        let was_busy =
            unsafe { atomic_xchg::<u64, { AtomicOrdering::SeqCst }>(&raw mut (*slot).busy, 1) };
        if was_busy == 0 {
            // SAFETY: claimed: no other program has it until it is released.
            return Some((index, unsafe { &mut *slot }));
        }
    }
    count(Counter::ScratchBusy);
    None
}

/// The slot that was claimed before, in the next step of the same work.
#[inline(always)]
pub fn claimed(index: u32) -> Option<&'static mut Slot> {
    // SAFETY: the caller has claimed the slot of this index.
    SLOTS.get_ptr_mut(index).map(|slot| unsafe { &mut *slot })
}

impl Slot {
    /// Gives it back.
    #[inline(always)]
    pub fn release(&mut self) {
        // SAFETY: a word of the map; a plain store of one is not torn.
        unsafe { (&raw mut self.busy).write_volatile(0) };
    }
}
