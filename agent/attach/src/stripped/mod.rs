//! Functions of TLS libraries in files without symbols: known by what they contain.
//!
//! ```text
//! path of a source file ──▶ places that name it ──▶ functions around these ──▶ constants that they pass ──▶ which they are
//!    path_text                references                 bounds                  steps, constants           boringssl
//! ```
//! Everything is read in windows and in bounds. What is not proven is refused: a probe in a wrong place kills a program.

mod boringssl;
pub(crate) mod boringssl_messages;
mod bounds;
mod constants;
mod guess;
pub(crate) mod openssl;
mod path_text;
mod references;
mod unwind_table;

use std::ops::Range;

use wrongdoor_ebpf_common::Function;

use super::elf::{Elf, Processor};
use super::limits::{MAX_CODE_BYTES, MAX_FUNCTIONS};
use super::reader::BoundedReader;
use super::refusal::Reason;
use super::steps::Steps;
use super::wanted::When;
use super::x86::{self, Leads};
use super::{Abilities, Examined, TlsKind, aarch64, plan_one};
use boringssl::{BoringSsl, Suspect};

/// Looks for the functions of BoringSSL; `None` where the file has none of them.
pub(super) fn examine(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    abilities: Abilities,
) -> Result<Option<Examined>, Reason> {
    for path in path_text::addresses(elf, reader, boringssl::FILE)? {
        let suspects = suspects(elf, reader, &path)?;
        if let Some(found) = boringssl::identify(&suspects, &path).map_err(Reason::Stripped)? {
            return plan(elf, reader, abilities, &found).map(Some);
        }
    }
    Ok(None)
}

/// The functions that name the path.
fn suspects(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    path: &Range<u64>,
) -> Result<Vec<Suspect>, Reason> {
    suspects_at(elf, reader, &references::to(elf, reader, path)?)
}

/// The functions that have these places.
fn suspects_at(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    places: &[u64],
) -> Result<Vec<Suspect>, Reason> {
    let functions = bounds::around(elf, reader, places)?;
    if functions.len() > MAX_FUNCTIONS {
        let (count, limit) = (functions.len() as u64, MAX_FUNCTIONS as u64);
        return Err(Reason::TooMany { what: "functions with TLS errors", count, limit });
    }
    let mut suspects = Vec::new();
    for bounds in functions {
        let Some(code) = code(elf, reader, &bounds)? else { continue };
        let Some(followed) = constants::follow(&code) else { continue };
        suspects.push(Suspect { bounds, steps: code.steps, followed });
    }
    Ok(suspects)
}

/// A function in steps; `None` where it is too long to be one of those that are wanted.
fn code(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    bounds: &Range<u64>,
) -> Result<Option<Steps>, Reason> {
    let length = bounds.end.saturating_sub(bounds.start);
    let offset = elf.code(bounds.start).and_then(|segment| segment.offset_of(bounds.start));
    let (Some(offset), true) = (offset, length <= MAX_CODE_BYTES) else { return Ok(None) };
    let bytes = reader.read(offset, length)?;
    Ok(match elf.processor {
        Processor::X86_64 => Some(x86::steps(&bytes, bounds.start)).filter(|code| code.is_whole),
        Processor::AArch64 => Some(aarch64::steps(&bytes, bounds.start)),
    })
}

fn plan(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    abilities: Abilities,
    found: &BoringSsl,
) -> Result<Examined, Reason> {
    let mut examined = Examined {
        kind: TlsKind::BoringSsl,
        version: None,
        attach_points: Vec::new(),
        missing: Vec::new(),
    };
    let free = found.free.map(|free| free..free);
    let functions = [
        ("SSL_read", Function::Read, When::Both, Some(&found.read)),
        ("SSL_write", Function::Write, When::Both, Some(&found.write)),
        ("SSL_new", Function::New, When::End, Some(&found.new)),
        ("SSL_free", Function::Free, When::Begin, free.as_ref()),
    ];
    let begins =
        |address| functions.iter().any(|(.., at)| at.is_some_and(|at| at.start == address));
    let leads = |address| if begins(address) { Leads::Traced } else { Leads::Elsewhere };
    for (symbol, function, when, bounds) in functions {
        let Some(bounds) = bounds else {
            examined.missing.push((symbol, "it is not found by its errors".to_owned()));
            continue;
        };
        let place = (function, bounds.start, bounds.end - bounds.start);
        plan_one(&mut examined, symbol, (elf, reader), place, |body| match elf.processor {
            Processor::X86_64 => x86::plan_c(body, when, true, abilities, &leads),
            Processor::AArch64 => aarch64::plan_c(body, when, abilities),
        })?;
    }
    boringssl_messages::add(&mut examined, elf, reader)?;
    Ok(examined)
}
