//! Registers at a trap, by the machine's own numbers.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::programs::ProbeContext;

/// The words of the kernel's `pt_regs` that are copied: all general registers are among them.
const WORDS: usize = 16;

/// By the machine's number of a register, four bits each: its word in `pt_regs`.
///
/// r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi (and, where rsp would be, a word that is none).
#[cfg(bpf_target_arch = "x86_64")]
const PLACES: u64 = 0x0123_6789_ed4f_5cba;
/// x0 … x15, as they are.
#[cfg(bpf_target_arch = "aarch64")]
const PLACES: u64 = 0xfedc_ba98_7654_3210;

/// The general registers at a trap.
pub struct Registers([u64; WORDS]);

impl Registers {
    /// Copies them: the verifier allows no register of the context to be picked by a number.
    #[inline(always)]
    pub fn of(ctx: &ProbeContext) -> Self {
        let registers = ctx.as_ptr().cast::<u64>();
        // One load each, written out: a helper that copies them and the zeros that it would want first take
        // longer than all else at a function's entry.
        // SAFETY: the kernel hands a uprobe the thread's registers, which are longer than this.
        let word = |place: usize| unsafe { registers.add(place).read_volatile() };
        Self([
            word(0),
            word(1),
            word(2),
            word(3),
            word(4),
            word(5),
            word(6),
            word(7),
            word(8),
            word(9),
            word(10),
            word(11),
            word(12),
            word(13),
            word(14),
            word(15),
        ])
    }

    /// A general register: see `wrongdoor_ebpf_common::Register`.
    #[inline(always)]
    pub fn get(&self, number: u8) -> u64 {
        let place = (PLACES >> ((number as u64 & 15) * 4)) & 15;
        // SAFETY: the place is below 16.
        unsafe { self.0.as_ptr().add(place as usize).read_volatile() }
    }
}

/// The stack pointer.
#[cfg(bpf_target_arch = "x86_64")]
#[inline(always)]
pub fn stack(ctx: &ProbeContext) -> u64 {
    // SAFETY: the kernel hands a uprobe the thread's registers.
    unsafe { (*ctx.regs).rsp }
}

/// The goroutine that runs, in Go's register convention.
#[cfg(bpf_target_arch = "x86_64")]
#[inline(always)]
pub fn goroutine(ctx: &ProbeContext) -> u64 {
    // SAFETY: as above.
    unsafe { (*ctx.regs).r14 }
}

#[cfg(bpf_target_arch = "aarch64")]
#[inline(always)]
pub fn stack(ctx: &ProbeContext) -> u64 {
    // SAFETY: as above.
    unsafe { (*ctx.regs).sp }
}

#[cfg(bpf_target_arch = "aarch64")]
#[inline(always)]
pub fn goroutine(ctx: &ProbeContext) -> u64 {
    // SAFETY: as above.
    unsafe { (*ctx.regs).regs[28] }
}
