//! What the live source says of itself: where it is attached, what was refused, and what it sees.

use super::family::{Family, LabelText, number};
use super::names::LabelValue;
use crate::ledger::SourceStats;

const ATTACH_HELP: &str = "Seconds from the start of a program to the attachment to its TLS library, where the agent attached anew.";

/// What is lost is in the ledger, and details are for people.
pub(super) fn families(source: &SourceStats) -> [Family; 6] {
    let each = |family: Family, label: &'static str, counts: &[(&'static str, u64)]| {
        let series = counts.iter().map(|(name, count)| ([(label, (*name).into())], number(*count)));
        family.with_all(series)
    };
    let help = "Places to which a kernel program is attached now.";
    let attached = Family::gauge("wrongdoor_probe_attached", help);
    let help = "Programs and attach points that the kernel or a file refused, by reason.";
    let failures = Family::counter("wrongdoor_probe_failures_total", help);
    // A node on which nothing can be seen is not a quiet one.
    let help =
        "Processes that use TLS now, by whether the agent can read their traffic, and by library.";
    let processes = Family::gauge("wrongdoor_tls_processes", help);
    let help = "Open connections that are older than the agent, by program: their requests are not reported.";
    let older = Family::gauge("wrongdoor_older_connections", help);
    let help = "TLS sessions that were joined with their sockets, by the result of a second check.";
    let joins = Family::counter("wrongdoor_joins_total", help);
    [
        each(attached, "program", &source.attached),
        failures.with_all(source.failures.iter().map(|(program, reason, count)| {
            ([("program", (*program).into()), ("reason", (*reason).into())], number(*count))
        })),
        processes.with_all(source.tls_processes.iter().map(|(visibility, library, count)| {
            let labels = [("visibility", (*visibility).into()), ("library", (*library).into())];
            (labels, number(*count))
        })),
        older.with_all(source.older.iter().map(|(command, count)| {
            ([("command", LabelText::Name(LabelValue::from(&**command)))], number(*count))
        })),
        each(joins, "result", &source.joins),
        Family::times("wrongdoor_attach_seconds", ATTACH_HELP, &source.attach_times),
    ]
}
