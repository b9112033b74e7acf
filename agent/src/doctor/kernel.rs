//! What the kernel is and how it is set.

use super::report::{Area, Check};
use super::system::System;
use crate::kernel_release::KernelRelease;

/// The oldest kernel that has what the probes use.
const OLDEST: KernelRelease = KernelRelease { major: 5, minor: 15 };

pub(super) fn findings(system: &System) -> Vec<Check> {
    let release = system.proc("sys/kernel/osrelease");
    let version = release.as_deref().and_then(KernelRelease::parse);
    let release = release.unwrap_or_else(|| "not known".to_owned());
    vec![
        age(&release, version),
        types(system),
        lockdown(system.sys("kernel/security/lockdown").as_deref()),
        returns(version),
        setting(system, "unprivileged BPF", "unprivileged_bpf_disabled"),
        setting(system, "perf events", "perf_event_paranoid"),
        encryption(system.proc("net/tls_stat").as_deref()),
    ]
}

fn age(release: &str, version: Option<KernelRelease>) -> Check {
    match version {
        Some(version) if version >= OLDEST => Check::ok(Area::Kernel, "release", release),
        Some(_) => {
            let detail = format!("{release} is too old");
            Check::missing(Area::Kernel, "release", detail, "run Linux 5.15 or newer")
        }
        None => Check::degraded(Area::Kernel, "release", release, "mount /proc"),
    }
}

fn types(system: &System) -> Check {
    match system.sys_opens("kernel/btf/vmlinux") {
        Ok(()) => Check::ok(Area::Kernel, "type information", "/sys/kernel/btf/vmlinux"),
        Err(error) => Check::missing(
            Area::Kernel,
            "type information",
            format!("/sys/kernel/btf/vmlinux: {error}"),
            "run a kernel with CONFIG_DEBUG_INFO_BTF, and mount /sys",
        ),
    }
}

/// `none [integrity] confidentiality`
fn lockdown(text: Option<&str>) -> Check {
    let mode = text.and_then(|text| Some(text.split_once('[')?.1.split_once(']')?.0));
    match mode {
        None => Check::ok(Area::Kernel, "lockdown", "not known: not in /sys/kernel/security"),
        Some("confidentiality") => Check::degraded(
            Area::Kernel,
            "lockdown",
            "confidentiality: programs may not read the kernel's memory",
            "boot with lockdown=integrity",
        ),
        Some(mode) => Check::ok(Area::Kernel, "lockdown", mode),
    }
}

fn returns(version: Option<KernelRelease>) -> Check {
    match version {
        Some(version) if version.has_deadly_uretprobes() => Check::degraded(
            Area::Kernel,
            "return probes",
            "not set: on kernels 6.11 to 6.13 they kill processes under a seccomp filter",
            "run a newer kernel",
        ),
        Some(_) => Check::ok(Area::Kernel, "return probes", "safe with seccomp filters"),
        None => Check::ok(Area::Kernel, "return probes", "not known"),
    }
}

/// They bind only processes without CAP_BPF and CAP_PERFMON: told because somebody will ask.
fn setting(system: &System, name: &'static str, file: &str) -> Check {
    let value = system.proc(&format!("sys/kernel/{file}"));
    let value = value.unwrap_or_else(|| "not there".to_owned());
    Check::ok(Area::Kernel, name, format!("kernel.{file} = {value}"))
}

/// Connections that the kernel itself encrypts, in this network namespace.
fn encryption(statistics: Option<&str>) -> Check {
    let current: u64 = statistics
        .unwrap_or_default()
        .lines()
        .filter_map(|line| {
            line.strip_prefix("TlsCurr")?.split_ascii_whitespace().nth(1)?.parse().ok()
        })
        .fold(0, u64::saturating_add);
    let detail = match current {
        0 => "not in use",
        _ => "in use; visible if OpenSSL or GnuTLS set it up, not if a program did",
    };
    Check::ok(Area::Kernel, "Kernel TLS", detail)
}

#[cfg(test)]
mod tests {
    use super::super::report::State;
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        for (release, expected) in [
            ("6.18.44-fc-v595", State::Ok),
            ("5.15.0-91-generic", State::Ok),
            ("6.1-rc1", State::Ok),
            ("5.9.0", State::Missing),
            ("4.19", State::Missing),
            ("six", State::Degraded),
            ("", State::Degraded),
            ("99999999999.1", State::Degraded),
        ] {
            assert_eq!(age(release, KernelRelease::parse(release)).state, expected, "{release}");
        }
        for (release, expected) in [
            ("6.10.9", State::Ok),
            ("6.11.0", State::Degraded),
            ("6.13.7", State::Degraded),
            ("6.14.0", State::Ok),
        ] {
            assert_eq!(returns(KernelRelease::parse(release)).state, expected, "{release}");
        }
    }

    #[test]
    fn lockdown_is_the_mode_in_brackets() {
        assert_eq!(lockdown(Some("none [integrity] confidentiality")).detail, "integrity");
        assert_eq!(lockdown(Some("none integrity [confidentiality]")).state, State::Degraded);
        assert!(lockdown(None).detail.starts_with("not known"));
        assert!(lockdown(Some("]x[")).detail.starts_with("not known"));
    }

    #[test]
    fn the_kernel_s_own_tls_is_counted() {
        assert_eq!(encryption(None).detail, "not in use");
        let idle = "TlsCurrTxSw                     \t0\nTlsTxSw                         \t7\n";
        assert_eq!(encryption(Some(idle)).detail, "not in use");
        assert!(encryption(Some("TlsCurrRxSw \t2\n")).detail.starts_with("in use"));
    }
}
