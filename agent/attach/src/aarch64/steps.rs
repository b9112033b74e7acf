//! AArch64 code in the terms that both processors share, as far as arguments, stores and control need it.
//!
//! Encodings are those of the Arm Architecture Reference Manual (DDI 0487), chapter C4.

use crate::steps::{CallConvention, RegisterSet, Step, StepFlow, Steps, Value};

/// x0 … x4; x19 … x28, the frame pointer and the stack pointer survive calls (AAPCS64 §6.1.1).
const CONVENTION: CallConvention =
    CallConvention { arguments: [0, 1, 2, 3, 4], result: 0, preserved: 0xfff8_0000 & !LINK };
/// x30, which calls write.
const LINK: RegisterSet = 1 << 30;
/// The zero register in most places, the stack pointer in some.
const ZERO: u8 = 31;
const FRAME: u8 = 29;

/// A function in steps.
pub(crate) fn steps(bytes: &[u8], address: u64) -> Steps {
    let words = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
    let addresses = (0..).map(|index| address.wrapping_add(4 * index));
    let steps = addresses.zip(words).map(|(at, word)| step(at, word)).collect();
    Steps { steps, convention: CONVENTION, is_whole: true }
}

fn step(address: u64, word: u32) -> Step {
    let flow = flow(address, word);
    let sets = match flow {
        StepFlow::Next => sets(address, word),
        _ => None,
    };
    let forgets = match flow {
        StepFlow::Call(_) => !CONVENTION.preserved,
        StepFlow::Next => writes(word),
        StepFlow::Jump(_) | StepFlow::Branch(_) | StepFlow::End => 0,
    };
    let after = address.wrapping_add(4);
    Step { address, after, flow, sets, forgets, stores: stores(word) }
}

fn flow(address: u64, word: u32) -> StepFlow {
    let to = |bits: u32, count: u32| {
        address.wrapping_add_signed(sign_extend(u64::from(bits), count) << 2)
    };
    let unconditional = || to(word & 0x03ff_ffff, 26);
    let conditional = || to(word >> 5 & 0x7_ffff, 19);
    match word {
        _ if word & 0xfc00_0000 == 0x1400_0000 => StepFlow::Jump(unconditional()),
        _ if word & 0xfc00_0000 == 0x9400_0000 => StepFlow::Call(Some(unconditional())),
        // b.cond; cbz, cbnz
        _ if word & 0xff00_0010 == 0x5400_0000 => StepFlow::Branch(conditional()),
        _ if word & 0x7e00_0000 == 0x3400_0000 => StepFlow::Branch(conditional()),
        // tbz, tbnz
        _ if word & 0x7e00_0000 == 0x3600_0000 => StepFlow::Branch(to(word >> 5 & 0x3fff, 14)),
        // blr, and blraa with its kin
        _ if word & 0xffff_fc1f == 0xd63f_0000 => StepFlow::Call(None),
        _ if word & 0xfeff_f800 == 0xd63f_0800 => StepFlow::Call(None),
        // br, braa, ret, retaa; brk
        _ if word & 0xfe9f_0000 == 0xd61f_0000 && word & 0x0060_0000 != 0x0020_0000 => {
            StepFlow::End
        }
        _ if word & 0xffe0_001f == 0xd420_0000 => StepFlow::End,
        _ => StepFlow::Next,
    }
}

fn sets(address: u64, word: u32) -> Option<(u8, Value)> {
    let (to, from, other) = (field(word, 0), field(word, 5), field(word, 16));
    let bits = u64::from(word >> 5 & 0x7_ffff) << 2 | u64::from(word >> 29 & 3);
    let value = match word {
        // adrp, adr
        _ if word & 0x9f00_0000 == 0x9000_0000 => {
            Value::Constant((address & !0xfff).wrapping_add_signed(sign_extend(bits, 21) << 12))
        }
        _ if word & 0x9f00_0000 == 0x1000_0000 => {
            Value::Constant(address.wrapping_add_signed(sign_extend(bits, 21)))
        }
        // add x, x, #imm; `mov x, sp` is one of them
        _ if word & 0xffc0_0000 == 0x9100_0000 && from != ZERO => {
            Value::Sum(from, u64::from(word >> 10 & 0xfff))
        }
        // movz
        _ if word & 0x7fe0_0000 == 0x5280_0000 => Value::Constant(u64::from(word >> 5 & 0xffff)),
        // orr rd, zr, rm: mov
        _ if word & 0x7fe0_ffe0 == 0x2a00_03e0 && other == ZERO => Value::Constant(0),
        _ if word & 0x7fe0_ffe0 == 0x2a00_03e0 => Value::Of(other),
        // orr rd, zr, #bitmask: mov
        _ if word & 0x7f80_0000 == 0x3200_0000 && from == ZERO => Value::Constant(bitmask(word)?),
        _ => return None,
    };
    (to != ZERO).then_some((to, value))
}

/// Registers that have something else behind it; rather too many than too few.
fn writes(word: u32) -> RegisterSet {
    let (first, second) = (field(word, 0), field(word, 10));
    let set = |register: u8| if register == ZERO { 0 } else { 1 << register };
    let is_pair = word & 0x3a00_0000 == 0x2800_0000;
    let is_single = word & 0x3a00_0000 == 0x3800_0000;
    if is_pair {
        let loads = word & 0x0040_0000 != 0;
        return if loads { set(first) | set(second) } else { 0 };
    }
    if is_single {
        let loads = word >> 22 & 3 != 0;
        return if loads { set(first) } else { 0 };
    }
    set(first)
}

/// Stores whose base is neither the stack pointer nor the frame pointer.
fn stores(word: u32) -> bool {
    let base = field(word, 5);
    let is_single = word & 0x3a00_0000 == 0x3800_0000 && word >> 22 & 3 == 0;
    let is_pair = word & 0x3a00_0000 == 0x2800_0000 && word & 0x0040_0000 == 0;
    (is_single || is_pair) && base != ZERO && base != FRAME
}

/// The number of a register.
fn field(word: u32, at: u32) -> u8 {
    u8::try_from(word >> at & 31).unwrap_or(ZERO)
}

/// A logical immediate (DDI 0487, `DecodeBitMasks`).
fn bitmask(word: u32) -> Option<u64> {
    let (n, rotation, ones) = (word >> 22 & 1, word >> 16 & 63, word >> 10 & 63);
    let size_bits = (n << 6 | !ones & 63).checked_ilog2().filter(|bits| *bits > 0)?;
    let size = 1_u32 << size_bits;
    let (ones, rotation) = (ones & (size - 1), rotation & (size - 1));
    if ones == size - 1 {
        return None;
    }
    let all = u64::MAX >> (64 - size);
    let run = u64::MAX >> (63 - ones);
    let element =
        if rotation == 0 { run } else { (run >> rotation | run << (size - rotation)) & all };
    let width = if word >> 31 == 1 { 64 } else { 32 };
    Some((0..width).step_by(size as usize).fold(0, |value, at| value | element << at))
}

/// A number of so many bits, of which the first is the sign.
pub(crate) fn sign_extend(bits: u64, count: u32) -> i64 {
    (bits << (64 - count)).cast_signed() >> (64 - count)
}
