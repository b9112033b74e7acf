//! OpenSSL's transcript, through which every message of a handshake passes: `ssl3_finish_mac`, which no build exports. It is
//! known by what it calls itself when it raises errors.

use std::ops::Range;

use wrongdoor_ebpf_common::Function;

use super::own_name::{self, OwnName};
use super::{SearchedFile, path_text, suspects};
use crate::elf::{Elf, Processor};
use crate::reader::BoundedReader;
use crate::refusal::Reason;
use crate::wanted::When;
use crate::x86::{self, Leads};
use crate::{Abilities, Examined, aarch64, plan_one};

/// The function: it has been there with these arguments since 1.1.0.
pub(crate) const TRANSCRIPT: &str = "ssl3_finish_mac";
/// It, and its number before 3.0.
const NAME: OwnName = OwnName(TRANSCRIPT, 587);
/// Its source file.
const FILE: &str = "s3_enc.c";

/// Where the function begins and ends; `None` where it is not exactly once in `near`, the part of the file in which it is.
pub(crate) fn find(file: SearchedFile<'_>) -> Result<Option<Range<u64>>, Reason> {
    let SearchedFile { elf, near, reader } = file;
    let mut found = Vec::new();
    for path in path_text::addresses(elf, reader, FILE)? {
        let suspects = suspects(near, reader, &path)?;
        let named = own_name::find(file, &suspects, &path, &[NAME])?;
        found.extend(named.into_values().map(|named| named.bounds));
    }
    let only = found.pop();
    Ok(only.filter(|_| found.is_empty()))
}

/// Attaches to the function.
pub(crate) fn add(
    examined: &mut Examined,
    (elf, reader): (&Elf, &BoundedReader<'_>),
    transcript: &Range<u64>,
    abilities: Abilities,
) -> Result<(), Reason> {
    let place = (Function::Message, transcript.start, transcript.end - transcript.start);
    plan_one(examined, TRANSCRIPT, (elf, reader), place, |body| {
        let plan = match elf.processor {
            Processor::X86_64 => {
                x86::plan_c(body, When::Begin, false, abilities, &|_| Leads::Elsewhere)
            }
            Processor::AArch64 => aarch64::plan_c(body, When::Begin, abilities),
        };
        plan.for_messages()
    })
}
