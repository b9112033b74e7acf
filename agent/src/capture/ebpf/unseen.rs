//! Which processes use TLS that cannot be looked into: by their libraries, or because it is linked into their program.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use wrongdoor_core::bounded_map::BoundedMap;
use wrongdoor_procfs::{FileId, MappedFile, ProcessSeen, Unseen, unseen};

/// The most programs that are remembered.
const MAX_PROGRAMS: usize = 16_384;
/// The most libraries that are remembered to have TLS that cannot be looked into.
const MAX_LIBRARIES: usize = 4_096;
/// A program without processes is forgotten after this time: another file may have its inode number by then.
const FORGET_AFTER: Duration = Duration::from_mins(10);

/// Programs, and the processes that run them.
pub(super) struct UnseenTls {
    programs: HashMap<FileId, Program>,
    /// Libraries that the search found to have TLS that cannot be looked into.
    libraries: BoundedMap<FileId, Unseen>,
    /// The program of each process.
    processes: HashMap<u32, FileId>,
    /// How often there was no room for a program.
    beyond: u64,
}

struct Program {
    path: PathBuf,
    /// Its TLS is looked into.
    is_traced: bool,
    /// What the search found to be linked in.
    linked_in: Option<Unseen>,
    /// Who runs it, and which library that cannot be looked into it has mapped.
    users: BTreeMap<u32, (String, Option<Unseen>)>,
    /// Since when no process runs it.
    idle: Option<Instant>,
    /// The log has a line of it.
    is_told: bool,
}

impl UnseenTls {
    pub(super) fn new() -> Self {
        Self {
            programs: HashMap::new(),
            libraries: BoundedMap::new(MAX_LIBRARIES),
            processes: HashMap::new(),
            beyond: 0,
        }
    }

    /// A process was looked at. `is_traced`: the TLS of its program is looked into.
    pub(super) fn seen(&mut self, process: &ProcessSeen, is_traced: bool) {
        self.gone(process.pid);
        let Some(mapped) = process.program() else { return };
        if self.programs.len() >= MAX_PROGRAMS && !self.programs.contains_key(&mapped.file) {
            self.beyond += 1;
            return;
        }
        let found = |mapped: &MappedFile| self.libraries.get(&mapped.file).copied();
        let library = unseen(process).or_else(|| process.mapped.iter().find_map(found));
        let program = self.programs.entry(mapped.file).or_insert_with(|| Program::new(mapped));
        program.idle = None;
        program.is_traced = is_traced;
        program.users.insert(process.pid, (process.command.clone(), library));
        self.processes.insert(process.pid, mapped.file);
        program.tell();
    }

    /// A process has ended, runs another program, or is not to be looked at.
    pub(super) fn gone(&mut self, pid: u32) {
        let program = self.processes.remove(&pid);
        let Some(program) = program.and_then(|file| self.programs.get_mut(&file)) else { return };
        program.users.remove(&pid);
        if program.users.is_empty() {
            program.idle = Some(Instant::now());
        }
    }

    /// What the search has found in a file: TLS, if it cannot be looked into.
    pub(super) fn found(&mut self, mapped: &MappedFile, unseen: Option<Unseen>) {
        match self.programs.get_mut(&mapped.file) {
            Some(program) => {
                program.linked_in = unseen;
                program.tell();
            }
            None => {
                // A process that has it mapped is looked at again.
                if let Some(unseen) = unseen {
                    self.libraries.insert(mapped.file, unseen);
                }
            }
        }
    }

    /// Forgets programs that no process has run for long. Calls `forgotten` for each.
    pub(super) fn turn(&mut self, mut forgotten: impl FnMut(&FileId)) {
        let is_over =
            |program: &Program| program.idle.is_some_and(|idle| idle.elapsed() > FORGET_AFTER);
        self.programs.retain(|file, program| {
            let is_over = is_over(program);
            if is_over {
                forgotten(file);
            }
            !is_over
        });
    }

    /// How often a program was not remembered, for want of room.
    pub(super) fn beyond(&self) -> u64 {
        self.beyond
    }

    /// How many processes there are, by library.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for (.., Unseen { library, .. }) in self.programs.values().flat_map(Program::unseen) {
            *counts.entry(library).or_default() += 1;
        }
        counts
    }
}

