//! What is mounted, and what of the machine is visible from here.

use super::report::{Area, Check};
use super::system::System;
use wrongdoor_procfs::mounts::{self, Mount};

/// The numbers of the namespaces that the kernel begins with: fixed in all of them.
const FIRST_CGROUP_NAMESPACE: u64 = 0xEFFF_FFFB;

pub(super) fn findings(system: &System) -> Vec<Check> {
    let text = system.proc("self/mountinfo").unwrap_or_default();
    let mounts: Vec<Mount> = mounts::parse(text.as_bytes()).collect();
    let sees_all_groups = system.namespace("cgroup") == Some(FIRST_CGROUP_NAMESPACE);
    vec![
        groups(&mounts, sees_all_groups),
        optional(&mounts, "tracefs", "tracefs"),
        optional(&mounts, "bpffs", "bpf"),
    ]
}

/// On unified machines it is where control groups are expected; on hybrid ones a folder beside the others.
fn groups(mounts: &[Mount], sees_all: bool) -> Check {
    const NAME: &str = "cgroup2";
    let mut found = mounts.iter().filter(|mount| mount.kind == "cgroup2").peekable();
    if found.peek().is_none() {
        return Check::degraded(
            Area::Mounts,
            NAME,
            "not mounted: handshakes are not visible, so SNI stays unknown",
            "mount -t cgroup2 none /sys/fs/cgroup/unified",
        );
    }
    match found.find(|mount| mount.is_whole(sees_all)) {
        Some(mount) => Check::ok(Area::Mounts, NAME, mount.point.to_string_lossy()),
        None => Check::degraded(
            Area::Mounts,
            NAME,
            "only this container's cgroup is mounted: handshakes of other containers are not visible",
            "mount the node's /sys/fs/cgroup into the container (hostPath)",
        ),
    }
}

fn optional(mounts: &[Mount], name: &'static str, kind: &str) -> Check {
    let detail = match mounts.iter().find(|mount| mount.kind == kind) {
        Some(mount) => mount.point.to_string_lossy().into_owned(),
        None => "not mounted, and not needed".to_owned(),
    };
    Check::ok(Area::Mounts, name, detail)
}

#[cfg(test)]
mod tests {
    use super::super::report::State;
    use super::*;

    #[test]
    fn control_groups_are_found_on_all_kinds_of_machines() {
        let unified = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let hybrid = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
                      35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let bound = "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n\
                     31 23 0:26 /../../.. /host/cgroup ro - cgroup2 cgroup rw\n";
        for (text, sees_all, expected) in [
            (unified, true, "/sys/fs/cgroup"),
            (hybrid, true, "/sys/fs/cgroup/unified"),
            (bound, false, "/host/cgroup"),
        ] {
            let mounts: Vec<_> = mounts::parse(text.as_bytes()).collect();
            let finding = groups(&mounts, sees_all);
            assert_eq!((finding.state, finding.detail.as_str()), (State::Ok, expected));
        }
        for (text, sees_all) in [(unified, false), ("", true)] {
            let mounts: Vec<_> = mounts::parse(text.as_bytes()).collect();
            assert_eq!(groups(&mounts, sees_all).state, State::Degraded);
        }
    }
}
