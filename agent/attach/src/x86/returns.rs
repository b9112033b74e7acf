//! Where a call's end is best seen: at an instruction that the kernel emulates, that is passed exactly once by
//! a call that returns there, and behind which neither the result nor memory changes any more.
//!
//! Typical is the stack protector: `sub rdx, fs:0x28; jne __stack_chk_fail` comes before the epilogue, and where
//! it jumps to never returns.

use super::code::{CodeFlow, CodeLine, FunctionCode, RAX};
use super::graph::Graph;

/// A place for an attach point, and the register of the result at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Return {
    pub(super) line: usize,
    pub(super) result: u8,
}

/// One place for each way of returning; `None` where not every way is seen.
pub(super) fn places(code: &FunctionCode, graph: &Graph, is_wide: bool) -> Option<Vec<Return>> {
    if graph.is_uncertain || !graph.exits.is_empty() {
        return None;
    }
    let returns = all(code, graph);
    if graph.has_table {
        return Some(returns);
    }
    let finals = finals(code, graph, is_wide);
    let mut chosen: Vec<Return> = Vec::new();
    for end in &returns {
        let found = before(code, graph, &finals, end.line).unwrap_or_else(|| vec![*end]);
        for place in found {
            if !chosen.contains(&place) {
                chosen.push(place);
            }
        }
    }
    // One on the way to another would be a second attach point of the same call.
    if chosen.iter().any(|place| is_on_the_way(graph, place.line, &chosen)) {
        return Some(returns);
    }
    Some(chosen)
}

/// Every instruction that returns.
pub(super) fn all(code: &FunctionCode, graph: &Graph) -> Vec<Return> {
    let lines = code.lines.iter().enumerate();
    lines
        .filter(|(index, line)| line.flow == CodeFlow::Return && graph.is_reachable(*index))
        .map(|(line, _)| Return { line, result: RAX })
        .collect()
}

/// For each line the register that has the final result in front of it, if every way from there leads to a
/// return without a change of the result or of memory.
fn finals(code: &FunctionCode, graph: &Graph, is_wide: bool) -> Vec<Option<u8>> {
    let mut finals = vec![None; code.lines.len()];
    // A line only ever becomes final after all that come after it, so loops never do.
    loop {
        let mut grew = false;
        for (index, line) in code.lines.iter().enumerate().rev() {
            if finals.get(index).copied().flatten().is_some() || !graph.is_reachable(index) {
                continue;
            }
            let known = after(graph, &finals, line, index).and_then(|r| through(line, r, is_wide));
            if let (Some(known), Some(place)) = (known, finals.get_mut(index)) {
                *place = Some(known);
                grew = true;
            }
        }
        if !grew {
            return finals;
        }
    }
}

/// The register that has the result behind `line`.
fn after(graph: &Graph, finals: &[Option<u8>], line: &CodeLine, index: usize) -> Option<u8> {
    if line.flow == CodeFlow::Return {
        return Some(RAX);
    }
    let mut next = graph.next(index).map(|next| finals.get(next).copied().flatten());
    let first = next.next()??;
    next.all(|other| other == Some(first)).then_some(first)
}

/// The register that has the result in front of `line`.
fn through(line: &CodeLine, result: u8, is_wide: bool) -> Option<u8> {
    if line.writes_memory {
        return None;
    }
    match line.copies {
        Some(copy) if copy.to == result => (!copy.is_half || !is_wide).then_some(copy.from),
        _ => (line.writes & 1 << result == 0).then_some(result),
    }
}

/// The last emulated instructions before the return at `end`, one on each way to it.
fn before(
    code: &FunctionCode,
    graph: &Graph,
    finals: &[Option<u8>],
    end: usize,
) -> Option<Vec<Return>> {
    let mut found = Vec::new();
    let mut seen = vec![false; code.lines.len()];
    let mut ahead = vec![end];
    while let Some(index) = ahead.pop() {
        if std::mem::replace(seen.get_mut(index)?, true) {
            continue;
        }
        let result = finals.get(index).copied().flatten()?;
        if code.line(index)?.is_emulated {
            found.push(Return { line: index, result });
            continue;
        }
        // A call that begins here comes from nowhere else.
        if index == 0 {
            return None;
        }
        ahead.extend(graph.previous(index));
    }
    Some(found)
}

/// Whether a call that passes `from` passes one of `places` later.
fn is_on_the_way(graph: &Graph, from: usize, places: &[Return]) -> bool {
    let mut ahead: Vec<usize> = graph.next(from).collect();
    let mut seen = Vec::new();
    while let Some(index) = ahead.pop() {
        if places.iter().any(|place| place.line == index) {
            return true;
        }
        if !seen.contains(&index) {
            seen.push(index);
            ahead.extend(graph.next(index));
        }
    }
    false
}
