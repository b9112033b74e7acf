//! What this process may do, and what each part of live capture needs.

use super::kernel;
use super::report::{Area, Finding, State};
use super::system::System;
use crate::privileges::names;

/// A need, and what fails without it.
struct Need {
    /// What is done with it.
    name: &'static str,
    /// Any of these is enough; the narrowest first.
    any_of: &'static [&'static str],
    /// Without it nothing is seen.
    is_essential: bool,
    /// What is not seen without it.
    without: &'static str,
}

/// Attaching uprobes by perf events, on kernels without `uprobe_multi` links: the kernel accepts nothing less.
const PERF_EVENTS: Need = Need {
    name: "attach uprobes",
    any_of: &["CAP_SYS_ADMIN"],
    is_essential: true,
    without: "no uprobe can be attached: this kernel has no uprobe_multi links (Linux 6.6)",
};

/// What live capture does with which capability, on every kernel.
const NEEDS: [Need; 7] = [
    Need {
        name: "load programs",
        any_of: &["CAP_BPF", "CAP_SYS_ADMIN"],
        is_essential: true,
        without: "no program can be loaded into the kernel",
    },
    Need {
        name: "follow calls and sockets",
        any_of: &["CAP_PERFMON", "CAP_SYS_ADMIN"],
        is_essential: true,
        without: "no program can be attached to library calls and sockets",
    },
    Need {
        name: "see handshakes",
        any_of: &["CAP_NET_ADMIN", "CAP_SYS_ADMIN"],
        is_essential: false,
        without: "server names stay unseen, and with them every mismatch",
    },
    Need {
        name: "look at processes",
        any_of: &["CAP_SYS_PTRACE"],
        is_essential: false,
        without: "libraries are found only in processes of the same user",
    },
    Need {
        name: "open what is mapped",
        any_of: &["CAP_CHECKPOINT_RESTORE", "CAP_SYS_ADMIN"],
        is_essential: false,
        without: "libraries that an update has replaced are not found until their users restart",
    },
    Need {
        name: "read files",
        any_of: &["CAP_DAC_READ_SEARCH", "CAP_DAC_OVERRIDE"],
        is_essential: false,
        without: "libraries that only their owner may read are not found",
    },
    Need {
        name: "capture packets",
        any_of: &["CAP_NET_RAW"],
        is_essential: false,
        without: "cleartext HTTP is not seen, and nothing takes the place of probes that do not load",
    },
];

pub(super) fn findings(system: &System) -> Vec<Finding> {
    let status = system.proc("self/status").unwrap_or_default();
    let mut findings = match effective(system) {
        Some(effective) => needs(system).map(|need| need.judge(&effective)).collect(),
        None => vec![Finding::degraded(
            Area::Privileges,
            "capabilities",
            "/proc/self/status tells none",
            "mount /proc",
        )],
    };
    findings.push(filter(field(&status, "Seccomp")));
    findings
}

/// The capabilities without which nothing is seen, and that this process lacks.
pub(super) fn missing(system: &System) -> Vec<&'static str> {
    let effective = effective(system).unwrap_or_default();
    let has = |need: &&Need| need.any_of.iter().any(|name| effective.contains(name));
    let lacking = needs(system).filter(|need| need.is_essential && !has(need));
    lacking.filter_map(|need| need.any_of.first().copied()).collect()
}

/// What live capture needs on this kernel.
fn needs(system: &System) -> impl Iterator<Item = &'static Need> {
    let perf_events = (!kernel::has_uprobe_multi(system)).then_some(&PERF_EVENTS);
    NEEDS.iter().chain(perf_events)
}

/// Whether this process has a capability.
pub(super) fn has(system: &System, name: &str) -> bool {
    effective(system).is_some_and(|effective| effective.contains(&name))
}

fn effective(system: &System) -> Option<Vec<&'static str>> {
    let status = system.proc("self/status")?;
    Some(names(u64::from_str_radix(field(&status, "CapEff")?, 16).ok()?))
}

/// A filter on ourselves, as container runtimes set it, may refuse what the capabilities allow.
fn filter(mode: Option<&str>) -> Finding {
    match mode {
        Some("0") | None => Finding::ok(Area::Privileges, "system calls", "no filter"),
        Some(_) => Finding::degraded(
            Area::Privileges,
            "system calls",
            "a seccomp filter is on this process, and may refuse some",
            "allow bpf, openat2 and, before Linux 6.6, perf_event_open; or run without (seccompProfile: Unconfined)",
        ),
    }
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}

// === impl Need ===

impl Need {
    fn judge(&self, effective: &[&str]) -> Finding {
        if let Some(name) = self.any_of.iter().find(|name| effective.contains(name)) {
            return Finding::ok(Area::Privileges, self.name, *name);
        }
        let remedy = format!("run as root, or grant {}", self.any_of.join(" or "));
        let state = if self.is_essential { State::Missing } else { State::Degraded };
        let detail = self.without;
        Finding { state, ..Finding::degraded(Area::Privileges, self.name, detail, &remedy) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privileges::NAMES;

    #[test]
    fn needs_name_capabilities_that_there_are() {
        for name in NEEDS.iter().chain([&PERF_EVENTS]).flat_map(|need| need.any_of) {
            assert!(NAMES.contains(name), "{name}");
        }
    }
}
