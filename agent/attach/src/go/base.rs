//! Where a Go program's code begins in memory.
//!
//! The table of functions said so up to Go 1.25, unless the program can be loaded anywhere. Otherwise it is found:
//! it is where the methods, at their distances from it, all begin as Go functions do.

use super::FoundMethod;
use crate::elf::{Elf, Processor};
use crate::reader::BoundedReader;
use crate::refusal::Reason;

/// Start-up code of C that a linker puts in front is shorter.
const MAX_BEFORE: u64 = 64 << 10;
/// Go aligns functions to 32 bytes or more, C linkers put its code at 16.
const STEP: u64 = 16;
/// What of a function shows that it is Go's.
const LOOK_BYTES: u64 = 16;
/// `ldr x16, [x28, #16]`: the limit of the stack, from the goroutine.
const AARCH64_CHECK: [u8; 4] = 0xf940_0b90_u32.to_le_bytes();

/// The address, proven by the code at it; `None` where nothing fits.
pub(super) fn find(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    claimed: u64,
    methods: &[FoundMethod],
) -> Result<Option<u64>, Reason> {
    if claimed != 0 && fits(elf, reader, claimed, methods)? {
        return Ok(Some(claimed));
    }
    let text = elf.section(b".text").map(|section| section.address);
    let segment = elf.segments.iter().find(|segment| segment.executable);
    let Some(from) = text.or_else(|| segment.map(|segment| segment.address)) else {
        return Ok(None);
    };
    let Some(first) = methods.first() else { return Ok(None) };
    // Looked through in one piece for the first method, the others only where that fits.
    let Some(at) = from.checked_add(first.begins).and_then(|at| elf.offset(at)) else {
        return Ok(None);
    };
    let piece = reader.read_up_to(at, MAX_BEFORE + LOOK_BYTES)?;
    for into in (0..MAX_BEFORE).step_by(STEP as usize) {
        let look = piece.get(into as usize..).unwrap_or_default();
        let Some(base) = from.checked_add(into) else { break };
        if begins_like_go(look, elf.processor) && fits(elf, reader, base, methods)? {
            return Ok(Some(base));
        }
    }
    Ok(None)
}

/// Whether all methods begin as Go's functions do.
fn fits(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    base: u64,
    methods: &[FoundMethod],
) -> Result<bool, Reason> {
    for method in methods {
        let Some(address) = base.checked_add(method.begins) else { return Ok(false) };
        let Some(segment) = elf.code(address) else { return Ok(false) };
        let Some(offset) = segment.offset_of(address) else { return Ok(false) };
        if !begins_like_go(&reader.read_up_to(offset, LOOK_BYTES)?, elf.processor) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether this is a look at the stack's limit. All of the methods call others, so all begin with one.
fn begins_like_go(code: &[u8], processor: Processor) -> bool {
    match (processor, code) {
        // cmp rsp, [r14+16]
        (Processor::X86_64, [0x49, 0x3b, 0x66, 0x10, ..])
        // lea r12, [rsp-n]; cmp r12, [r14+16]
        | (Processor::X86_64, [0x4c, 0x8d, 0x64, 0x24, _, 0x4d, 0x3b, 0x66, 0x10, ..])
        | (
            Processor::X86_64,
            [0x4c, 0x8d, 0xa4, 0x24, _, _, _, _, 0x4d, 0x3b, 0x66, 0x10, ..],
        ) => true,
        (Processor::AArch64, code) => code.starts_with(&AARCH64_CHECK),
        _ => false,
    }
}
