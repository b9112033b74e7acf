//! Places in the code that name an address: one pass over all of it, for several addresses at once.

use std::ops::{ControlFlow, Range};

use crate::aarch64::sign_extend;
use crate::elf::{Elf, ElfSegment, Processor};
use crate::reader::BoundedReader;
use crate::refusal::Reason;

/// The most places that are remembered: a library has some hundreds, and calls into its surroundings some ten thousand.
const MAX_PLACES: usize = 1_000_000;
/// So much of a piece is seen again with the next one: an instruction in front of its operand.
const OVERLAP: usize = 16;
/// On AArch64 an address takes two instructions, so many bytes apart at most.
const MAX_APART: usize = 4 * 40;

/// Instructions that put an address in `range` into a register, in order.
pub(super) fn to(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    range: &Range<u64>,
) -> Result<Vec<u64>, Reason> {
    match elf.processor {
        Processor::X86_64 => places(elf, reader, OVERLAP, |base, piece, found| {
            x86_addresses(elf.is_fixed, range, base, piece, found);
        }),
        Processor::AArch64 => places(elf, reader, MAX_APART, |base, piece, found| {
            aarch64_addresses(range, base, piece, found);
        }),
    }
}

/// Where calls go that go into one of `ranges`, in order. The ranges are in order, and do not touch.
pub(super) fn called_in(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    ranges: &[Range<u64>],
) -> Result<Vec<u64>, Reason> {
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return Ok(Vec::new()) };
    let range = &(first.start..last.end);
    let is_in_one = |target: u64| {
        let behind = ranges.partition_point(|range| range.end <= target);
        ranges.get(behind).is_some_and(|range| range.contains(&target))
    };
    let mut found = match elf.processor {
        Processor::X86_64 => places(elf, reader, OVERLAP, |base, piece, found| {
            displacements(base, piece, range, |at, target| {
                let is_call = at.checked_sub(1).and_then(|at| piece.get(at)) == Some(&0xe8);
                if is_call && is_in_one(target) {
                    found.push(target);
                }
            });
        })?,
        Processor::AArch64 => places(elf, reader, 0, |base, piece, found| {
            for (at, word) in words(base, piece) {
                let is_call = word & 0xfc00_0000 == 0x9400_0000;
                let distance = sign_extend(u64::from(word & 0x03ff_ffff), 26) << 2;
                let target = at.wrapping_add_signed(distance);
                if is_call && is_in_one(target) {
                    found.push(target);
                }
            }
        })?,
    };
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Instructions that jump into `range`, in order.
pub(super) fn jumps_into(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    range: &Range<u64>,
) -> Result<Vec<u64>, Reason> {
    match elf.processor {
        Processor::X86_64 => places(elf, reader, OVERLAP, |base, piece, found| {
            displacements(base, piece, range, |at, _| {
                let before = |back: usize| at.checked_sub(back).and_then(|at| piece.get(at));
                if before(1) == Some(&0xe9) {
                    found.push(base.wrapping_add(at as u64 - 1));
                } else if before(2) == Some(&0x0f)
                    && before(1).is_some_and(|code| code & 0xf0 == 0x80)
                {
                    found.push(base.wrapping_add(at as u64 - 2));
                }
            });
        }),
        Processor::AArch64 => places(elf, reader, 0, |base, piece, found| {
            for (at, word) in words(base, piece) {
                let distance = match word {
                    _ if word & 0xfc00_0000 == 0x1400_0000 => (word & 0x03ff_ffff, 26),
                    // On a condition, and on zero or not.
                    _ if word & 0xff00_0000 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 => {
                        (word >> 5 & 0x7_ffff, 19)
                    }
                    _ => continue,
                };
                let distance = sign_extend(u64::from(distance.0), distance.1) << 2;
                if range.contains(&at.wrapping_add_signed(distance)) {
                    found.push(at);
                }
            }
        }),
    }
}

