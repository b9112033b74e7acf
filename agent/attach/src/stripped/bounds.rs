//! Where functions begin and end in a file without symbols.

use std::collections::BTreeMap;
use std::ops::Range;

use super::guess::Guess;
use super::unwind_table::UnwindTable;
use crate::elf::{Elf, Processor};
use crate::reader::BoundedReader;
use crate::refusal::Reason;

/// The functions that have these places, in order. Those of which it cannot be told are left out.
pub(super) fn around(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    places: &[u64],
) -> Result<Vec<Range<u64>>, Reason> {
    let table = UnwindTable::read(elf, reader)?;
    let mut functions = BTreeMap::new();
    let mut untold = Vec::new();
    for place in places {
        match table.as_ref().map(|table| table.function_at(*place)).transpose()?.flatten() {
            Some(function) => drop(functions.insert(function.start, function)),
            None => untold.push(*place),
        }
    }
    if elf.processor == Processor::X86_64 && !untold.is_empty() {
        let guess = Guess::around(elf, reader, &untold)?;
        for function in untold.iter().filter_map(|place| guess.function_at(*place)) {
            functions.insert(function.start, function);
        }
    }
    Ok(functions.into_values().collect())
}
