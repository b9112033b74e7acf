//! The report for people. The last line says what it comes to.

use super::report::{Check, Condition, DoctorReport, ProgramReport, State, UnseenReport};
use crate::capture::ebpf::LibraryReport;
use crate::text::{Tone, grid, sanitize};

/// The most users or attach points that are listed for one row; the rest is counted.
const MAX_NAMED: usize = 3;

/// The whole text.
pub(crate) fn table(report: &DoctorReport, colour: bool) -> String {
    let findings: Vec<_> = report.findings.iter().map(finding).collect();
    let programs: Vec<_> = report.live.programs.iter().map(program).collect();
    let libraries: Vec<_> = report.live.libraries.iter().map(library).collect();
    let unseen: Vec<_> = report.unseen.iter().map(unseen).collect();
    let sections = [
        ("This machine", grid(["state", "what", "found"], &findings, colour)),
        ("eBPF programs", grid(["state", "program", "places", "found"], &programs, colour)),
        (
            "TLS libraries in use",
            grid(["state", "library", "kind", "users", "found"], &libraries, colour),
        ),
        (
            "TLS that the agent cannot read",
            grid(["pid", "command", "TLS", "remedy"], &unseen, colour),
        ),
    ];
    let mut text = String::new();
    for (title, section) in sections {
        if !section.is_empty() {
            text.push_str(&format!("{title}\n{section}\n"));
        }
    }
    text.push_str(verdict(report));
    text.push('\n');
    text
}

fn verdict(report: &DoctorReport) -> &'static str {
    match report.condition() {
        Condition::Works => "Live capture works.",
        Condition::Partly if report.only_lacks_processes() => {
            "Live capture works, except for the processes that the agent cannot read."
        }
        Condition::Partly => "Live capture works in part: see what is degraded or missing.",
        Condition::Unprivileged => "Live capture needs more privileges: see what is missing.",
        Condition::Unavailable => "Live capture cannot work here: see what is missing.",
    }
}

fn finding(finding: &Check) -> (Tone, [String; 3]) {
    let name = format!("{}: {}", finding.area.as_str(), finding.name);
    let found = with_remedy(harmless_line(&finding.detail), finding.remedy.as_deref());
    (tone(finding.state), [finding.state.as_str().to_owned(), name, found])
}

fn program(report: &ProgramReport) -> (Tone, [String; 4]) {
    let state = match &report.loaded {
        _ if report.is_whole() => State::Ok,
        Err(_) => State::Missing,
        Ok(()) => State::Degraded,
    };
    let mut found = report.purpose.clone();
    if let Some(stand_in) = report.stand_in {
        found = format!("{found}\nnot in this kernel: {stand_in} stands in");
    } else if let Err(error) = &report.loaded {
        found = format!("{found}\nrefused: {}", harmless_line(error));
    }
    let remedy = report.remedy.as_deref().filter(|_| state != State::Ok);
    let places = report.attached.to_string();
    let name = sanitize(&report.program);
    (tone(state), [state.as_str().to_owned(), name, places, with_remedy(found, remedy)])
}

fn library(report: &LibraryReport) -> (Tone, [String; 5]) {
    let state = if report.is_whole() { State::Ok } else { State::Degraded };
    let mut found = match &report.refused {
        Some(reason) => format!("not looked into: {}", harmless_line(reason)),
        None => format!("{} uprobes", report.attach_points),
    };
    if !report.missing.is_empty() {
        let names = report.missing.iter().map(|name| sanitize(name));
        found = with_more(format!("{found}; not found:"), names, report.missing.len());
    }
    let users = report.users.iter().map(|(pid, command)| format!("{} {pid}", sanitize(command)));
    let users = with_more(String::new(), users, report.users.len());
    let kind = match &report.version {
        // Whether there is TLS in it at all is not known.
        _ if report.refused.is_some() => "not known".to_owned(),
        Some(version) => sanitize(&format!("{} {version}", report.kind)),
        None => sanitize(&report.kind),
    };
    let path = sanitize(&report.path);
    (tone(state), [state.as_str().to_owned(), path, kind, users, found])
}

fn unseen(report: &UnseenReport) -> (Tone, [String; 4]) {
    let UnseenReport { pid, command, what, remedy } = report;
    (Tone::Warning, [pid.to_string(), sanitize(command), what.clone(), remedy.clone()])
}

fn tone(state: State) -> Tone {
    match state {
        State::Ok => Tone::Good,
        State::Degraded => Tone::Warning,
        State::Missing => Tone::Bad,
    }
}

fn with_remedy(text: String, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => format!("{text}\n-> {remedy}"),
        None => text,
    }
}

/// The first of `more`, each on a line of its own, and how many are left out.
fn with_more(text: String, more: impl Iterator<Item = String>, count: usize) -> String {
    let mut lines = vec![text];
    lines.extend(more.take(MAX_NAMED));
    if let Some(rest @ 1..) = count.checked_sub(MAX_NAMED) {
        lines.push(format!("and {rest} more"));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// What the operating system said, whole, for it is wrapped: but it may quote a name.
fn harmless_line(text: &str) -> String {
    text.chars().take(400).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
