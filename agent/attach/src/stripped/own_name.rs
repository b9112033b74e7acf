//! What functions of OpenSSL call themselves when they raise errors.
//!
//! From 3.0 on, `ERR_raise` compiles to a call of `ERR_set_debug(file, line, function)`, which has the function's own name.
//! In 1.1.1, `SSLerr` compiles to a call of `ERR_put_error(library, function, reason, file, line)`, and `SSLfatal` to one of
//! `ossl_statem_fatal(object, alert, function, reason, file, line)`. Both have its number of `include/openssl/sslerr.h`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::boringssl::Suspect;
use super::constants::KnownCall;
use super::unwind_table::UnwindTable;
use super::{SearchedFile, bounds, references};
use crate::elf::Elf;
use crate::reader::BoundedReader;
use crate::refusal::Reason;

/// `ERR_LIB_SSL`.
const LIBRARY: u64 = 20;
/// The longest of the names.
const MAX_NAME_BYTES: u64 = 32;
/// Compilers begin functions at addresses that this divides, and put parts of them anywhere.
const ALIGNED: u64 = 16;

/// A function's name and its number. Both stand for the same function, in OpenSSL 3 and before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnName(pub(super) &'static str, pub(super) u64);

/// A function that has told a name, and what it calls.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) bounds: Range<u64>,
    /// Several, where others are inlined into it.
    pub(super) names: BTreeSet<OwnName>,
    pub(super) callees: BTreeSet<u64>,
}

/// The functions among the suspects that tell one of these names, by their beginnings.
pub(super) fn find(
    file: SearchedFile<'_>,
    suspects: &[Suspect],
    path: &Range<u64>,
    wanted: &[OwnName],
) -> Result<BTreeMap<u64, Named>, Reason> {
    let mut parts = Vec::new();
    for suspect in suspects {
        let mut names = BTreeSet::new();
        for call in &suspect.followed.calls {
            names.extend(own_name(file.elf, file.reader, call, path, wanted)?);
        }
        if !names.is_empty() {
            parts.push((suspect, names));
        }
    }
    whole_functions(file, parts)
}

fn own_name(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    call: &KnownCall,
    path: &Range<u64>,
    wanted: &[OwnName],
) -> Result<Option<OwnName>, Reason> {
    let is_path = |value: Option<u64>| value.is_some_and(|value| path.contains(&value));
    Ok(match call.arguments {
        [file, _, Some(text), ..] if is_path(file) => {
            let Some(offset) = elf.offset(text) else { return Ok(None) };
            let bytes = reader.read_up_to(offset, MAX_NAME_BYTES)?;
            let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            wanted.iter().find(|OwnName(name, _)| name.as_bytes() == text).copied()
        }
        [Some(LIBRARY), Some(number), _, file, _] | [_, _, Some(number), _, file]
            if is_path(file) =>
        {
            wanted.iter().find(|OwnName(_, known)| *known == number).copied()
        }
        _ => None,
    })
}

/// Compilers put the ways that end in an error aside, in parts that only jumps enter: such a part's names are those of the
/// function that jumps there.
fn whole_functions(
    file: SearchedFile<'_>,
    parts: Vec<(&Suspect, BTreeSet<OwnName>)>,
) -> Result<BTreeMap<u64, Named>, Reason> {
    let SearchedFile { near, reader, .. } = file;
    let begins: Vec<_> =
        parts.iter().map(|(part, _)| part.bounds.start..part.bounds.start + 1).collect();
    let called = references::called_in(near, reader, &begins)?;
    let mut functions: BTreeMap<u64, Named> = BTreeMap::new();
    for (part, names) in parts {
        let bounds = match called.contains(&part.bounds.start) {
            true => Some(part.bounds.clone()),
            false => whole_function(file, &part.bounds)?,
        };
        // A part that several functions share raises the errors of any of them.
        let Some(bounds) = bounds else { continue };
        let named = functions.entry(bounds.start).or_insert_with(|| {
            let (names, callees) = (BTreeSet::new(), BTreeSet::new());
            Named { bounds, names, callees }
        });
        named.names.extend(names);
        named.callees.extend(part.followed.calls.iter().filter_map(|call| call.callee));
    }
    Ok(functions)
}

/// For code that no `call` enters: the code itself if it is a function, or the function that it is a part of. A probe on a part that was set aside
/// would take what is on the stack for a return address.
fn whole_function(
    SearchedFile { elf, near, reader }: SearchedFile<'_>,
    part: &Range<u64>,
) -> Result<Option<Range<u64>>, Reason> {
    let table = UnwindTable::read(elf, reader)?;
    let is_entered_by_calls = |begin: u64| match &table {
        Some(table) => table.is_entered_by_calls(begin),
        None => Ok(begin.is_multiple_of(ALIGNED)),
    };
    let outside = |jumps: Vec<u64>| -> Vec<u64> {
        jumps.into_iter().filter(|at| !part.contains(at)).collect()
    };
    let jumps = outside(references::jumps_into(near, reader, part)?);
    let on_condition = outside(references::conditional_jumps_into(near, reader, part)?);
    // Others may hand on to it by a jump, as their last act.
    if on_condition.is_empty() && is_entered_by_calls(part.start)? {
        return Ok(Some(part.clone()));
    }
    let functions = bounds::around(elf, reader, &jumps)?;
    let [function] = functions.as_slice() else { return Ok(None) };
    Ok(is_entered_by_calls(function.start)?.then(|| function.clone()))
}
