//! The catalogue of metrics, for authors of queries. Tests hold the dashboards and the rules to it.
//!
//! It is read off metrics of which each label has had each of its values, so that it says what a scrape says.

use super::connections::Connections;
use super::ledger::{CorrelateStats, Ledger};
use super::probes::ProbeCounts;
use super::requests::Requests;
use super::{MetricsRegistry, process};
use crate::enrich::SyncState;
use crate::export::SinkStats;
use crate::ledger::{LossReason, SourceStats};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use wrongdoor_core::counters::{Counters, Loss};
use wrongdoor_procfs::LIBRARY_NAMES;

/// Labels whose values come from the network, the machine or the build, or are too many to list.
const OPEN: [&str; 11] = [
    "authority",
    "command",
    "commit",
    "kind",
    "namespace",
    "probes",
    "program",
    "protocol",
    "sni",
    "version",
    "workload",
];

/// A metric that can be exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CatalogueEntry {
    /// Its name; of a histogram, without the suffixes of its series.
    pub(crate) name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// What it counts.
    pub(crate) help: &'static str,
    /// Its labels, and the values that each can have; `None` where that can be anything.
    pub(crate) labels: BTreeMap<&'static str, Option<BTreeSet<String>>>,
}

/// Everything that an agent can export.
pub(crate) fn catalogue() -> Vec<CatalogueEntry> {
    let mut families = example().snapshot().0;
    families.extend(process::families());
    let exported = families.into_iter().map(|family| {
        let mut labels = BTreeMap::new();
        for (name, value) in family.samples.iter().flat_map(|sample| &sample.labels) {
            let values = labels.entry(*name).or_insert_with(|| {
                // Why a file or the kernel refuses a probe is said by either of them.
                let is_open = OPEN.contains(name) || family.name == FAILURES && *name == "reason";
                (!is_open).then(BTreeSet::new)
            });
            if let Some(values) = values {
                values.insert(value.to_string());
            }
        }
        let kind = family.kind.as_str();
        CatalogueEntry { name: family.name, kind, help: family.help, labels }
    });
    exported.collect()
}

const FAILURES: &str = "wrongdoor_probe_failures_total";

/// Metrics with each value of each label.
fn example() -> MetricsRegistry {
    let none = |names: &[&'static str]| names.iter().map(|name| (*name, 0)).collect::<Vec<_>>();
    let source = SourceStats {
        kernel_lost: LossReason::KERNEL.map(|reason| (reason, 0)).into(),
        capture_lost: LossReason::CAPTURE.map(|reason| (reason, 0)).into(),
        attached: none(&["any"]),
        failures: vec![("any", "any", 0)],
        tls_processes: LIBRARY_NAMES
            .into_iter()
            .flat_map(|library| [("traced", library, 0), ("unseen", library, 0)])
            .collect(),
        older: vec![("any".into(), 0)],
        joins: none(&["confirmed", "contradicted"]),
        ..SourceStats::default()
    };
    let lost = Loss::ALL.iter().map(|loss| (*loss, 0)).collect();
    let decode_errors = [(("any", "any"), 0)].into();
    let counters = Counters { lost, decode_errors, ..Counters::default() };
    MetricsRegistry {
        requests: Requests::example(),
        connections: Connections::example(),
        probes: ProbeCounts::example(),
        ledger: Ledger::of(&source, &counters, CorrelateStats::default(), SinkStats::default()),
        decode_errors: counters.decode_errors,
        source,
        cluster: Some(SyncState::default()),
        ..MetricsRegistry::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator;

    #[test]
    fn each_metric_is_there_once_with_the_labels_of_the_contract() {
        let catalogue = catalogue();
        let names: BTreeSet<_> = catalogue.iter().map(|exported| exported.name).collect();
        assert_eq!(names.len(), catalogue.len());
        let labels = |name: &str| {
            let found = catalogue.iter().find(|exported| exported.name == name).unwrap();
            found.labels.keys().copied().collect::<Vec<_>>()
        };
        assert_eq!(
            labels("wrongdoor_misdirected_total"),
            ["authority", "cause", "generator", "namespace", "role", "sni", "workload"]
        );
        assert_eq!(labels("wrongdoor_events_lost_total"), ["reason", "stage"]);
        assert_eq!(labels("wrongdoor_recovery_seconds"), [""; 0]);
    }

    #[test]
    fn every_reason_of_a_loss_is_in_the_catalogue() {
        let catalogue = catalogue();
        let lost = catalogue.iter().find(|one| one.name == "wrongdoor_events_lost_total").unwrap();
        let reasons = lost.labels["reason"].as_ref().unwrap();
        for reason in LossReason::iter() {
            assert!(reasons.contains(reason.as_str()), "{reason:?}");
        }
    }
}
