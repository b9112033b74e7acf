//! Connections that are older than the agent. Nothing is reported of their requests, so each program that has some is named,
//! and counted as long as it has.

use crate::text::sanitize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wrongdoor_core::bounded_map::BoundedMap;
use wrongdoor_core::observation::probe_event::{Process, SessionId};

/// The most connections that are counted; beyond it the oldest are not.
const MAX_OPEN: usize = 65_536;
/// The most programs that are named. The connections of others count together.
const MAX_PROGRAMS: usize = 32;
/// What the others are called.
const OTHER: &str = "other";
/// Programs speak on their connections one after the other: a warning waits for the others so long.
const GATHERING: Duration = Duration::from_secs(5);
/// How often it is looked whether their processes have ended, and what there is to be warned of.
const EVERY: Duration = Duration::from_secs(1);
/// A program whose connections have become more is named again, but not sooner.
const AGAIN: Duration = Duration::from_mins(5);

/// Those that are open.
pub(super) struct OlderConnections {
    open: BoundedMap<SessionId, Arc<Process>>,
    /// What was said of each program.
    told: BTreeMap<Box<str>, Told>,
    /// How many there were when they were counted last.
    counts: BTreeMap<Box<str>, u64>,
    looked: Instant,
}

/// What was said of a program.
struct Told {
    /// When its first connection was seen, or the last warning was written.
    since: Instant,
    /// How many connections the warning named.
    named: u64,
}

impl Default for OlderConnections {
    fn default() -> Self {
        Self {
            open: BoundedMap::new(MAX_OPEN),
            told: BTreeMap::new(),
            counts: BTreeMap::new(),
            looked: Instant::now(),
        }
    }
}

impl OlderConnections {
    /// One was seen.
    pub(super) fn begin(&mut self, session: SessionId, process: &Arc<Process>) {
        self.open.insert(session, Arc::clone(process));
        if self.told.len() < MAX_PROGRAMS || self.told.contains_key(&process.command) {
            let told = Told { since: Instant::now(), named: 0 };
            self.told.entry(process.command.clone()).or_insert(told);
        }
    }

    /// One has ended.
    pub(super) fn end(&mut self, session: SessionId) {
        self.open.remove(&session);
    }

    /// How many there are, by program, as of the last second.
    pub(super) fn counts(&self) -> &BTreeMap<Box<str>, u64> {
        &self.counts
    }

    /// Counts them all, so not for each scrape or record.
    fn count(&mut self) {
        self.counts = self.told.keys().map(|command| (command.clone(), 0)).collect();
        for (_, process) in self.open.iter() {
            match self.counts.get_mut(&process.command) {
                Some(count) => *count += 1,
                None => *self.counts.entry(OTHER.into()).or_default() += 1,
            }
        }
    }

    /// Forgets those of processes that have ended, and warns of programs that were not named yet.
    pub(super) fn turn(&mut self) {
        let is_idle = self.told.is_empty() && self.open.is_empty();
        if is_idle || self.looked.elapsed() < EVERY {
            return;
        }
        self.looked = Instant::now();
        self.forget_ended(|pid| Path::new(&format!("/proc/{pid}")).exists());
        self.count();
        for (command, count) in self.due(Instant::now()) {
            let (connections, are) =
                if count == 1 { ("connection", "is") } else { ("connections", "are") };
            // The process has chosen its name.
            let command = sanitize(&command);
            tracing::warn!(
                command,
                "{count} {connections} of {command} {are} older than this agent, and their requests are not reported; reload or restart {command} to see all"
            );
        }
        self.forget_programs(Instant::now());
    }

    /// Programs without connections make room for others.
    fn forget_programs(&mut self, now: Instant) {
        let counts = &self.counts;
        self.told.retain(|command, told| {
            counts.get(command).is_some_and(|count| *count > 0)
                || now.saturating_duration_since(told.since) < AGAIN
        });
        let told = &self.told;
        self.counts.retain(|command, count| *count > 0 || told.contains_key(command));
    }

    fn forget_ended(&mut self, is_running: impl Fn(u32) -> bool) {
        let mut running: HashMap<u32, bool> = HashMap::new();
        let ended: Vec<SessionId> = self
            .open
            .iter()
            .filter(|(_, process)| {
                !*running.entry(process.pid).or_insert_with(|| is_running(process.pid))
            })
            .map(|(session, _)| *session)
            .collect();
        ended.iter().for_each(|session| self.end(*session));
    }

    /// The programs to be warned of, and how many connections they have.
    fn due(&mut self, now: Instant) -> Vec<(Box<str>, u64)> {
        let mut due = Vec::new();
        for (command, told) in &mut self.told {
            let count = self.counts.get(command).copied().unwrap_or(0);
            let pause = if told.named == 0 { GATHERING } else { AGAIN };
            if count > told.named && now.saturating_duration_since(told.since) >= pause {
                *told = Told { since: now, named: count };
                due.push((command.clone(), count));
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, command: &str) -> Arc<Process> {
        let (container, pod, started) = (None, None, None);
        Arc::new(Process { pid, command: command.into(), container, pod, started })
    }

    fn counts(older: &mut OlderConnections) -> Vec<(String, u64)> {
        older.count();
        older.counts().clone().into_iter().map(|(command, count)| (command.into(), count)).collect()
    }

    #[test]
    fn each_program_is_counted_while_its_connections_are_open() {
        let mut older = OlderConnections::default();
        for number in 0..3 {
            older.begin(SessionId(number), &process(7, "nginx"));
        }
        older.begin(SessionId(3), &process(8, "curl"));
        assert_eq!(counts(&mut older), [("curl".to_owned(), 1), ("nginx".to_owned(), 3)]);
        older.end(SessionId(0));
        older.forget_ended(|pid| pid == 7);
        assert_eq!(counts(&mut older), [("curl".to_owned(), 0), ("nginx".to_owned(), 2)]);
    }

    #[test]
    fn a_program_is_named_once_its_connections_have_gathered_and_seldom_again() {
        let mut older = OlderConnections::default();
        let begun = Instant::now();
        older.begin(SessionId(0), &process(7, "nginx"));
        older.begin(SessionId(1), &process(7, "nginx"));
        older.count();
        assert_eq!(older.due(begun), []);
        let first = begun + 2 * GATHERING;
        assert_eq!(older.due(first), [("nginx".into(), 2)]);
        assert_eq!(older.due(first + AGAIN), []);
        older.begin(SessionId(2), &process(7, "nginx"));
        older.count();
        assert_eq!(older.due(first + AGAIN / 2), []);
        assert_eq!(older.due(first + AGAIN), [("nginx".into(), 3)]);
    }

    #[test]
    fn programs_beyond_the_bound_count_together() {
        let mut older = OlderConnections::default();
        for number in 0..40 {
            older.begin(SessionId(number), &process(7, &format!("program-{number}")));
        }
        older.count();
        assert_eq!((older.counts.len(), older.counts[OTHER]), (MAX_PROGRAMS + 1, 8));
        (0..39).for_each(|number| older.end(SessionId(number)));
        older.count();
        older.forget_programs(Instant::now() + AGAIN);
        older.begin(SessionId(40), &process(7, "another"));
        older.count();
        assert_eq!(older.counts().get("another"), Some(&1));
    }
}
