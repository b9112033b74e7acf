//! Where a Go program writes a message of a handshake: the calls by which `writeHandshakeRecord` hands it on as a record.

use wrongdoor_ebpf_common::Arguments;

use crate::elf::Processor;
use crate::plan::{AttachPlan, FunctionBody, Spot};
use crate::steps::StepFlow;
use crate::{AttachPosition, aarch64, x86};

/// The calls of `writeRecordLocked(type, message)`. Without them the server's end does not show its certificate.
pub(super) fn written(
    body: &FunctionBody<'_>,
    processor: Processor,
    callee: Option<u64>,
) -> AttachPlan {
    let code = match processor {
        Processor::X86_64 => x86::steps(body.bytes, body.address),
        Processor::AArch64 => aarch64::steps(body.bytes, body.address),
    };
    // Connection, type, and the message's address and length, by Go's convention.
    let (object, buffer, length, is_emulated) = match processor {
        Processor::X86_64 => (0, 1, 7, true),
        Processor::AArch64 => (0, 2, 3, false),
    };
    let arguments = Arguments { object, buffer, length, ..Arguments::default() };
    let calls = code.steps.iter().filter(|step| {
        callee.is_some_and(|callee| step.flow == StepFlow::Call(Some(callee))) && code.is_whole
    });
    let spots: Vec<_> = calls
        .map(|step| Spot {
            place: AttachPosition::Message,
            address: step.address,
            arguments,
            is_emulated,
        })
        .collect();
    if spots.is_empty() { AttachPlan::HandedOn } else { AttachPlan::of(spots) }
}
