//! What this process may do, and what of that live capture lacks.

use super::report::{Area, Check, State};
use super::system::System;
use crate::kernel_release::KernelRelease;
use crate::privileges::{Need, names, needs};
use rustix::thread::CapabilitySet;

pub(super) fn findings(system: &System) -> Vec<Check> {
    let status = system.proc("self/status").unwrap_or_default();
    let mut findings = match effective(system) {
        Some(effective) => {
            let release = KernelRelease::read(&system.proc);
            let has_uprobe_multi = release.is_some_and(KernelRelease::has_uprobe_multi);
            needs(has_uprobe_multi).map(|need| finding(need, effective)).collect()
        }
        None => vec![Check::degraded(
            Area::Privileges,
            "capabilities",
            "/proc/self/status lists none",
            "mount /proc",
        )],
    };
    findings.push(filter(field(&status, "Seccomp")));
    findings
}

/// Whether this process has a capability.
pub(super) fn has(system: &System, capability: CapabilitySet) -> bool {
    effective(system).is_some_and(|effective| effective.contains(capability))
}

fn effective(system: &System) -> Option<CapabilitySet> {
    let status = system.proc("self/status")?;
    let bits = u64::from_str_radix(field(&status, "CapEff")?, 16).ok()?;
    Some(CapabilitySet::from_bits_retain(bits))
}

/// A filter on ourselves, as container runtimes set it, may refuse what the capabilities allow.
fn filter(mode: Option<&str>) -> Check {
    match mode {
        Some("0") | None => Check::ok(Area::Privileges, "system calls", "no filter"),
        Some(_) => Check::degraded(
            Area::Privileges,
            "system calls",
            "a seccomp filter is active on this process and may refuse system calls",
            "allow bpf, openat2 and, before Linux 6.6, perf_event_open; or run without (seccompProfile: Unconfined)",
        ),
    }
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}

fn finding(need: &Need, effective: CapabilitySet) -> Check {
    let name = |capability: CapabilitySet| names(capability).join(" and ");
    if let Some(met) = need.any_of.iter().find(|capability| effective.contains(**capability)) {
        return Check::ok(Area::Privileges, need.name, name(*met));
    }
    let any_of: Vec<_> = need.any_of.iter().map(|capability| name(*capability)).collect();
    let remedy = format!("run as root, or grant {}", any_of.join(" or "));
    let state = if need.is_essential { State::Missing } else { State::Degraded };
    Check { state, ..Check::degraded(Area::Privileges, need.name, need.without, &remedy) }
}
