//! The agent's own counts, for people: what the metrics say of it, and facts that are no metrics.

use super::MetricsRegistry;
use serde::Serialize;
use std::collections::BTreeMap;

type Counts = BTreeMap<String, u64>;

/// What was counted, by name.
#[derive(Serialize)]
pub(crate) struct AgentCounts {
    connections_tracked: u64,
    events: BTreeMap<&'static str, u64>,
    pub(crate) events_lost: Counts,
    decode_errors: Counts,
    probes_attached: Counts,
    probe_failures: Counts,
    tls_processes: Counts,
    older_connections: Counts,
    joins: Counts,
    details: Counts,
}

impl MetricsRegistry {
    /// The counts as of the last turn.
    pub(crate) fn counted(&self) -> AgentCounts {
        let single = |pairs: &[(&'static str, u64)]| {
            pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Counts>()
        };
        let double = |pairs: &mut dyn Iterator<Item = (&'static str, &'static str, u64)>| {
            pairs
                .map(|(first, second, count)| (format!("{first}.{second}"), count))
                .collect::<Counts>()
        };
        let errors = self.decode_errors.iter();
        let lost = self.ledger.lost.iter();
        AgentCounts {
            connections_tracked: self.tracked,
            events: self.ledger.events.clone(),
            events_lost: double(
                &mut lost.map(|((stage, reason), count)| (*stage, reason.as_str(), *count)),
            ),
            decode_errors: double(
                &mut errors.map(|((protocol, kind), count)| (*protocol, *kind, *count)),
            ),
            probes_attached: single(&self.source.attached),
            probe_failures: double(&mut self.source.failures.iter().copied()),
            tls_processes: double(&mut self.source.tls_processes.iter().copied()),
            older_connections: self
                .source
                .older
                .iter()
                .map(|(command, count)| (command.to_string(), *count))
                .collect(),
            joins: single(&self.source.joins),
            details: single(&self.source.details),
        }
    }
}
