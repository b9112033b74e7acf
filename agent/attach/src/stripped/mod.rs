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
mod openssl;
pub(crate) mod openssl_transcript;
mod own_name;
mod path_text;
mod references;
mod unwind_table;

use std::ops::Range;

use wrongdoor_ebpf_common::Function;

use super::elf::{Elf, Processor};
use super::limits::{MAX_CODE_BYTES, MAX_SUSPECTS};
use super::reader::BoundedReader;
use super::refusal::Reason;
use super::steps::Steps;
use super::wanted::When;
use super::x86::{self, Leads};
use super::{Abilities, Examined, TlsKind, aarch64, plan_one};
use boringssl::Suspect;

/// A file that is searched.
#[derive(Clone, Copy)]
pub(crate) struct SearchedFile<'a> {
    pub(crate) elf: &'a Elf,
    /// The same with no other code than what is near the library's functions: what they call of their own is there.
    pub(crate) near: &'a Elf,
    pub(crate) reader: &'a BoundedReader<'a>,
}

/// A function, and where it is.
type FoundFunction = (&'static str, Function, Range<u64>);

/// The most steps that are followed in all functions of one source file; OpenSSL's take some 50,000.
const MAX_FOLLOWED: usize = 2_000_000;
/// The source file of the functions, in both libraries: C++ in BoringSSL since 2017.
const FILE: &str = "ssl_lib.c";

/// Looks for the functions of BoringSSL and OpenSSL; `None` where the file has none of them.
pub(super) fn examine(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    abilities: Abilities,
) -> Result<Option<Examined>, Reason> {
    // One copy of a library may be a part of one, and another whole.
    let mut refused = None;
    for path in path_text::addresses(elf, reader, FILE)? {
        match examine_copy(elf, reader, abilities, &path) {
            Ok(None) => {}
            Err(Reason::Stripped(why)) => refused = Some(Reason::Stripped(why)),
            found => return found,
        }
    }
    refused.map_or(Ok(None), Err)
}

/// Looks for the functions that name this path.
fn examine_copy(
    elf: &Elf,
    reader: &BoundedReader<'_>,
    abilities: Abilities,
    path: &Range<u64>,
) -> Result<Option<Examined>, Reason> {
    let suspects = suspects(elf, reader, path)?;
    let near = &near(elf, &suspects);
    let file = SearchedFile { elf, near, reader };
    if let Some(found) = boringssl::identify(&suspects, path).map_err(Reason::Stripped)? {
        let mut examined = plan(elf, reader, abilities, TlsKind::BoringSsl, &found.functions())?;
        boringssl_messages::add(&mut examined, file)?;
        return Ok(Some(examined));
    }
    let Some(found) = openssl::identify(file, &suspects, path)? else { return Ok(None) };
    let mut examined = plan(elf, reader, abilities, TlsKind::OpenSsl, &found)?;
    if let Some(transcript) = openssl_transcript::find(file)? {
        openssl_transcript::add(&mut examined, (elf, reader), &transcript, abilities)?;
    }
    Ok(Some(examined))
}

/// The file with no other code than what is near these functions: what a library calls of its own is there.
fn near(elf: &Elf, suspects: &[Suspect]) -> Elf {
    let begins = suspects.iter().map(|suspect| suspect.bounds.start);
    let ends = suspects.iter().map(|suspect| suspect.bounds.end);
    elf.near(begins.min().unwrap_or_default()..ends.max().unwrap_or_default())
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
    if functions.len() > MAX_SUSPECTS {
        let (count, limit) = (functions.len() as u64, MAX_SUSPECTS as u64);
        return Err(Reason::TooMany { what: "functions with TLS errors", count, limit });
    }
    let mut suspects = Vec::new();
    let mut left = MAX_FOLLOWED;
    for bounds in functions {
        let Some(code) = code(elf, reader, &bounds)? else { continue };
        let Some(followed) = constants::follow(&code) else { continue };
        let Some(rest) = left.checked_sub(followed.steps) else {
            let (count, limit) = (MAX_FOLLOWED as u64 + 1, MAX_FOLLOWED as u64);
            return Err(Reason::TooMany { what: "ways through its TLS functions", count, limit });
        };
        left = rest;
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
    kind: TlsKind,
    found: &[FoundFunction],
) -> Result<Examined, Reason> {
    let mut examined =
        Examined { kind, version: None, attach_points: Vec::new(), missing: Vec::new() };
    let begins = |address| found.iter().any(|(.., at)| at.start == address);
    let leads = |address| if begins(address) { Leads::Traced } else { Leads::Elsewhere };
    for (symbol, function, bounds) in found {
        let when = match function {
            Function::New => When::End,
            Function::Free | Function::Clear => When::Begin,
            _ => When::Both,
        };
        let is_int = matches!(function, Function::Read | Function::Write);
        let place = (*function, bounds.start, bounds.end - bounds.start);
        plan_one(&mut examined, symbol, (elf, reader), place, |body| match elf.processor {
            Processor::X86_64 => x86::plan_c(body, when, is_int, abilities, &leads),
            Processor::AArch64 => aarch64::plan_c(body, when, abilities),
        })?;
    }
    let expected: &[&str] = match kind {
        TlsKind::OpenSsl => &openssl::EXPECTED,
        _ => &["SSL_free"],
    };
    for symbol in expected {
        // What has no flags hands on to what has.
        let is_it =
            |found: &str| found == *symbol || *symbol == "SSL_write_ex" && found == "SSL_write_ex2";
        if !found.iter().any(|(found, ..)| is_it(found)) {
            examined.missing.push((symbol, "it is not found by its errors".to_owned()));
        }
    }
    Ok(examined)
}
