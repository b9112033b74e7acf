//! Bounds that every verifier follows.
//!
//! Before 6.8 it learns nothing where two registers are compared, and a mask that changes nothing, which would
//! tell it, the compiler takes away. So these are written in the machine's own words.

use core::arch::asm;

/// `value & MASK`: what is masked is no larger.
#[inline(always)]
pub fn masked<const MASK: i32>(mut value: u64) -> u64 {
    // SAFETY: an instruction that touches one register.
    unsafe {
        asm!(
            "{value} &= {mask}",
            value = inout(reg) value,
            mask = const MASK,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    value
}
