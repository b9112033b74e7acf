//! The loss ledger: what each stage saw, and what it lost.

use crate::time_histogram::TimeHistogram;
use std::fmt;
use strum::{EnumIter, IntoStaticStr};
use wrongdoor_ebpf_common::program;

/// Why events are lost: all values of the label `reason` of `wrongdoor_events_lost_total`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum LossReason {
    /// The ring between the kernel and the agent, or one of a packet socket.
    RingFull,
    /// A table of the kernel side.
    MapFull,
    /// A bound on what is remembered or read.
    Limit,
    /// The memory of the traced process.
    Unreadable,
    /// No socket is known for a TLS object.
    Unresolved,
    /// Reported before, so that nothing is lost with it.
    Repeated,
    /// Bytes of a stream that were not seen.
    Gap,
    /// A connection that was dropped for newer ones.
    Evicted,
    /// A client that was given up before it was known whether it retries.
    Shed,
    /// The queue in front of a sink.
    QueueFull,
    /// A sink that fails.
    SinkFailed,
}

impl LossReason {
    /// What the kernel side can lose.
    pub(crate) const KERNEL: [Self; 4] =
        [Self::RingFull, Self::MapFull, Self::Limit, Self::Unreadable];
    /// What the agent can lose of what it reads.
    pub(crate) const CAPTURE: [Self; 3] = [Self::Unresolved, Self::Limit, Self::Repeated];

    /// The label's value.
    pub(crate) fn as_str(self) -> &'static str {
        self.into()
    }
}

impl fmt::Debug for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A source's part of the loss ledger. All counts only grow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SourceStats {
    /// What the kernel side had to tell.
    pub(crate) kernel_events: u64,
    /// Of it, what it could not hand over, by reason as in the metrics.
    pub(crate) kernel_lost: Vec<(LossReason, u64)>,
    /// What was read from the kernel.
    pub(crate) capture_events: u64,
    /// Of it, what did not reach the engine, by reason.
    pub(crate) capture_lost: Vec<(LossReason, u64)>,
    /// How many places each kernel program is attached to.
    pub(crate) attached: Vec<(&'static str, u64)>,
    /// Programs and places that the kernel or the file refused: program, reason, how often.
    pub(crate) failures: Vec<(&'static str, &'static str, u64)>,
    /// Processes that use TLS, by whether it is looked into and by library. None where the source does not look at processes.
    pub(crate) tls_processes: Vec<(&'static str, &'static str, u64)>,
    /// How long it took to attach to programs that started.
    pub(crate) attach_times: TimeHistogram,
    /// Connections that are older than the agent and open now, by program.
    pub(crate) older: Vec<(Box<str>, u64)>,
    /// How TLS sessions were joined with their connections, by what came of it.
    pub(crate) joins: Vec<(&'static str, u64)>,
    /// Facts of its own, for people: name and value.
    pub(crate) details: Vec<(&'static str, u64)>,
}

impl SourceStats {
    /// Whether functions of a TLS library are traced now; unknown to a source that traces none.
    pub(crate) fn has_attached_to_tls(&self) -> Option<bool> {
        let entries = self.attached.iter().find(|(name, _)| *name == program::TLS_ENTRY);
        entries.map(|(_, places)| *places > 0)
    }

    /// Adds another source's.
    pub(crate) fn add(&mut self, other: Self) {
        self.kernel_events += other.kernel_events;
        self.capture_events += other.capture_events;
        add(&mut self.kernel_lost, other.kernel_lost);
        add(&mut self.capture_lost, other.capture_lost);
        add(&mut self.attached, other.attached);
        self.attach_times.merge(&other.attach_times);
        add(&mut self.older, other.older);
        add(&mut self.joins, other.joins);
        add(&mut self.details, other.details);
        add_pairs(&mut self.tls_processes, other.tls_processes);
        add_pairs(&mut self.failures, other.failures);
    }
}

/// The same of counts with two keys.
fn add_pairs(sums: &mut Vec<PairCount>, counts: Vec<PairCount>) {
    for (first, second, count) in counts {
        let same = |known: &&mut PairCount| (known.0, known.1) == (first, second);
        match sums.iter_mut().find(same) {
            Some((_, _, sum)) => *sum += count,
            None => sums.push((first, second, count)),
        }
    }
}

type PairCount = (&'static str, &'static str, u64);

/// Adds counts to the sums of the same keys.
fn add<K: PartialEq>(sums: &mut Vec<(K, u64)>, counts: Vec<(K, u64)>) {
    for (key, count) in counts {
        match sums.iter_mut().find(|(known, _)| *known == key) {
            Some((_, sum)) => *sum += count,
            None => sums.push((key, count)),
        }
    }
}
