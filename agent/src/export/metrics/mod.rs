//! Metrics: what was seen, in numbers.
//!
//! The capture thread updates plain values, once a turn under one lock; a scrape copies them out under the
//! same lock and makes text of them afterwards.

mod catalogue;
mod cluster;
mod connections;
mod counted;
mod dialect;
mod family;
mod label_limiter;
mod labels;
mod ledger;
mod names;
mod negotiation;
mod openmetrics;
mod probes;
mod process;
mod recoveries;
mod requests;
mod series;
mod source;
mod text;

pub(crate) use catalogue::{CatalogueEntry, catalogue};
pub(crate) use counted::AgentCounts;
pub(crate) use dialect::Dialect;
pub(crate) use label_limiter::{LabelLimiter, NotANamePattern};
pub(crate) use ledger::CorrelateStats;

use super::{Record, SinkStats};
use crate::build_info;
use crate::enrich::SyncState;
use crate::ledger::SourceStats;
use connections::Connections;
use family::{Family, number};
use ledger::Ledger;
use probes::ProbeCounts;
use requests::Requests;
use std::collections::BTreeMap;
use std::time::Duration;
use wrongdoor_core::counters::Counters;

/// All metrics of a run.
#[derive(Default)]
pub(crate) struct MetricsRegistry {
    requests: Requests,
    connections: Connections,
    probes: ProbeCounts,
    tracked: u64,
    decode_errors: BTreeMap<(&'static str, &'static str), u64>,
    ledger: Ledger,
    source: SourceStats,
    cluster: Option<SyncState>,
}

/// The state of the parts of the pipeline, as of one moment.
pub(crate) struct TurnState<'a> {
    pub(crate) tally: SourceStats,
    pub(crate) counters: &'a Counters,
    /// Connections that are followed.
    pub(crate) tracked: usize,
    /// How well the API server is followed, where one is.
    pub(crate) cluster: Option<SyncState>,
    pub(crate) correlated: CorrelateStats,
    pub(crate) written: SinkStats,
}

/// Metrics that were copied out, to be encoded.
pub(crate) struct Snapshot(Vec<Family>);

impl MetricsRegistry {
    /// Counts a record. `now` is time since any fixed moment, and only grows.
    pub(crate) fn record(&mut self, record: &Record, now: Duration) {
        match record {
            Record::Exchange { exchange, .. } if exchange.is_probe() => {
                self.probes.exchange(exchange);
            }
            Record::Connection { connection, .. } if connection.facts.is_probe() => {
                self.probes.connection(&connection.facts);
            }
            Record::Exchange { exchange, classification, place, .. } => {
                self.requests.count(exchange, classification, place.workload(), now);
            }
            Record::Connection { connection, .. } => self.connections.count(connection),
            Record::Recovery { judged, place, .. } => {
                self.requests.recovered(judged, place.workload(), now);
            }
        }
    }

    /// Which names are told apart from now on.
    pub(crate) fn rename(&mut self, label_limiter: LabelLimiter) {
        self.requests.rename(label_limiter);
    }

    /// The state at the end of a turn; and names that are idle go.
    pub(crate) fn turn(&mut self, state: TurnState<'_>, now: Duration) {
        let TurnState { tally, counters, tracked, cluster, correlated, written } = state;
        self.requests.age(now);
        self.tracked = tracked as u64;
        self.cluster = cluster;
        self.decode_errors.clone_from(&counters.decode_errors);
        self.ledger = Ledger::of(&tally, counters, correlated, written);
        self.source = tally;
    }

    /// A copy to encode once the lock is given back.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let help = "Connections in the engine's table now.";
        let tracked = Family::gauge("wrongdoor_connections_tracked", help);
        let mut families = Vec::from_iter(self.requests.families());
        families.extend(self.connections.families());
        families.extend(self.probes.families());
        families.push(tracked.with([], number(self.tracked)));
        families.extend(self.ledger.families());
        families.push(self.decode_errors());
        families.extend(source::families(&self.source));
        families.push(build_info());
        families.extend(self.cluster.iter().flat_map(cluster::families));
        Snapshot(families)
    }

    fn decode_errors(&self) -> Family {
        let help = "Input that could not be decoded, by protocol and kind of error.";
        let errors = Family::counter("wrongdoor_decode_errors_total", help);
        errors.with_all(self.decode_errors.iter().map(|((protocol, kind), count)| {
            ([("protocol", (*protocol).into()), ("kind", (*kind).into())], number(*count))
        }))
    }

    /// Exchanges, of them 421s, and connections.
    #[cfg(test)]
    pub(crate) fn totals(&self) -> (u64, u64, u64) {
        let (exchanges, misdirected) = self.requests.totals();
        (exchanges, misdirected, self.connections.total())
    }

    #[cfg(test)]
    pub(crate) fn left(&self, stage: &str) -> u64 {
        self.ledger.left(stage)
    }
}

impl Snapshot {
    /// As text, with what the process itself takes.
    ///
    /// # Errors
    ///
    /// In words, where a metric cannot be written.
    pub(crate) fn encode(self, dialect: Dialect) -> Result<String, String> {
        let mut families = self.0;
        families.extend(process::families());
        dialect.encode(families)
    }
}

fn build_info() -> Family {
    let probes = if build_info::has_probes() { "true" } else { "false" };
    let labels = [
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("commit", build_info::COMMIT.into()),
        ("probes", probes.into()),
    ];
    Family::gauge("wrongdoor_build_info", "Always 1; the labels describe the build.")
        .with(labels, 1.0)
}
