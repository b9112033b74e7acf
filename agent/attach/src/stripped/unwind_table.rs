//! Where functions begin and end, by the table from which exceptions are unwound.

use std::ops::Range;

use crate::elf::Elf;
use crate::reader::{BoundedReader, Fields};
use crate::refusal::Reason;

/// Of the table's header: its version, then how its numbers are written. These are the ways of every linker.
const HEADER: [(usize, u8); 3] = [(0, 1), (2, 0x03), (3, 0x3b)];
const HEADER_BYTES: u64 = 12;
const ENTRY_BYTES: u64 = 8;
/// What is read of a function's description: its fixed fields, and some of what follows.
const DESCRIPTION_BYTES: u64 = 64;
/// `DW_CFA_nop` and `DW_CFA_advance_loc1`, `2` and `4` (DWARF 5 §7.24).
const ADVANCES: [u8; 4] = [0, 2, 3, 4];
/// The most entries; Chromium has 500,000 functions.
const MAX_ENTRIES: u64 = 1 << 23;

/// The table by which exceptions are unwound: the beginnings of functions, in order (LSB, `.eh_frame_hdr`).
#[derive(Debug)]
pub(super) struct UnwindTable<'a> {
    elf: &'a Elf,
    reader: &'a BoundedReader<'a>,
    /// In memory.
    address: u64,
    /// In the file.
    offset: u64,
    entries: u64,
}

// === impl UnwindTable ===

impl<'a> UnwindTable<'a> {
    /// `None` where the file has none, or one that is written in another way.
    pub(super) fn read(
        elf: &'a Elf,
        reader: &'a BoundedReader<'a>,
    ) -> Result<Option<Self>, Reason> {
        let Some(segment) = elf.unwind.filter(|segment| segment.size >= HEADER_BYTES) else {
            return Ok(None);
        };
        let header = reader.read(segment.offset, HEADER_BYTES)?;
        let is_known = HEADER.iter().all(|(at, byte)| header.get(*at) == Some(byte));
        let entries = u64::from(Fields(&header).u32(8).unwrap_or(0));
        let has_room = entries <= MAX_ENTRIES
            && HEADER_BYTES.saturating_add(entries.saturating_mul(ENTRY_BYTES)) <= segment.size;
        let (address, offset) = (segment.address, segment.offset);
        Ok((is_known && has_room).then_some(Self { elf, reader, address, offset, entries }))
    }

    /// The function that has `address`.
    pub(super) fn function_at(&self, address: u64) -> Result<Option<Range<u64>>, Reason> {
        let Some((begins, described)) = self.find(address)? else { return Ok(None) };
        let Some(length) = self.length(begins, described)? else { return Ok(None) };
        let function = begins..begins.saturating_add(length);
        Ok(function.contains(&address).then_some(function))
    }

    /// Whether a call enters what begins at `address`. A part of a function that was set aside begins with what the function
    /// has put on the stack: its description says so in front of its first instruction.
    pub(super) fn is_entered_by_calls(&self, address: u64) -> Result<bool, Reason> {
        let found = self.find(address)?.filter(|(begins, _)| *begins == address);
        let Some(offset) = found.and_then(|(_, described)| self.elf.offset(described)) else {
            return Ok(false);
        };
        let bytes = self.reader.read_up_to(offset, DESCRIPTION_BYTES)?;
        let extra = bytes.get(16).filter(|length| **length < 0x80).map_or(0, |length| *length);
        let first = bytes.get(17 + usize::from(extra)).copied();
        Ok(first.is_some_and(|first| ADVANCES.contains(&first) || first & 0xc0 == 0x40))
    }

    fn find(&self, address: u64) -> Result<Option<(u64, u64)>, Reason> {
        let (mut low, mut high) = (0, self.entries);
        while low < high {
            let middle = low.midpoint(high);
            let (begins, _) = self.entry(middle)?;
            if begins <= address { low = middle + 1 } else { high = middle }
        }
        low.checked_sub(1).map(|index| self.entry(index)).transpose()
    }

    /// Where a function begins, and where it is described.
    fn entry(&self, index: u64) -> Result<(u64, u64), Reason> {
        let at = self.offset.saturating_add(HEADER_BYTES).saturating_add(index * ENTRY_BYTES);
        let bytes = self.reader.read(at, ENTRY_BYTES)?;
        let address = |at| {
            let distance = Fields(&bytes).u32(at).unwrap_or(0).cast_signed();
            self.address.wrapping_add_signed(distance.into())
        };
        Ok((address(0), address(4)))
    }

    /// The length of the function that begins there, by its description: its length, a link, then where the function
    /// begins, as the distance from here, and its length.
    fn length(&self, begins: u64, described: u64) -> Result<Option<u64>, Reason> {
        let Some(offset) = self.elf.offset(described) else { return Ok(None) };
        let bytes = self.reader.read_up_to(offset, 16)?;
        let field = |at| Fields(&bytes).u32(at);
        let (Some(distance), Some(length)) = (field(8), field(12)) else { return Ok(None) };
        let told = described.wrapping_add(8).wrapping_add_signed(distance.cast_signed().into());
        // Otherwise its numbers are written in another way.
        Ok((told == begins).then_some(length.into()))
    }
}
