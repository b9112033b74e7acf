//! What the kernel side counts, processor by processor.

use aya_ebpf::macros::map;
use aya_ebpf::maps::PerCpuArray;
use wrongdoor_ebpf_common::Counter;

#[map]
static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(Counter::COUNT, 0);

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