impl Program {
    fn new(mapped: &MappedFile) -> Self {
        Self {
            path: mapped.path.clone(),
            is_traced: false,
            linked_in: None,
            users: BTreeMap::new(),
            idle: None,
            is_told: false,
        }
    }

    /// The processes whose TLS cannot be looked into, and what it is.
    fn unseen(&self) -> impl Iterator<Item = (u32, &str, Unseen)> {
        let linked_in = self.linked_in.filter(|_| !self.is_traced);
        self.users.iter().filter_map(move |(pid, (command, library))| {
            Some((*pid, &**command, library.or(linked_in)?))
        })
    }

    /// Writes one line, once: what the agent does not see must not look like nothing.
    fn tell(&mut self) {
        let Some((pid, command, Unseen { what, remedy, .. })) = self.unseen().next() else {
            return;
        };
        if !self.is_told {
            let file = self.path.display();
            let text = "the TLS of this program cannot be seen";
            tracing::warn!(pid, command, %file, library = what, instead = remedy, "{text}");
            self.is_told = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrongdoor_procfs::testing::process;

    const LINKED_IN: Unseen = Unseen { what: "a library", library: "other", remedy: "nothing" };

    fn count(unseen: &UnseenTls) -> u64 {
        unseen.counts().values().sum()
    }

    fn find(unseen: &mut UnseenTls, found: Option<Unseen>) {
        let program = process(1, "edge").mapped.remove(0);
        unseen.found(&program, found);
    }

    #[test]
    fn a_process_counts_as_long_as_it_runs_the_program() {
        let mut unseen = UnseenTls::new();
        for pid in [1, 2] {
            unseen.seen(&process(pid, "edge"), false);
        }
        assert_eq!(count(&unseen), 0);
        find(&mut unseen, Some(LINKED_IN));
        assert_eq!(count(&unseen), 2);
        // Looked at again, as all are now and then.
        unseen.seen(&process(2, "edge"), false);
        assert_eq!(count(&unseen), 2);
        unseen.gone(1);
        assert_eq!(count(&unseen), 1);
        // It runs another program now.
        let mut other = process(2, "other");
        other.mapped.iter_mut().for_each(|mapped| mapped.file.inode += 100);
        unseen.seen(&other, false);
        assert_eq!(count(&unseen), 0);
    }

    #[test]
    fn what_is_traced_is_seen_and_a_library_beside_it_is_not() {
        let mut unseen = UnseenTls::new();
        unseen.seen(&process(1, "edge"), false);
        find(&mut unseen, Some(LINKED_IN));
        unseen.seen(&process(1, "edge"), true);
        assert_eq!(count(&unseen), 0);
        let mut java = process(1, "java");
        java.mapped[1].path = "/usr/lib/jvm/lib/server/libjvm.so".into();
        unseen.seen(&java, true);
        assert_eq!(unseen.counts(), [("jsse", 1)].into());
    }

    #[test]
    fn a_program_is_told_once() {
        let mut unseen = UnseenTls::new();
        unseen.seen(&process(1, "edge"), false);
        let is_told = |unseen: &UnseenTls| unseen.programs.values().all(|program| program.is_told);
        assert!(!is_told(&unseen));
        find(&mut unseen, Some(LINKED_IN));
        assert!(is_told(&unseen));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_counted() {
        let mut unseen = UnseenTls::new();
        for pid in 0..MAX_PROGRAMS as u32 + 3 {
            let mut process = process(pid, "edge");
            process.mapped[0].file.inode = 1_000 + u64::from(pid);
            unseen.seen(&process, false);
        }
        assert_eq!((unseen.programs.len(), unseen.beyond), (MAX_PROGRAMS, 3));
        for pid in 0..MAX_PROGRAMS as u32 {
            unseen.gone(pid);
        }
        assert!(unseen.processes.is_empty());
        let long_ago = Instant::now().checked_sub(FORGET_AFTER * 2);
        for program in unseen.programs.values_mut() {
            program.idle = long_ago;
        }
        unseen.turn(|_| ());
        assert!(unseen.programs.is_empty());
    }
}
