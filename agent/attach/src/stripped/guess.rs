//! Functions that no table tells of, by what calls them and by the gaps between them. Only for x86-64.
//!
//! A function begins where a `call` of the file goes to, or behind the `int3`s with which linkers fill the gap in front of
//! a function. It ends where the flow of control from its beginning ends.

use std::ops::Range;

use super::constants::reach;
use super::references;
use crate::elf::Elf;
use crate::limits::MAX_CODE_BYTES;
use crate::reader::BoundedReader;
use crate::refusal::Reason;
use crate::x86;

/// Compilers begin functions at addresses that this divides.
const ALIGNED: u64 = 16;
/// So much around each place is looked at.
const MARGIN: u64 = 2 * MAX_CODE_BYTES;
/// The most that is looked at in all. The functions of one source file are close together, but not in a program that was
/// optimised as a whole.
const MAX_BYTES: u64 = 16 << 20;
const INT3: u8 = 0xcc;

/// The beginnings of functions in parts of the code.
#[derive(Debug)]
pub(super) struct Guess {
    parts: Vec<Part>,
    /// In order.
    begins: Vec<u64>,
}

/// A part of the code.
#[derive(Debug)]
struct Part {
    address: u64,
    code: Vec<u8>,
}

// === impl Guess ===

impl Guess {
    /// For functions with these places, which are in order.
    pub(super) fn around(
        elf: &Elf,
        reader: &BoundedReader<'_>,
        places: &[u64],
    ) -> Result<Self, Reason> {
        let ranges = around(elf, places);
        let mut parts = Vec::new();
        let mut left = MAX_BYTES;
        for Range { start: address, end } in &ranges {
            let Some(rest) = left.checked_sub(end - address) else { break };
            left = rest;
            let Some(offset) = elf.offset(*address) else { continue };
            parts.push(Part { address: *address, code: reader.read(offset, end - address)? });
        }
        let mut begins = references::called_in(elf, reader, &ranges)?;
        begins.retain(|begin| begin % ALIGNED == 0);
        begins.extend(parts.iter().flat_map(Part::behind_gaps));
        begins.sort_unstable();
        begins.dedup();
        Ok(Self { parts, begins })
    }

    /// The function that has `place`.
    pub(super) fn function_at(&self, place: u64) -> Option<Range<u64>> {
        let next = self.begins.partition_point(|begin| *begin <= place);
        let begins = *self.begins.get(next.checked_sub(1)?)?;
        let limit = self.begins.get(next).copied().unwrap_or(u64::MAX);
        let length = limit.min(begins.saturating_add(MAX_CODE_BYTES)) - begins;
        let bytes = self.parts.iter().find_map(|part| part.code_at(begins, length))?;
        let code = x86::steps(bytes, begins);
        let ends = reach(&code).into_iter().filter_map(|index| code.steps.get(index));
        let function = begins..ends.map(|step| step.after).max()?;
        function.contains(&place).then_some(function)
    }
}

/// The code around places, in parts that do not touch.
fn around(elf: &Elf, places: &[u64]) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for place in places {
        let Some(segment) = elf.code(*place) else { continue };
        let start = place.saturating_sub(MARGIN).max(segment.address);
        let end = place.saturating_add(MARGIN).min(segment.end());
        match ranges.last_mut() {
            Some(last) if start <= last.end => last.end = end.max(last.end),
            Some(_) | None => ranges.push(start..end),
        }
    }
    ranges
}

// === impl Part ===

impl Part {
    /// The code from `begins` on, as far as it is in here.
    fn code_at(&self, begins: u64, length: u64) -> Option<&[u8]> {
        let from = usize::try_from(begins.checked_sub(self.address)?).ok()?;
        let rest = self.code.get(from..).filter(|rest| !rest.is_empty())?;
        Some(rest.get(..usize::try_from(length).ok()?).unwrap_or(rest))
    }

    /// Aligned places right behind an `int3`.
    fn behind_gaps(&self) -> impl Iterator<Item = u64> {
        self.code.windows(2).zip(1_u64..).filter_map(|(pair, behind)| {
            let begin = self.address.wrapping_add(behind);
            let is_begin = matches!(pair, [INT3, other] if *other != INT3) && begin % ALIGNED == 0;
            is_begin.then_some(begin)
        })
    }
}
