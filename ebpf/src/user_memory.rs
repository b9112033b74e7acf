//! The memory of the traced process.

use aya_ebpf::helpers::generated::bpf_probe_read_user;

/// Reads memory of the process.
#[inline(always)]
pub fn read(to: *mut u8, from: u64, length: u32) -> bool {
    // SAFETY: callers bound `length` by the room behind `to`, in ways that the verifier checks again.
    unsafe { bpf_probe_read_user(to.cast(), length, from as *const core::ffi::c_void) == 0 }
}

#[inline(always)]
pub fn at_most(one: u64, other: u64) -> u64 {
    if one < other { one } else { other }
}
