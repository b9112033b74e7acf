//! What runs, and whose TLS cannot be looked into.

use super::report::{Area, Finding, UnseenReport};
use super::system::System;
use crate::capture::processes::{Scan, Scanner, unseen};
use std::time::Instant;

/// The number of the pid namespace that the kernel begins with: fixed in all of them.
const FIRST_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

pub(super) fn findings(system: &System, now: Instant) -> (Vec<Finding>, Vec<UnseenReport>) {
    let scan = Scanner::new(&system.proc).scan_all(now);
    let mut users: Vec<_> = scan
        .seen
        .iter()
        .filter_map(|process| {
            let unseen = unseen(process)?;
            Some(UnseenReport {
                pid: process.pid,
                command: process.command.clone(),
                what: unseen.what.to_owned(),
                remedy: unseen.remedy.to_owned(),
            })
        })
        .collect();
    users.sort_unstable_by_key(|user| user.pid);
    (vec![view(system), readable(&scan)], users)
}

fn view(system: &System) -> Finding {
    const NAME: &str = "visible";
    match system.namespace("pid") {
        Some(FIRST_PID_NAMESPACE) => Finding::ok(Area::Processes, NAME, "all of the machine"),
        _ => Finding::degraded(
            Area::Processes,
            NAME,
            "only those of this container",
            "run in the machine's pid namespace (hostPID: true)",
        ),
    }
}

fn readable(scan: &Scan) -> Finding {
    const NAME: &str = "readable";
    let Scan { running, forbidden, beyond, deferred, .. } = scan;
    let left_out = beyond.saturating_add(*deferred);
    if left_out > 0 {
        let detail = format!("{left_out} of {running} are too many to look at at once");
        let remedy = "`wrongdoor run` looks at them in turn";
        return Finding::degraded(Area::Processes, NAME, detail, remedy);
    }
    if *forbidden == 0 {
        return Finding::ok(Area::Processes, NAME, format!("all of {running}"));
    }
    let detail = format!("{forbidden} of {running} may not be looked at");
    let remedy = "grant CAP_SYS_PTRACE; what has more privileges than this process, as pid 1 may, stays closed";
    Finding::degraded(Area::Processes, NAME, detail, remedy)
}
