//! What this process may do, and what each part of live capture needs.

use super::report::{Area, Finding, State};
use super::system::System;

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

/// What live capture does with which capability.
const NEEDS: [Need; 6] = [
    Need {
        name: "load programs",
        any_of: &["CAP_BPF", "CAP_SYS_ADMIN"],
        is_essential: true,
        without: "no program can be loaded into the kernel",
    },
    Need {
        name: "trap libraries",
        any_of: &["CAP_PERFMON", "CAP_SYS_ADMIN"],
        is_essential: true,
        without: "no library can be trapped, no socket be followed",
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
];

/// The names, by number.
const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

pub(super) fn findings(system: &System) -> Vec<Finding> {
    let status = system.proc("self/status").unwrap_or_default();
    let mut findings =
        match field(&status, "CapEff").and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            Some(effective) => NEEDS.iter().map(|need| need.judge(&decode(effective))).collect(),
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

/// The names of the capabilities in a set.
fn decode(set: u64) -> Vec<&'static str> {
    let is_in = |number: usize| set.checked_shr(number as u32).is_some_and(|rest| rest & 1 == 1);
    NAMES.iter().enumerate().filter(|(number, _)| is_in(*number)).map(|(_, name)| *name).collect()
}

/// A filter on ourselves, as container runtimes set it, may refuse what the capabilities allow.
fn filter(mode: Option<&str>) -> Finding {
    match mode {
        Some("0") | None => Finding::ok(Area::Privileges, "system calls", "no filter"),
        Some(_) => Finding::degraded(
            Area::Privileges,
            "system calls",
            "a seccomp filter is on this process, and may refuse some",
            "let it pass bpf, perf_event_open and openat2, or run without (seccompProfile: Unconfined)",
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

    #[test]
    fn sets_are_decoded() {
        assert_eq!(decode(0), [""; 0]);
        assert_eq!(decode(1 << 39 | 1 << 38 | 1), ["CAP_CHOWN", "CAP_PERFMON", "CAP_BPF"]);
        assert_eq!(decode(u64::MAX), NAMES);
    }

    #[test]
    fn needs_name_capabilities_that_there_are() {
        for name in NEEDS.iter().flat_map(|need| need.any_of) {
            assert!(NAMES.contains(name), "{name}");
        }
    }
}
