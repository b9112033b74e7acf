//! The kernel's release, and what follows from it.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

/// The first kernel with `uprobe_multi` links.
const UPROBE_MULTI: KernelRelease = KernelRelease { major: 6, minor: 6 };
/// These kernels kill a program under a seccomp filter that does not know the system call of uretprobes (systemd issue
/// 34615). Earlier ones have no such call, and later ones let it pass.
const DEADLY_URETPROBES: RangeInclusive<KernelRelease> =
    KernelRelease { major: 6, minor: 11 }..=KernelRelease { major: 6, minor: 13 };

/// The first two numbers of a release: `6.18.44-x` is 6.18.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KernelRelease {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl KernelRelease {
    /// The running kernel's, if `proc` shows it.
    pub(crate) fn read(proc: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(proc.join("sys/kernel/osrelease")).ok()?)
    }

    pub(crate) fn parse(release: &str) -> Option<Self> {
        let mut parts = release.split(|c: char| !c.is_ascii_digit());
        Some(Self { major: parts.next()?.parse().ok()?, minor: parts.next()?.parse().ok()? })
    }

    /// Whether uprobes attach without `CAP_SYS_ADMIN`.
    pub(crate) fn has_uprobe_multi(self) -> bool {
        self >= UPROBE_MULTI
    }

    /// Whether a uretprobe can kill the program that it is in.
    pub(crate) fn has_deadly_uretprobes(self) -> bool {
        DEADLY_URETPROBES.contains(&self)
    }
}
