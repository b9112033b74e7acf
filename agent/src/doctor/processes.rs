//! What runs, and whose TLS cannot be looked into.

use super::capabilities;
use super::report::{Area, Check, UnseenReport};
use super::system::System;
use rustix::thread::CapabilitySet;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;
use wrongdoor_procfs::{FileId, ProcessSeen, Scan, Scanner, Unseen, linked_in, searchable, unseen};

/// The number of the pid namespace that the kernel begins with: fixed in all of them.
const FIRST_PID_NAMESPACE: u64 = 0xEFFF_FFFC;
/// The most that is searched of all programs together; a second or two.
const MAX_SEARCHED: u64 = 2 << 30;

/// `traced` is not searched: its TLS is seen.
pub(super) fn findings(
    system: &System,
    traced: &HashSet<FileId>,
    now: Instant,
) -> (Vec<Check>, Vec<UnseenReport>) {
    let scan = Scanner::new(&system.proc).scan_all(now);
    let mut programs = Programs { system, traced, known: HashMap::new(), left: MAX_SEARCHED };
    let mut users: Vec<_> = scan
        .seen
        .iter()
        // The TLS of an agent that runs, with which it serves metrics and sends traces, is not what it watches.
        .filter(|process| !runs_this_program(&system.proc, process.pid))
        .filter_map(|process| {
            let unseen = unseen(process).or_else(|| programs.search(process))?;
            Some(UnseenReport {
                pid: process.pid,
                command: process.command.clone(),
                what: unseen.what.to_owned(),
                remedy: unseen.remedy.to_owned(),
            })
        })
        .collect();
    users.sort_unstable_by_key(|user| user.pid);
    let may_look = capabilities::has(system, CapabilitySet::SYS_PTRACE);
    (vec![view(system), readable(&scan, may_look)], users)
}

/// Whether a process runs the same file as this one.
fn runs_this_program(proc: &Path, pid: u32) -> bool {
    let file = |process: &str| {
        let file = fs::metadata(proc.join(process).join("exe")).ok()?;
        Some((file.dev(), file.ino()))
    };
    file(&pid.to_string()).is_some_and(|other| Some(other) == file("self"))
}

/// Programs with TLS linked in that cannot be seen: each is searched once, however many processes run it.
struct Programs<'a> {
    system: &'a System,
    traced: &'a HashSet<FileId>,
    known: HashMap<FileId, Option<Unseen>>,
    left: u64,
}

impl Programs<'_> {
    fn search(&mut self, process: &ProcessSeen) -> Option<Unseen> {
        let program = process.program()?;
        if self.traced.contains(&program.file) {
            return None;
        }
        if let Some(known) = self.known.get(&program.file) {
            return *known;
        }
        // What cannot be opened or read is told of elsewhere.
        let opened = searchable(&self.system.proc, process.pid, program).ok().flatten();
        let found = opened.filter(|(_, length)| *length <= self.left).and_then(|(file, length)| {
            self.left -= length;
            linked_in(file).ok().flatten()
        });
        self.known.insert(program.file, found);
        found
    }
}

fn view(system: &System) -> Check {
    const NAME: &str = "visible";
    match system.namespace("pid") {
        Some(FIRST_PID_NAMESPACE) => Check::ok(Area::Processes, NAME, "all processes of the node"),
        _ => Check::degraded(
            Area::Processes,
            NAME,
            "only the processes of this container",
            "run in the node's PID namespace (hostPID: true)",
        ),
    }
}

fn readable(scan: &Scan, may_look: bool) -> Check {
    const NAME: &str = "readable";
    let Scan { running, forbidden, beyond, deferred, .. } = scan;
    let left_out = beyond.saturating_add(*deferred);
    if left_out > 0 {
        let detail = format!("{left_out} of {running} processes are not examined at once");
        let remedy = "`wrongdoor run` looks at them in turn";
        return Check::degraded(Area::Processes, NAME, detail, remedy);
    }
    if *forbidden == 0 {
        return Check::ok(Area::Processes, NAME, format!("{running} processes"));
    }
    if may_look {
        // As pid 1 of a machine whose owner keeps some for it alone. Nothing can be granted.
        let detail = format!(
            "{running} processes, except {forbidden} that have more privileges than this one"
        );
        return Check::ok(Area::Processes, NAME, detail);
    }
    let detail = format!("{forbidden} of {running} processes cannot be examined");
    Check::degraded(Area::Processes, NAME, detail, "grant CAP_SYS_PTRACE")
}
