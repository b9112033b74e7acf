//! Which instruction may follow which.

use super::code::{CodeFlow, FunctionCode};

/// Where a jump or call out of the function leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leads {
    /// To something that never returns.
    Nowhere,
    /// To the beginning of a function that is traced itself.
    Traced,
    /// Anywhere else.
    Elsewhere,
}

/// The control flow of one function.
#[derive(Debug)]
pub(super) struct Graph {
    successors: Vec<Vec<usize>>,
    predecessors: Vec<Vec<usize>>,
    reachable: Vec<bool>,
    /// From where a return, or what comes after a jump out of the function, can be reached.
    live: Vec<bool>,
    /// The jumps out of the function, tail calls mostly.
    pub(super) exits: Vec<Leads>,
    /// Some `switch` goes to places that are not known, in the function.
    pub(super) has_table: bool,
    /// Some jump goes to a place that is not known at all, or some code could not be decoded.
    pub(super) is_uncertain: bool,
}

// === impl Graph ===

impl Graph {
    pub(super) fn new(code: &FunctionCode, leads: &dyn Fn(u64) -> Leads) -> Self {
        let count = code.lines.len();
        let mut graph = Self {
            successors: vec![Vec::new(); count],
            predecessors: vec![Vec::new(); count],
            reachable: vec![false; count],
            live: vec![false; count],
            exits: Vec::new(),
            has_table: false,
            is_uncertain: !code.is_whole || count == 0,
        };
        let mut ends = Vec::new();
        let mut ahead = vec![0];
        while let Some(index) = ahead.pop() {
            let Some(seen) = graph.reachable.get_mut(index) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            let before = graph.exits.len();
            let next = graph.follow(code, index, leads);
            let leaves = graph.exits.len() > before;
            if leaves || code.line(index).is_some_and(ends_here) {
                ends.push(index);
            }
            for successor in &next {
                if let Some(predecessors) = graph.predecessors.get_mut(*successor) {
                    predecessors.push(index);
                }
            }
            ahead.extend(&next);
            if let Some(successors) = graph.successors.get_mut(index) {
                *successors = next;
            }
            // A table's targets are reached from nowhere else.
            if ahead.is_empty() && graph.has_table {
                ahead.extend(graph.reachable.iter().position(|reached| !reached));
            }
        }
        graph.mark_live(ends);
        graph
    }

    /// The lines after `index`; notes where it leaves the function.
    fn follow(
        &mut self,
        code: &FunctionCode,
        index: usize,
        leads: &dyn Fn(u64) -> Leads,
    ) -> Vec<usize> {
        let Some(line) = code.line(index) else { return Vec::new() };
        let mut targets = Vec::new();
        match line.flow {
            CodeFlow::Next | CodeFlow::Call(None) => targets.push(line.after),
            CodeFlow::Call(Some(target)) if leads(target) == Leads::Nowhere => {}
            // One that is the last does not come back.
            CodeFlow::Call(Some(_)) if code.line(index + 1).is_none() && code.is_whole => {}
            CodeFlow::Call(Some(_)) => targets.push(line.after),
            CodeFlow::Jump(target) => targets.push(target),
            CodeFlow::Branch(target) => targets.extend([target, line.after]),
            CodeFlow::Table => self.has_table = true,
            CodeFlow::Unknown => self.is_uncertain = true,
            CodeFlow::Return | CodeFlow::Halt => {}
        }
        let mut next = Vec::new();
        for target in targets {
            match code.at(target) {
                Some(target) => next.push(target),
                // Into the middle of an instruction: this is not the code that was meant.
                None if code.contains(target) => self.is_uncertain = true,
                None => match leads(target) {
                    Leads::Nowhere => {}
                    leads => self.exits.push(leads),
                },
            }
        }
        next
    }

    fn mark_live(&mut self, mut ends: Vec<usize>) {
        while let Some(index) = ends.pop() {
            let Some(live) = self.live.get_mut(index) else { continue };
            if !std::mem::replace(live, true) {
                ends.extend(self.predecessors.get(index).into_iter().flatten());
            }
        }
    }

    pub(super) fn is_reachable(&self, index: usize) -> bool {
        self.reachable.get(index).copied().unwrap_or(false)
    }

    /// The lines that may come after `index` in a call that returns.
    pub(super) fn next(&self, index: usize) -> impl Iterator<Item = usize> {
        let live = |next: &usize| self.live.get(*next).copied().unwrap_or(false);
        self.successors.get(index).into_iter().flatten().copied().filter(live)
    }

    /// The lines that may come before `index`.
    pub(super) fn previous(&self, index: usize) -> &[usize] {
        self.predecessors.get(index).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every place that code goes to is known, as far as it is in the function.
    pub(super) fn knows_all_jumps(&self) -> bool {
        !self.is_uncertain && !self.has_table
    }
}

fn ends_here(line: &super::code::CodeLine) -> bool {
    matches!(line.flow, CodeFlow::Return | CodeFlow::Table | CodeFlow::Unknown)
}
