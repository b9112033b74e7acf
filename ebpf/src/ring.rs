//! Into the ring: every record is counted, and so is every one that finds it full.

use aya_ebpf::bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use aya_ebpf::helpers::generated::{bpf_ktime_get_boot_ns, bpf_ringbuf_output};
use aya_ebpf::macros::map;
use aya_ebpf::maps::RingBuf;
use wrongdoor_ebpf_common::Counter;

use crate::counters::{count, count_many};
use crate::settings::settings;

/// The smallest that there is: the agent sets the real size, a power of two.
const RING_BYTES: u32 = 4096;

#[map]
static RING: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// Now, as records have it.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: the helper has no preconditions.
    unsafe { bpf_ktime_get_boot_ns() }
}

/// Sends a record of a fixed size.
#[inline(always)]
pub fn send<T>(record: &T) -> bool {
    // SAFETY: a reference is valid for its type's size.
    unsafe { send_bytes(core::ptr::from_ref(record).cast(), size_of::<T>() as u64) }
}

/// Sends `length` bytes.
///
/// # Safety
///
/// `bytes` must be valid for `length` bytes.
#[inline(always)]
pub unsafe fn send_bytes(bytes: *const u8, length: u64) -> bool {
    count(Counter::Records);
    // SAFETY: the caller's promise.
    let is_sent = unsafe { output_bytes(bytes, length) };
    if is_sent {
        count_many(Counter::RingBytes, length);
    } else {
        count(Counter::RingFull);
    }
    is_sent
}

/// Sends a record that is in no account.
#[inline(always)]
pub fn output<T>(record: &T) -> bool {
    // SAFETY: a reference is valid for its type's size.
    unsafe { output_bytes(core::ptr::from_ref(record).cast(), size_of::<T>() as u64) }
}

/// The agent looks into the ring by itself many times a second; it is woken only where the ring fills
/// faster than that, since waking costs the traced thread more than everything else here.
///
/// # Safety
///
/// As [`send_bytes`].
#[inline(always)]
pub unsafe fn output_bytes(bytes: *const u8, length: u64) -> bool {
    let waiting = RING.query(BPF_RB_AVAIL_DATA as u64);
    let wake_at = settings().map_or(0, |settings| settings.wake_at as u64);
    let flags = if waiting > wake_at { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP };
    let ring = (&raw const RING).cast_mut().cast();
    // SAFETY: the map is one; the bytes are the caller's promise.
    unsafe { bpf_ringbuf_output(ring, bytes.cast_mut().cast(), length, flags as u64) == 0 }
}
