//! What this process may do, given up as soon as it is not needed any more.
//!
//! Capabilities belong to threads, and a new thread has those of the one that starts it.

use rustix::io;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs,
};

/// For attaching to libraries that are found later: new ones come at any time.
pub(crate) const TRACING: CapabilitySet = CapabilitySet::BPF
    .union(CapabilitySet::PERFMON)
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::CHECKPOINT_RESTORE)
    .union(CapabilitySet::DAC_READ_SEARCH);
/// The same where uprobes attach by perf events.
pub(crate) const TRACING_BY_PERF_EVENTS: CapabilitySet = TRACING.union(CapabilitySet::SYS_ADMIN);
/// For reading the kernel side's tables: either, for kernels before 5.19 ask for one of them.
pub(crate) const READING: [CapabilitySet; 2] = [CapabilitySet::BPF, CapabilitySet::SYS_ADMIN];
/// For everything else.
pub(crate) const NOTHING: CapabilitySet = CapabilitySet::empty();

/// The names, by number.
pub(crate) const NAMES: [&str; 41] = [
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

/// The names of the capabilities in a set.
pub(crate) fn names(set: u64) -> Vec<&'static str> {
    let is_in = |number: usize| set.checked_shr(number as u32).is_some_and(|rest| rest & 1 == 1);
    NAMES.iter().enumerate().filter(|(number, _)| is_in(*number)).map(|(_, name)| *name).collect()
}

/// Gives up all but the first of these that this thread has.
pub(crate) fn keep_one_of(any: &[CapabilitySet], who: &'static str) {
    let permitted = capabilities(None).map_or(NOTHING, |own| own.permitted);
    let first = any.iter().find(|set| permitted.contains(**set));
    keep(first.copied().unwrap_or(NOTHING), who);
}

/// Gives up all that this thread may do but `kept`, and for the process's life the ways to get it back.
pub(crate) fn keep(kept: CapabilitySet, who: &'static str) {
    match try_keep(kept) {
        Ok(left) => tracing::debug!(who, kept = ?names(left.bits()), "privileges given up"),
        Err(error) => tracing::warn!(who, "privileges cannot be given up: {error}"),
    }
}

fn try_keep(kept: CapabilitySet) -> io::Result<CapabilitySet> {
    // What it runs gets no more by being set-user-id or by having capabilities in its file; it runs nothing.
    set_no_new_privs(true)?;
    let own = capabilities(None)?;
    if own.effective.contains(CapabilitySet::SETPCAP) {
        let each = (0..NAMES.len()).map(|number| CapabilitySet::from_bits_retain(1 << number));
        for capability in each.filter(|capability| !kept.contains(*capability)) {
            // Older kernels know fewer.
            if capability_is_in_bounding_set(capability).unwrap_or(false) {
                remove_capability_from_bounding_set(capability)?;
            }
        }
    }
    clear_ambient_capability_set()?;
    let left = own.permitted & kept;
    let sets = CapabilitySets { effective: left, permitted: left, inheritable: NOTHING };
    set_capabilities(None, sets)?;
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_decoded() {
        assert_eq!(names(0), [""; 0]);
        assert_eq!(names(1 << 39 | 1 << 38 | 1), ["CAP_CHOWN", "CAP_PERFMON", "CAP_BPF"]);
        assert_eq!(names(u64::MAX), NAMES);
    }

    #[test]
    fn a_thread_keeps_what_it_says_and_others_keep_theirs() {
        let before = capabilities(None).unwrap();
        let left = std::thread::spawn(|| {
            try_keep(CapabilitySet::BPF).unwrap();
            capabilities(None).unwrap()
        });
        let left = left.join().unwrap();
        assert_eq!(left.permitted, before.permitted & CapabilitySet::BPF);
        assert_eq!((left.effective, left.inheritable), (left.permitted, NOTHING));
        assert_eq!(capabilities(None).unwrap().permitted, before.permitted);
    }
}
