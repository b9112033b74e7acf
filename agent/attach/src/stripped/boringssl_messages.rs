//! Where BoringSSL reports the messages of a handshake: the calls of `ssl_do_msg_callback`, which it makes whether or not a
//! callback is set.
//!
//! The function is known by what functions of `tls_record.cc` pass to it: a direction (0 or 1), and the type of a record's
//! header (0x100). Of its calls, those with the type of handshakes (22) are traced; the function itself
//! is entered for every record.

use std::collections::HashSet;
use std::ops::Range;

use wrongdoor_ebpf_common::{Arguments, Function};

use super::{SearchedFile, Suspect, references, suspects};
use super::{path_text, suspects_at};
use crate::elf::{Elf, Processor};
use crate::plan::{AttachPlan, FunctionBody, Spot};
use crate::reader::BoundedReader;
use crate::refusal::Reason;
use crate::{AttachPosition, Examined, plan_one};

/// The function.
const REPORT: &str = "ssl_do_msg_callback";
/// The source file that reports headers of records: C++ since 2017.
const FILE: &str = "tls_record.c";
/// `SSL3_RT_HEADER`, `SSL3_RT_HANDSHAKE`.
const HEADER: u64 = 0x100;
const HANDSHAKE: u64 = 22;

/// Adds the calls to what is attached to. Without them certificates of TLS 1.3 are not seen, and nothing else is missing.
pub(crate) fn add(examined: &mut Examined, file: SearchedFile<'_>) -> Result<(), Reason> {
    let SearchedFile { elf, near, reader } = file;
    for call in calls(elf, near, &reader.for_search()).unwrap_or_default() {
        let place = (Function::Message, call.start, call.end - call.start);
        plan_one(examined, REPORT, (elf, reader), place, |body| plan(body, elf.processor))?;
    }
    Ok(())
}

/// The calls that report a message of a handshake; none where the function is not identified.
fn calls(elf: &Elf, near: &Elf, reader: &BoundedReader<'_>) -> Result<Vec<Range<u64>>, Reason> {
    // The kernel carries out the call itself, and many kernels do not put its return address on the shadow stack.
    if elf.has_shadow_stack {
        return Ok(Vec::new());
    }
    let Some(report) = report(elf, near, reader)? else { return Ok(Vec::new()) };
    let places = references::calls_of(near, reader, report)?;
    let (mut reads, mut writes): (Vec<Range<u64>>, Vec<Range<u64>>) = Default::default();
    for suspect in suspects_at(near, reader, &places)? {
        let reports = suspect.followed.calls.iter().filter(|call| {
            let [_, direction, kind, ..] = call.arguments;
            let is_handshake = kind == Some(HANDSHAKE) && direction.is_some_and(|way| way <= 1);
            call.callee == Some(report) && is_handshake
        });
        // One call may be reached with other types too: that would be every record.
        let others: HashSet<u64> = suspect
            .followed
            .calls
            .iter()
            .filter(|call| call.callee == Some(report) && call.arguments[2] != Some(HANDSHAKE))
            .map(|call| call.at)
            .collect();
        for call in reports.filter(|call| !others.contains(&call.at)) {
            let step = suspect.steps.iter().find(|step| step.address == call.at);
            let way = if call.arguments[1] == Some(0) { &mut reads } else { &mut writes };
            way.extend(step.map(|step| step.address..step.after));
        }
    }
    // Only where both directions are seen, the first certificate is the server's for certain.
    if reads.is_empty() || writes.is_empty() {
        return Ok(Vec::new());
    }
    let mut calls = [reads, writes].concat();
    calls.sort_unstable_by_key(|call| call.start);
    calls.dedup();
    Ok(calls)
}

/// The function; `None` where it is not the only one that fits.
fn report(elf: &Elf, near: &Elf, reader: &BoundedReader<'_>) -> Result<Option<u64>, Reason> {
    let mut found = HashSet::new();
    for path in path_text::addresses(elf, reader, FILE)? {
        found.extend(suspects(near, reader, &path)?.iter().flat_map(reported));
    }
    let mut found = found.into_iter();
    Ok(found.next().filter(|_| found.next().is_none()))
}

/// What gets a direction and the type of a record's header.
fn reported(suspect: &Suspect) -> impl Iterator<Item = u64> {
    suspect.followed.calls.iter().filter_map(|call| {
        let [object, direction, kind, ..] = call.arguments;
        // Errors have constants there too, and the library's number in front.
        let fits = object.is_none() && direction? <= 1 && kind? == HEADER;
        call.callee.filter(|_| fits)
    })
}

/// On the call itself, where the arguments are those of the function: object, direction, type, bytes, length.
fn plan(body: &FunctionBody<'_>, processor: Processor) -> AttachPlan {
    debug_assert_eq!(body.function, Function::Message, "nothing else is planned on a call");
    let (object, buffer, length, is_emulated) = match processor {
        Processor::X86_64 => (7, 1, 8, true),
        Processor::AArch64 => (0, 3, 4, false),
    };
    let arguments = Arguments { object, buffer, length, ..Arguments::default() };
    let (place, address) = (AttachPosition::Message, body.address);
    AttachPlan::of([Spot { place, address, arguments, is_emulated }])
}
