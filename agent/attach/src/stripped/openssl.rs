//! OpenSSL's transcript, through which every message of a handshake passes: `ssl3_finish_mac`, which no build exports.
//!
//! From 3.0 on, a function that raises an error passes its own name and the path of its source file to `ERR_set_debug`.
//! The function that names itself so, beside that file, is the one. Before 3.0 it is known by its symbol only.

use std::ops::Range;

use super::{bounds, path_text, references};
use crate::elf::Elf;
use crate::reader::BoundedReader;
use crate::refusal::Reason;

/// The function: it has been there with these arguments since 1.1.0.
pub(crate) const TRANSCRIPT: &str = "ssl3_finish_mac";
/// Its source file.
const FILE: &str = "s3_enc.c";

/// Where the function begins and ends; `None` where it is not there exactly once.
pub(crate) fn transcript(
    elf: &Elf,
    reader: &BoundedReader<'_>,
) -> Result<Option<Range<u64>>, Reason> {
    let mut found = Vec::new();
    for name in path_text::addresses(elf, reader, TRANSCRIPT)? {
        // The whole text, not the end of another one.
        let is_whole = name.end - name.start == 1;
        for function in functions_with(elf, reader, &name)?.into_iter().filter(|_| is_whole) {
            if !found.contains(&function) {
                found.push(function);
            }
        }
    }
    let [function] = found.as_slice() else { return Ok(None) };
    let files = path_text::addresses(elf, reader, FILE)?;
    let mut names_file = false;
    for file in files {
        names_file |= references::to(elf, reader, &file)?.iter().any(|at| function.contains(at));
    }
    if !names_file {
        return Ok(None);
    }
    whole_function(elf, reader, function)
}

fn functions_with(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    text: &Range<u64>,
) -> Result<Vec<Range<u64>>, Reason> {
    let places = references::to(elf, reader, text)?;
    bounds::around(elf, reader, &places)
}

/// Compilers put the ways that end in an error aside, in a part that only jumps enter. Of such a part, the function that
/// jumps there.
fn whole_function(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    part: &Range<u64>,
) -> Result<Option<Range<u64>>, Reason> {
    let is_called = |function: &Range<u64>| {
        let begin = function.start..function.start + 1;
        references::called_in(elf, reader, &[begin]).map(|called| !called.is_empty())
    };
    if is_called(part)? {
        return Ok(Some(part.clone()));
    }
    let jumps = references::jumps_into(elf, reader, part)?;
    let outside: Vec<u64> = jumps.into_iter().filter(|at| !part.contains(at)).collect();
    let functions = bounds::around(elf, reader, &outside)?;
    let [function] = functions.as_slice() else { return Ok(None) };
    Ok(is_called(function)?.then(|| function.clone()))
}
