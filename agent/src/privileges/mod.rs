//! What this process may do, given up as soon as it is not needed any more.
//!
//! Capabilities belong to threads, and a new thread has those of the one that starts it.

mod needs;

pub(crate) use needs::{Need, missing, needs};

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

/// The names of the capabilities in a set; those that have none here are left out.
pub(crate) fn names(set: CapabilitySet) -> Vec<String> {
    set.iter_names().map(|(name, _)| format!("CAP_{name}")).collect()
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
        Ok(left) => tracing::debug!(who, kept = names(left).join(" "), "privileges dropped"),
        Err(error) => tracing::warn!(who, "cannot drop privileges: {error}"),
    }
}

fn try_keep(kept: CapabilitySet) -> io::Result<CapabilitySet> {
    // What it runs gets no more by being set-user-id or by having capabilities in its file; it runs nothing.
    set_no_new_privs(true)?;
    let own = capabilities(None)?;
    if own.effective.contains(CapabilitySet::SETPCAP) {
        for capability in
            CapabilitySet::all().iter().filter(|capability| !kept.contains(*capability))
        {
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
        assert_eq!(names(NOTHING), [""; 0]);
        let set = CapabilitySet::from_bits_retain(1 << 39 | 1 << 38 | 1);
        assert_eq!(names(set), ["CAP_CHOWN", "CAP_PERFMON", "CAP_BPF"]);
        // Linux 5.9 added the last one so far, CAP_CHECKPOINT_RESTORE.
        assert_eq!(names(CapabilitySet::from_bits_retain(u64::MAX)).len(), 41);
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