/// Instructions that call the function at `begin`, or jump there as its caller's last act, in order.
pub(super) fn calls_of(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    begin: u64,
) -> Result<Vec<u64>, Reason> {
    let range = &(begin..begin.saturating_add(1));
    let mut found = match elf.processor {
        Processor::X86_64 => places(elf, reader, OVERLAP, |base, piece, found| {
            displacements(base, piece, range, |at, _| {
                let code = at.checked_sub(1).and_then(|at| piece.get(at));
                if matches!(code, Some(0xe8 | 0xe9)) {
                    found.push(base.wrapping_add(at as u64 - 1));
                }
            });
        })?,
        Processor::AArch64 => places(elf, reader, 0, |base, piece, found| {
            for (at, word) in words(base, piece) {
                // `bl` and `b`.
                let is_call = word & 0x7c00_0000 == 0x1400_0000;
                let distance = sign_extend(u64::from(word & 0x03ff_ffff), 26) << 2;
                if is_call && at.wrapping_add_signed(distance) == begin {
                    found.push(at);
                }
            }
        })?,
    };
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Walks through all code; what is found twice, in the overlap of two pieces, counts once.
fn places(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    overlap: usize,
    mut see: impl FnMut(u64, &[u8], &mut Vec<u64>),
) -> Result<Vec<u64>, Reason> {
    let mut found = Vec::new();
    for ElfSegment { address, offset, size, .. } in elf.code_segments() {
        let too_many = reader.walk(*offset, *size, overlap, |begins, piece| {
            see(address.wrapping_add(begins), piece, &mut found);
            if found.len() > MAX_PLACES {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        if too_many.is_some() {
            let (count, limit) = (found.len() as u64, MAX_PLACES as u64);
            return Err(Reason::TooMany { what: "references to a text", count, limit });
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// `lea r64, [rip+d32]`; in a program of fixed addresses also `mov r32, imm32`.
fn x86_addresses(
    is_fixed: bool,
    range: &Range<u64>,
    base: u64,
    piece: &[u8],
    found: &mut Vec<u64>,
) {
    let before =
        |at: usize, back: usize| at.checked_sub(back).and_then(|at| piece.get(at)).copied();
    displacements(base, piece, range, |at, _| {
        let is_wide = before(at, 3).is_some_and(|prefix| prefix & 0xf8 == 0x48);
        let is_lea = before(at, 2) == Some(0x8d);
        let is_relative = before(at, 1).is_some_and(|modrm| modrm & 0xc7 == 0x05);
        if is_wide && is_lea && is_relative {
            found.push(base.wrapping_add(at as u64 - 3));
        }
    });
    if is_fixed {
        for (at, bytes) in piece.windows(4).enumerate() {
            let value =
                u64::from(bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes)));
            if range.contains(&value) && before(at, 1).is_some_and(|code| code & 0xf8 == 0xb8) {
                found.push(base.wrapping_add(at as u64 - 1));
            }
        }
    }
}

/// Every four bytes that are the distance from behind them to an address in `range`.
///
/// Every byte of the code passes through here, so the comparison is one of 32 bits; what agrees in those is looked at
/// in full.
fn displacements(base: u64, piece: &[u8], range: &Range<u64>, mut see: impl FnMut(usize, u64)) {
    let Ok(width) = u32::try_from(range.end.saturating_sub(range.start)) else { return };
    // Behind the first four bytes, seen from the range's beginning; the low half of it.
    let from = (base.wrapping_add(4).wrapping_sub(range.start) & u64::from(u32::MAX)) as u32;
    let mut behind = from;
    for (at, bytes) in piece.windows(4).enumerate() {
        let distance = bytes.first_chunk().map_or(0, |bytes| i32::from_le_bytes(*bytes));
        if behind.wrapping_add_signed(distance) < width {
            let behind = base.wrapping_add(at as u64).wrapping_add(4);
            let target = behind.wrapping_add_signed(distance.into());
            if range.contains(&target) {
                see(at, target);
            }
        }
        behind = behind.wrapping_add(1);
    }
}

/// `adrp` and the `add` that completes it.
fn aarch64_addresses(range: &Range<u64>, base: u64, piece: &[u8], found: &mut Vec<u64>) {
    let pages = range.start & !0xfff..=range.end & !0xfff;
    for (at, word) in words(base, piece) {
        if word & 0x9f00_0000 != 0x9000_0000 {
            continue;
        }
        let bits = u64::from(word >> 5 & 0x7_ffff) << 2 | u64::from(word >> 29 & 3);
        let page = (at & !0xfff).wrapping_add_signed(sign_extend(bits, 21) << 12);
        if !pages.contains(&page) {
            continue;
        }
        let behind = usize::try_from(at.wrapping_sub(base)).unwrap_or(usize::MAX).saturating_add(4);
        let rest = piece.get(behind..).unwrap_or_default();
        for (next, add) in words(at.wrapping_add(4), rest).take(MAX_APART / 4) {
            let is_add = add & 0xffc0_0000 == 0x9100_0000 && add >> 5 & 31 == word & 31;
            if is_add && range.contains(&page.wrapping_add(u64::from(add >> 10 & 0xfff))) {
                found.push(next);
            }
            if is_add && add & 31 == word & 31 {
                break;
            }
        }
    }
}

/// Instructions of AArch64, of which each has four bytes at an address that four divides.
fn words(base: u64, piece: &[u8]) -> impl Iterator<Item = (u64, u32)> {
    let skipped = base.wrapping_neg() & 3;
    let aligned = piece.get(skipped as usize..).unwrap_or_default();
    let addresses = (0..).map(move |index| base.wrapping_add(skipped).wrapping_add(4 * index));
    addresses.zip(aligned.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)))
}
