//! Go programs: `crypto/tls` by the table of functions that every Go program carries, stripped or not.

mod base;
mod build_info;
mod pclntab;

use super::elf::{Elf, Processor};
use super::reader::BoundedReader;
use super::refusal::Reason;
use super::wanted::GoMethod;
use super::{Examined, TlsKind, aarch64, plan_one, x86};
use pclntab::FunctionTable;

/// A method in the file, by its distance from the beginning of the program's Go code.
#[derive(Clone, Copy, Debug)]
struct FoundMethod {
    method: &'static GoMethod,
    begins: u64,
    ends: u64,
}

/// Looks for the methods; `None` where the file is no Go program or has no TLS in it.
pub(super) fn examine(elf: &Elf, reader: &BoundedReader<'_>) -> Result<Option<Examined>, Reason> {
    let Some(table) = FunctionTable::find(elf, reader)? else { return Ok(None) };
    let methods = table.methods(reader)?;
    if methods.is_empty() {
        return Ok(None);
    }
    let Some(base) = base::find(elf, reader, table.text, &methods)? else {
        return Err(Reason::Go("it is not clear where its code begins"));
    };
    let version = build_info::version(elf, reader);
    let mut examined =
        Examined { kind: TlsKind::Go, version, attach_points: Vec::new(), missing: Vec::new() };
    for FoundMethod { method, begins, ends } in methods {
        let address = base.saturating_add(begins);
        let place = (method.function, address, ends - begins);
        plan_one(&mut examined, method.name, (elf, reader), place, |body| match elf.processor {
            Processor::X86_64 => x86::plan_go(body, method.when),
            Processor::AArch64 => aarch64::plan_go(body, method.when),
        })?;
    }
    Ok(Some(examined))
}
