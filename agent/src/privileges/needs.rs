//! What each part of live capture needs.

use super::names;
use rustix::thread::{CapabilitySet, capabilities};

/// A need, and what fails without it.
pub(crate) struct Need {
    /// What is done with it.
    pub(crate) name: &'static str,
    /// Any of these is enough; the narrowest first.
    pub(crate) any_of: &'static [CapabilitySet],
    /// Without it nothing is seen.
    pub(crate) is_essential: bool,
    /// What is not seen without it.
    pub(crate) without: &'static str,
}

/// Attaching uprobes by perf events, on kernels without `uprobe_multi` links: the kernel accepts nothing less.
const PERF_EVENTS: Need = Need {
    name: "attach uprobes",
    any_of: &[CapabilitySet::SYS_ADMIN],
    is_essential: true,
    without: "no uprobe can be attached: this kernel has no uprobe_multi links (Linux 6.6)",
};

/// What live capture does with which capability, on every kernel.
const NEEDS: [Need; 7] = [
    Need {
        name: "load programs",
        any_of: &[CapabilitySet::BPF, CapabilitySet::SYS_ADMIN],
        is_essential: true,
        without: "no program can be loaded into the kernel",
    },
    Need {
        name: "follow calls and sockets",
        any_of: &[CapabilitySet::PERFMON, CapabilitySet::SYS_ADMIN],
        is_essential: true,
        without: "no program can be attached to library calls and sockets",
    },
    Need {
        name: "see handshakes",
        any_of: &[CapabilitySet::NET_ADMIN, CapabilitySet::SYS_ADMIN],
        is_essential: false,
        without: "server names stay unseen, and with them every mismatch",
    },
    Need {
        name: "look at processes",
        any_of: &[CapabilitySet::SYS_PTRACE],
        is_essential: false,
        without: "libraries are found only in processes of the same user",
    },
    Need {
        name: "open what is mapped",
        any_of: &[CapabilitySet::CHECKPOINT_RESTORE, CapabilitySet::SYS_ADMIN],
        is_essential: false,
        without: "libraries that an update has replaced are not found until their users restart",
    },
    Need {
        name: "read files",
        any_of: &[CapabilitySet::DAC_READ_SEARCH, CapabilitySet::DAC_OVERRIDE],
        is_essential: false,
        without: "libraries that only their owner may read are not found",
    },
    Need {
        name: "capture packets",
        any_of: &[CapabilitySet::NET_RAW],
        is_essential: false,
        without: "cleartext HTTP is not seen, and nothing takes the place of probes that do not load",
    },
];

/// What live capture needs on a kernel with or without `uprobe_multi` links.
pub(crate) fn needs(has_uprobe_multi: bool) -> impl Iterator<Item = &'static Need> {
    let perf_events = (!has_uprobe_multi).then_some(&PERF_EVENTS);
    NEEDS.iter().chain(perf_events)
}

/// The names of the capabilities without which nothing is seen, and that this thread lacks.
pub(crate) fn missing(has_uprobe_multi: bool) -> Vec<String> {
    let effective = capabilities(None).map_or(CapabilitySet::empty(), |own| own.effective);
    let lacking =
        needs(has_uprobe_multi).filter(|need| need.is_essential && !need.is_met(effective));
    lacking.flat_map(|need| need.any_of.first().copied().map(names).unwrap_or_default()).collect()
}

impl Need {
    /// Whether any of its capabilities is in a set.
    pub(crate) fn is_met(&self, effective: CapabilitySet) -> bool {
        self.any_of.iter().any(|capability| effective.contains(*capability))
    }
}
