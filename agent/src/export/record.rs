//! What sinks are handed: an exchange, a connection, and the sums at the end.

use crate::config::EventsOf;
use crate::enrich::{ClusterEnds, View};
use wrongdoor_core::engine::ConnectionEnd;
use wrongdoor_core::explain::Finding;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::explain::correlator::{self, ConnectionNumber};
use wrongdoor_core::explain::recovery::RecoveryReport;
use wrongdoor_core::observation::{Exchange, Facts};

/// One finding.
#[derive(Debug)]
pub(crate) enum Record {
    /// An exchange, ruled on.
    Exchange {
        number: ConnectionNumber,
        exchange: Exchange,
        classification: Classification,
        place: ClusterEnds,
    },
    /// A connection that ended.
    Connection { number: ConnectionNumber, connection: ConnectionEnd, place: ClusterEnds },
    /// What became of a request that was answered with 421, and told before.
    Recovery { number: ConnectionNumber, judged: RecoveryReport, place: ClusterEnds },
}

impl Record {
    /// A record of the correlator, with the pods of both ends as far as the cluster's directory knows them.
    pub(crate) fn new(record: correlator::CorrelatedRecord, view: Option<&View<'_>>) -> Self {
        let place = |facts: &Facts| view.map(|view| view.place(facts)).unwrap_or_default();
        match record {
            correlator::CorrelatedRecord::Exchange { number, exchange, classification } => {
                let place = place(&exchange.connection);
                Self::Exchange { number, exchange, classification, place }
            }
            correlator::CorrelatedRecord::Connection { number, connection } => {
                let place = place(&connection.facts);
                Self::Connection { number, connection, place }
            }
            correlator::CorrelatedRecord::Recovery { number, judged } => {
                let pod = view.and_then(|view| view.own(&judged.observer, judged.server));
                Self::Recovery { number, judged, place: ClusterEnds { pod, peer: None } }
            }
        }
    }
}

/// Whether an exchange is one of those that were chosen.
pub(crate) fn is_selected(
    of: EventsOf,
    exchange: &Exchange,
    classification: &Classification,
) -> bool {
    match of {
        EventsOf::Misdirected => exchange.is_misdirected(),
        EventsOf::Mismatched => Finding::of(exchange, classification).is_some(),
        EventsOf::All => true,
    }
}
