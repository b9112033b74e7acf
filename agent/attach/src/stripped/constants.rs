//! Which constants a function passes to the functions that it calls.
//!
//! Compilers share one `call` among several ways to it, each of which has put other constants into the registers. So
//! the ways are followed one by one, as far as they differ.

use std::collections::HashSet;

use crate::steps::{Step, StepFlow, Steps, Value};

/// The most steps that are followed in one function, on all ways through it.
const MAX_STEPS: usize = 100_000;

/// A call that is made with known arguments. A jump out of the function is one too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct KnownCall {
    /// Where the call is.
    pub(super) at: u64,
    /// `None` where it goes through a register or memory.
    pub(super) callee: Option<u64>,
    /// The first five arguments, as far as they are constant.
    pub(super) arguments: [Option<u64>; 5],
    /// The first argument is what this register had.
    pub(super) first_of: Option<u8>,
}

/// The most calls of one function that are kept, each with its constants.
const MAX_CALLS: usize = 1_024;

/// What following a function has shown.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// How many steps that took.
    pub(super) steps: usize,
    pub(super) calls: HashSet<KnownCall>,
    /// The steps that control reaches, by index.
    pub(super) reached: HashSet<usize>,
    /// Registers of which the function returns what they had.
    pub(super) returned: HashSet<u8>,
}

/// What is known of registers: by number, in order. Few are known at a time.
type Known = Vec<(u8, Held)>;

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Held {
    Constant(u64),
    /// What this register had then. Only of registers that survive calls.
    CopyOf(u8),
}

/// Follows all ways through a function; `None` where they are too many.
pub(super) fn follow(code: &Steps) -> Option<Followed> {
    let mut followed = Followed::default();
    let mut seen: HashSet<(usize, Known)> = HashSet::new();
    let mut ahead: Vec<(usize, Known)> = vec![(0, Known::new())];
    while let Some((mut index, mut known)) = ahead.pop() {
        while let Some(step) = code.steps.get(index) {
            if !seen.insert((index, known.clone())) {
                break;
            }
            followed.steps = seen.len();
            if seen.len() > MAX_STEPS || followed.calls.len() > MAX_CALLS {
                return None;
            }
            followed.reached.insert(index);
            let next = match step.flow {
                StepFlow::Next => Some(step.after),
                StepFlow::Call(callee) => {
                    followed.calls.insert(call(code, step, callee, &known));
                    known.retain(|(register, _)| code.convention.preserved & 1 << register != 0);
                    Some(step.after)
                }
                StepFlow::Jump(target) if code.at(target).is_some() => Some(target),
                StepFlow::Jump(target) => {
                    followed.calls.insert(call(code, step, Some(target), &known));
                    None
                }
                StepFlow::Branch(target) => {
                    if let Some(target) = code.at(target) {
                        ahead.push((target, known.clone()));
                    }
                    Some(step.after)
                }
                StepFlow::End => {
                    if let Some(Held::CopyOf(register)) = held(&known, code.convention.result) {
                        followed.returned.insert(register);
                    }
                    None
                }
            };
            apply(step, code.convention.preserved, &mut known);
            let Some(next) = next.and_then(|next| code.at(next)) else { break };
            index = next;
        }
    }
    Some(followed)
}

/// The steps that control reaches from the first one, by index.
pub(super) fn reach(code: &Steps) -> HashSet<usize> {
    let mut reached = HashSet::new();
    let mut ahead = vec![0];
    while let Some(index) = ahead.pop() {
        let Some(step) = code.steps.get(index) else { continue };
        if !reached.insert(index) {
            continue;
        }
        let next = match step.flow {
            StepFlow::Next | StepFlow::Call(_) => [Some(step.after), None],
            StepFlow::Jump(target) => [Some(target), None],
            StepFlow::Branch(target) => [Some(target), Some(step.after)],
            StepFlow::End => [None, None],
        };
        ahead.extend(next.into_iter().flatten().filter_map(|next| code.at(next)));
    }
    reached
}

fn call(code: &Steps, step: &Step, callee: Option<u64>, known: &Known) -> KnownCall {
    let constant = |register| match held(known, register) {
        Some(Held::Constant(value)) => Some(value),
        Some(Held::CopyOf(_)) | None => None,
    };
    let first_of = match held(known, code.convention.arguments[0]) {
        Some(Held::CopyOf(register)) => Some(register),
        Some(Held::Constant(_)) | None => None,
    };
    let arguments = code.convention.arguments.map(constant);
    KnownCall { at: step.address, callee, arguments, first_of }
}

fn apply(step: &Step, preserved: u32, known: &mut Known) {
    let value = step.sets.and_then(|(_, value)| match value {
        Value::Constant(value) => Some(Held::Constant(value)),
        Value::Of(register) => held(known, register)
            .or_else(|| (preserved & 1 << register != 0).then_some(Held::CopyOf(register))),
        Value::Sum(register, more) => match held(known, register) {
            Some(Held::Constant(value)) => Some(Held::Constant(value.wrapping_add(more))),
            Some(Held::CopyOf(_)) | None => None,
        },
    });
    let written = step.forgets | step.sets.map_or(0, |(register, _)| 1 << register);
    known.retain(|(register, _)| written & 1 << register == 0);
    if let (Some((register, _)), Some(value)) = (step.sets, value) {
        let at = known.partition_point(|(other, _)| *other < register);
        known.insert(at, (register, value));
    }
}

fn held(known: &Known, register: u8) -> Option<Held> {
    known.iter().find(|(other, _)| *other == register).map(|(_, held)| *held)
}
