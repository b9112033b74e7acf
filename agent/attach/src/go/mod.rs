//! Go programs: `crypto/tls` by the table of functions that every Go program carries, stripped or not.

mod base;
mod build_info;
mod messages;
mod pclntab;

use super::elf::{Elf, Processor};
use super::plan::{AttachPlan, FunctionBody};
use super::reader::BoundedReader;
use super::refusal::Reason;
use super::wanted::{GoMethod, GoTraced, When};
use super::{AttachPoint, AttachPosition, Examined, TlsKind, aarch64, plan_one, x86};
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
    for FoundMethod { method, begins, ends } in &methods {
        let (begins, ends) = (*begins, *ends);
        let address = base.saturating_add(begins);
        let place = (method.function, address, ends - begins);
        let plan = |body: &FunctionBody<'_>, when| match elf.processor {
            Processor::X86_64 => x86::plan_go(body, when),
            Processor::AArch64 => aarch64::plan_go(body, when),
        };
        let planned = |body: &FunctionBody<'_>| match method.traced {
            GoTraced::Call(when) => plan(body, when),
            GoTraced::Message => plan(body, When::Begin).for_messages(),
            GoTraced::MessageTo(callee) => {
                let callee = methods.iter().find(|found| found.method.name == callee);
                let callee = callee.map(|found| base.saturating_add(found.begins));
                // As in BoringSSL: see there.
                let callee = callee.filter(|_| !elf.has_shadow_stack);
                messages::written(body, elf.processor, callee)
            }
            GoTraced::Callee => AttachPlan::HandedOn,
        };
        plan_one(&mut examined, method.name, (elf, reader), place, planned)?;
    }
    keep_messages_of_both_directions(&mut examined);
    Ok(Some(examined))
}

/// Only where messages are seen that are read and those that are written, the first certificate is the server's for
/// certain. Before Go 1.21 the methods were others.
fn keep_messages_of_both_directions(examined: &mut Examined) {
    let is_message = |point: &AttachPoint| point.place == AttachPosition::Message;
    let mut symbols: Vec<_> =
        examined.attach_points.iter().filter(|point| is_message(point)).map(|p| p.symbol).collect();
    symbols.dedup();
    if symbols.len() < 2 {
        examined.attach_points.retain(|point| !is_message(point));
    }
}
