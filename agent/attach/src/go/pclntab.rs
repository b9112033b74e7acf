//! Go's table of functions, `.gopclntab`, of Go 1.18 and later.
//!
//! ```text
//! header: magic u32 · 0 0 · instruction unit u8 · pointer bytes u8 · functions, files, text u64
//!         · where names, units, files, lines and functions are: 5 × u64
//! functions: (begin u32, where it is described u32)…, end u32 · descriptions: (begin u32, name u32, …)
//! ```
//! All `begin`s are distances from the beginning of the Go code, in rising order.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::elf::{Elf, Processor};
use crate::limits::MAX_GO_FUNCTIONS;
use crate::reader::{BoundedReader, Fields};
use crate::refusal::Reason;
use crate::wanted::{GoMethod, METHODS};

use super::FoundMethod;

const HEADER_BYTES: u64 = 72;
const MAGIC_1_18: u32 = 0xffff_fff0;
const MAGIC_1_20: u32 = 0xffff_fff1;
/// Go 1.2 and Go 1.16, whose calls pass arguments by the stack, or whose table is another.
const TOO_OLD: [u32; 2] = [0xffff_fffb, 0xffff_fffa];
/// Longer than any name that is looked for.
const OVERLAP: usize = 64;
/// Of a description, as far as it is of use.
const DESCRIPTION_BYTES: usize = 8;

/// Where the table's parts are in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FunctionTable {
    /// Where the Go code begins in memory; 0 where the table does not say.
    pub(super) text: u64,
    names: u64,
    names_size: u64,
    functions: u64,
    functions_size: u64,
    count: u64,
}

/// An entry of the list of functions: where one begins and ends, and where it is described.
#[derive(Clone, Copy, Debug)]
struct FunctionEntry {
    begins: u32,
    ends: u32,
    described: u32,
}

// === impl FunctionTable ===

impl FunctionTable {
    /// Finds the table by its section, or by its looks in a file without sections.
    pub(super) fn find(elf: &Elf, reader: &BoundedReader<'_>) -> Result<Option<Self>, Reason> {
        let names = [b".gopclntab".as_slice(), b".data.rel.ro.gopclntab"];
        if let Some(section) = names.into_iter().find_map(|name| elf.section(name)) {
            let header = reader.read_up_to(section.offset, HEADER_BYTES)?;
            let magic = Fields(&header).u32(0).unwrap_or(0);
            if TOO_OLD.contains(&magic) {
                return Err(Reason::Go(
                    "it was built with Go before 1.18; build it with a later one",
                ));
            }
            let table = Self::parse(Fields(&header), elf.processor, section.offset, section.size);
            return match table {
                Some(table) => Ok(Some(table)),
                None => Err(Reason::Go("its table of functions is of an unknown kind")),
            };
        }
        if elf.sections.is_empty() { Self::search(elf, reader) } else { Ok(None) }
    }

    /// Looks through everything that is loaded and no code.
    fn search(elf: &Elf, reader: &BoundedReader<'_>) -> Result<Option<Self>, Reason> {
        for segment in elf.segments.iter().filter(|segment| !segment.executable) {
            let overlap = HEADER_BYTES as usize;
            let found = reader.walk(segment.offset, segment.size, overlap, |begins, piece| {
                for (at, header) in piece.windows(overlap).enumerate() {
                    if header.get(1..6) != Some(&[0xff, 0xff, 0xff, 0, 0]) {
                        continue;
                    }
                    let into = begins + at as u64;
                    let (at, size) = (segment.offset + into, segment.size - into);
                    if let Some(table) = Self::parse(Fields(header), elf.processor, at, size) {
                        return ControlFlow::Break(table);
                    }
                }
                ControlFlow::Continue(())
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn parse(header: Fields<'_>, processor: Processor, offset: u64, size: u64) -> Option<Self> {
        let unit = if processor == Processor::X86_64 { 1 } else { 4 };
        let magic = header.u32(0)?;
        if magic != MAGIC_1_18 && magic != MAGIC_1_20 || header.0.get(4..8)? != [0, 0, unit, 8] {
            return None;
        }
        let (names, units, functions) = (header.u64(32)?, header.u64(40)?, header.u64(64)?);
        let is_in_order = names >= HEADER_BYTES && units <= functions;
        let table = Self {
            text: header.u64(24)?,
            names: offset.checked_add(names)?,
            names_size: units.checked_sub(names)?,
            functions: offset.checked_add(functions)?,
            functions_size: size.checked_sub(functions)?,
            count: header.u64(8)?,
        };
        is_in_order.then_some(table)
    }

    /// The methods that are looked for.
    pub(super) fn methods(&self, reader: &BoundedReader<'_>) -> Result<Vec<FoundMethod>, Reason> {
        let names = self.named(reader)?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let entries = self.entries(reader)?;
        let mut found: Vec<FoundMethod> = Vec::new();
        let mut ahead = entries.iter().peekable();
        let (base, size) = (self.functions, self.functions_size);
        let overlap = DESCRIPTION_BYTES;
        reader.walk(base, size, overlap, |begins, piece| {
            while let Some(entry) = ahead.peek() {
                // Described in the order of their beginnings; one that is not is not found.
                let Some(into) = u64::from(entry.described).checked_sub(begins) else {
                    ahead.next();
                    continue;
                };
                let name = usize::try_from(into).ok().and_then(|into| {
                    // In the next piece, or half of it.
                    let description = piece.get(into..into + DESCRIPTION_BYTES)?;
                    Fields(description).u32(4)
                });
                let Some(name) = name else { break };
                if let Some(method) = names.get(&name)
                    && found.iter().all(|found| found.method.name != method.name)
                {
                    let (begins, ends) = (entry.begins.into(), entry.ends.into());
                    found.push(FoundMethod { method, begins, ends });
                }
                ahead.next();
            }
            let is_done = found.len() == METHODS.len() || ahead.peek().is_none();
            if is_done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }

    /// Where among the names those of the methods are.
    fn named(&self, reader: &BoundedReader<'_>) -> Result<HashMap<u32, &'static GoMethod>, Reason> {
        let mut found = HashMap::new();
        reader.walk(self.names, self.names_size, OVERLAP, |begins, piece| {
            let mut at = 0;
            for text in piece.split_inclusive(|&byte| byte == 0) {
                let name = text.strip_suffix(&[0]).unwrap_or_default();
                let method = METHODS.iter().find(|method| method.name.as_bytes() == name);
                if let (Some(method), Ok(at)) = (method, u32::try_from(begins + at)) {
                    found.insert(at, method);
                }
                at += text.len() as u64;
            }
            // One name, one place: more would be somebody's joke.
            if found.len() > METHODS.len() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(found)
    }

    fn entries(&self, reader: &BoundedReader<'_>) -> Result<Vec<FunctionEntry>, Reason> {
        let (count, limit) = (self.count, MAX_GO_FUNCTIONS);
        if count > limit {
            return Err(Reason::TooMany { what: "Go functions", count, limit });
        }
        let size = count * 8 + 4;
        if size > self.functions_size {
            return Err(Reason::Damaged("its table of functions is cut short"));
        }
        let list = reader.read(self.functions, size)?;
        let word = |at: usize| Fields(&list).u32(at);
        let entries = (0..list.len().saturating_sub(4)).step_by(8).filter_map(|at| {
            let (begins, described, ends) = (word(at)?, word(at + 4)?, word(at + 8)?);
            (begins < ends).then_some(FunctionEntry { begins, ends, described })
        });
        Ok(entries.collect())
    }
}
