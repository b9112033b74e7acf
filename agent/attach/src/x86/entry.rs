//! Where a call's beginning is best seen: at an instruction that the kernel emulates, that every call passes
//! exactly once, while the arguments are still in registers.

use iced_x86::{Mnemonic, OpKind, Register};
use wrongdoor_ebpf_common::Arguments;

use super::code::{CodeFlow, CodeLine, FunctionCode, RSP, RegisterSet};
use super::graph::Graph;

/// The arguments that are needed, each in which register at the function's beginning: object, buffer, length,
/// count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needed {
    pub(super) arguments: Arguments,
    pub(super) has: [bool; 4],
    /// The length is a C `int`.
    pub(super) has_int_length: bool,
}

/// A place for an attach point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryPlace {
    pub(super) line: usize,
    pub(super) arguments: Arguments,
}

/// The best place for the beginning of a call of a C function; its first instruction where none is better.
pub(super) fn of_c(code: &FunctionCode, graph: &Graph, needed: Needed) -> EntryPlace {
    best(code, graph, needed, 0).unwrap_or(EntryPlace { line: 0, arguments: needed.arguments })
}

/// The best place for the beginning of a call of a Go function.
///
/// Such a function begins with a look whether its stack is large enough; where not, it gets a larger one and
/// begins anew. Behind that look every call comes once.
pub(super) fn of_go(code: &FunctionCode, graph: &Graph, needed: Needed) -> EntryPlace {
    let first = EntryPlace { line: 0, arguments: needed.arguments };
    let Some(behind) = behind_stack_check(code) else { return of_c(code, graph, needed) };
    if let Some(best) = best(code, graph, needed, behind) {
        return best;
    }
    let is_once = code
        .lines
        .iter()
        .all(|line| target(line).is_none_or(|target| code.at(target) != Some(behind)));
    if is_once { EntryPlace { line: behind, ..first } } else { first }
}

/// Where a uretprobe is best attached: while the return address is still on top of the stack.
pub(super) fn of_uretprobe(code: &FunctionCode, graph: &Graph) -> usize {
    let mut touched = false;
    for (index, line) in code.lines.iter().enumerate() {
        if line.is_emulated && !touched && is_passed_once(code, graph, 0, index) {
            return index;
        }
        touched |= writes(line, RSP);
        if touched || !line.goes_straight_on() {
            break;
        }
    }
    0
}

/// Along the straight line from `first` on, the first emulated instruction where everything is there.
fn best(code: &FunctionCode, graph: &Graph, needed: Needed, first: usize) -> Option<EntryPlace> {
    let Arguments { object, buffer, length, count, .. } = needed.arguments;
    // In which registers each argument is.
    let mut places: [RegisterSet; 4] =
        [object, buffer, length, count].map(|register| 1 << register);
    for (index, line) in code.lines.iter().enumerate().skip(first) {
        let is_there = places.iter().zip(needed.has).all(|(place, has)| !has || *place != 0);
        if !is_there {
            return None;
        }
        if line.is_emulated {
            let arguments = located(places, needed);
            let entry = EntryPlace { line: index, arguments };
            return is_passed_once(code, graph, first, index).then_some(entry);
        }
        if !line.goes_straight_on() {
            return None;
        }
        let copied = line.copies.map(|copy| {
            let has = |place: RegisterSet| place & 1 << copy.from != 0;
            let [object, buffer, length, count] = places.map(has);
            let whole = !copy.is_half;
            // Half a register is all of an `int`.
            let length = length && (whole || needed.has_int_length);
            (copy.to, [object && whole, buffer && whole, length, count && whole])
        });
        for place in &mut places {
            *place &= !line.writes;
        }
        if let Some((to, copied)) = copied {
            for (place, copied) in places.iter_mut().zip(copied) {
                *place |= RegisterSet::from(copied) << to;
            }
        }
    }
    None
}

/// The registers to name: where an argument came in, if it still is there.
fn located(places: [RegisterSet; 4], needed: Needed) -> Arguments {
    let was = needed.arguments;
    let [object, buffer, length, count] = places;
    let [has_object, has_buffer, has_length, has_count] = needed.has;
    let pick = |has: bool, place: RegisterSet, was: u8| match place & 1 << was {
        0 if has => u8::try_from(place.trailing_zeros()).unwrap_or(was),
        _ => was,
    };
    Arguments {
        object: pick(has_object, object, was.object),
        buffer: pick(has_buffer, buffer, was.buffer),
        length: pick(has_length, length, was.length),
        count: pick(has_count, count, was.count),
        result: was.result,
    }
}

/// Whether no jump comes back into the straight line from `first` to `place`.
///
/// Where not all jumps are known, one from elsewhere could. But only as long as the stack is as the caller
/// left it does it not: a jump in front of the setting up of the stack would set it up twice.
fn is_passed_once(code: &FunctionCode, graph: &Graph, first: usize, place: usize) -> bool {
    let line = code.lines.get(first..=place).unwrap_or_default();
    let (Some(begin), Some(end)) = (line.first(), line.last()) else { return false };
    let from = begin.address.saturating_add(u64::from(first == 0));
    let comes_back =
        |other: &CodeLine| target(other).is_some_and(|to| (from..=end.address).contains(&to));
    if code.lines.iter().any(comes_back) {
        return false;
    }
    let knows_all = graph.knows_all_jumps() && graph.exits.is_empty();
    let set_up = line.split_last().is_some_and(|(_, before)| before.iter().any(|l| writes(l, RSP)));
    knows_all || !set_up
}

fn target(line: &CodeLine) -> Option<u64> {
    match line.flow {
        CodeFlow::Jump(target) | CodeFlow::Branch(target) => Some(target),
        _ => None,
    }
}

fn writes(line: &CodeLine, register: u8) -> bool {
    line.writes & 1 << register != 0
}

/// The first line behind `cmp rsp, [r14+16]; jbe`, or behind the same with `lea r12, [rsp-n]; cmp r12, …`
/// for a larger frame. (The goroutine is in r14.)
fn behind_stack_check(code: &FunctionCode) -> Option<usize> {
    let is_frame = |line: &CodeLine| {
        line.instruction.mnemonic() == Mnemonic::Lea
            && line.instruction.op0_register() == Register::R12
            && line.instruction.memory_base() == Register::RSP
    };
    let compares = usize::from(is_frame(code.line(0)?));
    let compare = &code.line(compares)?.instruction;
    let is_check = compare.mnemonic() == Mnemonic::Cmp
        && compare.op0_kind() == OpKind::Register
        && matches!(compare.op0_register(), Register::RSP | Register::R12)
        && compare.op1_kind() == OpKind::Memory
        && compare.memory_base() == Register::R14;
    let branch = code.line(compares + 1)?;
    let is_branch = branch.instruction.mnemonic() == Mnemonic::Jbe;
    (is_check && is_branch).then_some(compares + 2)
}
