//! Metrics: what was seen, in numbers.
//!
//! The capture thread updates plain values, once a turn under one lock; a scrape copies them out under the
//! same lock and makes text of them afterwards.

mod catalogue;
mod cluster;
mod connections;
mod counted;
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
mod text;

pub(crate) use catalogue::{Exported, catalogue};
pub(crate) use counted::Counted;
pub(crate) use label_limiter::LabelLimiter;
pub(crate) use ledger::CorrelateStats;
pub(crate) use negotiation::Format;

use super::{Record, SinkStats};
use crate::build_info;
use crate::enrich::SyncState;
use crate::ledger::SourceStats;
use connections::Connections;
use family::{Family, number};
use ledger::Ledger;
use probes::Probes;
use requests::Requests;
use std::collections::BTreeMap;
use std::time::Duration;
use wrongdoor_core::counters::Counters;

/// All metrics of a run.
#[derive(Default)]
pub(crate) struct Metrics {
    requests: Requests,
    connections: Connections,
    probes: Probes,
    tracked: u64,
    decode_errors: BTreeMap<(&'static str, &'static str), u64>,
    ledger: Ledger,
    attached: Vec<(&'static str, u64)>,
    failures: Vec<(&'static str, &'static str, u64)>,
    tls_processes: Vec<(&'static str, u64)>,
    joins: Vec<(&'static str, u64)>,
    details: Vec<(&'static str, u64)>,
    cluster: Option<SyncState>,
}

/// The state of the parts of the pipeline, as of one moment.
pub(crate) struct State<'a> {
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

impl Metrics {
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
    pub(crate) fn turn(&mut self, state: State<'_>, now: Duration) {
        let State { tally, counters, tracked, cluster, correlated, written } = state;
        self.requests.age(now);
        self.tracked = tracked as u64;
        self.cluster = cluster;
        self.decode_errors.clone_from(&counters.decode_errors);
        self.ledger = Ledger::of(&tally, counters, correlated, written);
        self.attached = tally.attached;
        self.failures = tally.failures;
        self.tls_processes = tally.tls_processes;
        self.joins = tally.joins;
        self.details = tally.details;
    }

    /// A copy to encode once the lock is given back.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut families = Vec::new();
        self.requests.families(&mut families);
        self.connections.families(&mut families);
        self.probes.families(&mut families);
        let help = "Connections that are followed now.";
        let tracked = Family::gauge("wrongdoor_connections_tracked", help);
        families.push(tracked.with([], number(self.tracked)));
        self.ledger.families(&mut families);
        let help = "What could not be decoded, and why.";
        let mut errors = Family::counter("wrongdoor_decode_errors_total", help);
        for ((protocol, kind), count) in &self.decode_errors {
            let labels = [("protocol", (*protocol).into()), ("kind", (*kind).into())];
            errors = errors.with(labels, number(*count));
        }
        let help = "Places that a kernel program is attached to.";
        let mut attached = Family::gauge("wrongdoor_probe_attached", help);
        for (program, places) in &self.attached {
            attached = attached.with([("program", (*program).into())], number(*places));
        }
        let help = "Programs and places that the kernel or a file refused, and why.";
        let mut failures = Family::counter("wrongdoor_probe_failures_total", help);
        for (program, reason, count) in &self.failures {
            let labels = [("program", (*program).into()), ("reason", (*reason).into())];
            failures = failures.with(labels, number(*count));
        }
        families.extend([errors, attached, failures, self.processes(), self.joins(), build_info()]);
        families.extend(self.cluster.iter().flat_map(cluster::families));
        Snapshot(families)
    }

    /// A node on which nothing can be seen is not a quiet one.
    fn processes(&self) -> Family {
        let help = "Processes that use TLS now, by whether a probe sees it or nothing does.";
        let processes = Family::gauge("wrongdoor_tls_processes", help);
        self.tls_processes.iter().fold(processes, |processes, (visibility, count)| {
            processes.with([("visibility", (*visibility).into())], number(*count))
        })
    }

    fn joins(&self) -> Family {
        let help = "TLS sessions joined with their connections, by what a second look said of it.";
        let joins = Family::counter("wrongdoor_joins_total", help);
        self.joins.iter().fold(joins, |joins, (result, count)| {
            joins.with([("result", (*result).into())], number(*count))
        })
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
    /// As text, with what the process itself takes. What went wrong, where it cannot be written.
    pub(crate) fn encode(self, format: Format) -> Result<String, String> {
        let mut families = self.0;
        families.extend(process::families());
        match format {
            Format::Text => text::encode(families).map_err(|error| error.to_string()),
            Format::OpenMetrics => {
                openmetrics::encode(&families).map_err(|error| error.to_string())
            }
        }
    }
}

fn build_info() -> Family {
    let probes = if build_info::has_probes() { "true" } else { "false" };
    let labels = [("version", env!("CARGO_PKG_VERSION").into()), ("probes", probes.into())];
    Family::gauge("wrongdoor_build_info", "Always 1; the labels tell what was built.")
        .with(labels, 1.0)
}
