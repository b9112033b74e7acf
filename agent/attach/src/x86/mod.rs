//! Where attach points sit in x86-64 code.
//!
//! An attach point on an instruction that the kernel emulates costs a tenth of one that it must single-step, and
//! `endbr64` and `ret` are among the dear ones. So the code is decoded, and the cheap places that control
//! flow proves right are preferred. What cannot be proven falls back to the function's first instruction, to a
//! uretprobe, or to the `ret`s.

mod code;
mod entry;
mod graph;
mod returns;
mod steps;
#[cfg(test)]
mod tests;

pub(super) use graph::Leads;
pub(super) use steps::steps;

use wrongdoor_ebpf_common::{Arguments, Function};

use super::elf::Processor;
use super::plan::{AttachPlan, FunctionBody, Spot};
use super::wanted::{When, convention, has, has_wide_result};
use super::{Abilities, AttachPosition};
use code::FunctionCode;
use entry::{EntryPlace, Needed};
use graph::Graph;
use returns::Return;

/// Plans the attach points of a C function.
pub(super) fn plan_c(
    body: &FunctionBody<'_>,
    when: When,
    has_int_length: bool,
    abilities: Abilities,
    leads: &dyn Fn(u64) -> Leads,
) -> AttachPlan {
    let code = FunctionCode::decode(body.bytes, body.address, body.is_whole);
    let graph = Graph::new(&code, leads);
    let needed = needed(body.function, has_int_length);
    let returns = returns::all(&code, &graph);
    let only_hands_on = returns.is_empty() && !graph.exits.is_empty() && !graph.is_uncertain;
    if only_hands_on && graph.exits.iter().all(|leads| *leads == Leads::Traced) {
        return AttachPlan::HandedOn;
    }
    let entry = entry::of_c(&code, &graph, needed);
    if when == When::Begin {
        return AttachPlan::of(entry_spot(&code, entry));
    }
    let proven = returns::places(&code, &graph, has_wide_result(body.function));
    let proven = proven.filter(|places| !places.is_empty());
    let at_return = entry::of_uretprobe(&code, &graph);
    let is_cheap = |line: usize| code.line(line).is_some_and(|line| line.is_emulated);
    let all_cheap = |places: &Vec<Return>| places.iter().all(|place| is_cheap(place.line));

    let uses_uretprobe = abilities.uretprobe
        && !proven.as_ref().is_some_and(|places| all_cheap(places) || !is_cheap(at_return));
    let mut spots = Vec::new();
    if when == When::Both {
        // Where it costs nothing more, both share one breakpoint.
        let first = EntryPlace { line: at_return, arguments: needed.arguments };
        spots.extend(entry_spot(
            &code,
            if uses_uretprobe && at_return == 0 { first } else { entry },
        ));
    }
    if uses_uretprobe {
        spots.extend(spot(
            &code,
            at_return,
            AttachPosition::Uretprobe,
            result(body.function, code::RAX),
        ));
        return AttachPlan::of(spots);
    }
    let Some(places) = proven else {
        return AttachPlan::Impossible(
            "not every way out of it is known, and uretprobes are not to be used",
        );
    };
    for Return { line, result: register } in places {
        spots.extend(spot(&code, line, AttachPosition::Return, result(body.function, register)));
    }
    AttachPlan::of(spots)
}

/// Plans the attach points of a Go method: its `ret`s, because a uretprobe would break Go's movable stacks.
pub(super) fn plan_go(body: &FunctionBody<'_>, when: When) -> AttachPlan {
    let code = FunctionCode::decode(body.bytes, body.address, body.is_whole);
    let graph = Graph::new(&code, &|_| Leads::Elsewhere);
    if !code.is_whole {
        return AttachPlan::Impossible("its code could not be decoded to its end");
    }
    let entry = entry::of_go(&code, &graph, needed(body.function, false));
    let mut spots: Vec<Spot> = entry_spot(&code, entry).into_iter().collect();
    if when == When::Both {
        // All there are: those that only a `switch` leads to, too.
        for (index, _) in
            code.lines.iter().enumerate().filter(|(_, line)| line.flow == code::CodeFlow::Return)
        {
            spots.extend(spot(
                &code,
                index,
                AttachPosition::Return,
                result(body.function, code::RAX),
            ));
        }
    }
    AttachPlan::of(spots)
}

fn needed(function: Function, has_int_length: bool) -> Needed {
    let arguments = convention(function, Processor::X86_64);
    Needed { arguments, has: has(function), has_int_length }
}

fn entry_spot(code: &FunctionCode, entry: EntryPlace) -> Option<Spot> {
    spot(code, entry.line, AttachPosition::Entry, entry.arguments)
}

fn spot(
    code: &FunctionCode,
    line: usize,
    place: AttachPosition,
    arguments: Arguments,
) -> Option<Spot> {
    let line = code.line(line)?;
    Some(Spot { place, address: line.address, arguments, is_emulated: line.is_emulated })
}

/// What is known at the end of a call.
fn result(function: Function, register: u8) -> Arguments {
    let object = if function == Function::New { register } else { 0 };
    Arguments { object, result: register, ..Arguments::default() }
}
