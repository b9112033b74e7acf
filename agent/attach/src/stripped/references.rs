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
    let is_in_one = |target: u64| {
        let behind = ranges.partition_point(|range| range.end <= target);
        ranges.get(behind).is_some_and(|range| range.contains(&target))
    };
    branches(elf, reader, &(first.start..last.end), |branch| {
        (branch.kind == BranchKind::Call && is_in_one(branch.target)).then_some(branch.target)
    })
}

/// Instructions that jump into `range`, in order.
pub(super) fn jumps_into(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    range: &Range<u64>,
) -> Result<Vec<u64>, Reason> {
    branches(elf, reader, range, |branch| (branch.kind != BranchKind::Call).then_some(branch.at))
}

/// The same of those that jump on a condition only.
pub(super) fn conditional_jumps_into(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    range: &Range<u64>,
) -> Result<Vec<u64>, Reason> {
    branches(elf, reader, range, |branch| {
        (branch.kind == BranchKind::JumpOnCondition).then_some(branch.at)
    })
}

/// Instructions that call the function at `begin`, or jump there as its caller's last act, in order.
pub(super) fn calls_of(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    begin: u64,
) -> Result<Vec<u64>, Reason> {
    branches(elf, reader, &(begin..begin.saturating_add(1)), |branch| {
        (branch.kind != BranchKind::JumpOnCondition).then_some(branch.at)
    })
}

/// An instruction from which control goes elsewhere.
struct Branch {
    at: u64,
    target: u64,
    kind: BranchKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BranchKind {
    Call,
    Jump,
    JumpOnCondition,
}

/// What `keep` makes of the branches that go into `range`: in order, and each once.
fn branches(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    range: &Range<u64>,
    keep: impl Fn(Branch) -> Option<u64>,
) -> Result<Vec<u64>, Reason> {
    match elf.processor {
        Processor::X86_64 => places(elf, reader, OVERLAP, |base, piece, found| {
            displacements(base, piece, range, |place, target| {
                let before = |back: usize| place.checked_sub(back).and_then(|at| piece.get(at));
                let (back, kind) = match (before(2), before(1)) {
                    (_, Some(0xe8)) => (1, BranchKind::Call),
                    (_, Some(0xe9)) => (1, BranchKind::Jump),
                    (Some(0x0f), Some(0x80..=0x8f)) => (2, BranchKind::JumpOnCondition),
                    _ => return,
                };
                let at = base.wrapping_add(place as u64 - back);
                found.extend(keep(Branch { at, target, kind }));
            });
        }),
        Processor::AArch64 => places(elf, reader, 0, |base, piece, found| {
            for (at, word) in words(base, piece) {
                let near = u64::from(word >> 5 & 0x7_ffff);
                let (distance, bits, kind) = match word {
                    // `bl` and `b`; on a condition, and on zero or not.
                    _ if word & 0xfc00_0000 == 0x9400_0000 => {
                        (u64::from(word & 0x03ff_ffff), 26, BranchKind::Call)
                    }
                    _ if word & 0xfc00_0000 == 0x1400_0000 => {
                        (u64::from(word & 0x03ff_ffff), 26, BranchKind::Jump)
                    }
                    _ if word & 0xff00_0000 == 0x5400_0000 || word & 0x7e00_0000 == 0x3400_0000 => {
                        (near, 19, BranchKind::JumpOnCondition)
                    }
                    _ => continue,
                };
                let target = at.wrapping_add_signed(sign_extend(distance, bits) << 2);
                if range.contains(&target) {
                    found.extend(keep(Branch { at, target, kind }));
                }
            }
        }),
    }
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
