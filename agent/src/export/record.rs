//! What sinks are handed: an exchange, a connection, and the sums at the end.

use crate::config::EventsOf;
use crate::enrich::{Place, View};
use std::collections::BTreeMap;
use std::fmt;
use wrongdoor_core::engine::ConnectionEnd;
use wrongdoor_core::exchange::Exchange;
use wrongdoor_core::judge::Ruling;
use wrongdoor_core::recovery::Judged;

/// A connection's name in the output: `c1`, `c2`, … in the order of first mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionNumber(pub(crate) u64);

/// One finding.
#[derive(Debug)]
pub(crate) enum Record {
    /// An exchange, ruled on.
    Exchange { number: ConnectionNumber, exchange: Exchange, ruling: Ruling, place: Place },
    /// A connection that ended.
    Connection { number: ConnectionNumber, connection: ConnectionEnd, place: Place },
    /// What became of a request that was answered with 421, and told before.
    Recovery { number: ConnectionNumber, judged: Judged, place: Place },
}

impl Record {
    /// The same, with where it was seen.
    pub(crate) fn placed(mut self, view: &View<'_>) -> Self {
        match &mut self {
            Self::Exchange { exchange, place, .. } => *place = view.place(&exchange.connection),
            Self::Connection { connection, place, .. } => *place = view.place(&connection.facts),
            Self::Recovery { judged, place, .. } => {
                let pod = view.own(&judged.observer, judged.server);
                *place = Place { pod, peer: None };
            }
        }
        self
    }
}

/// Whether an exchange is of interest by itself: answered with 421, mismatched, or refused for its name.
pub(crate) fn is_finding(exchange: &Exchange, ruling: &Ruling) -> bool {
    exchange.is_misdirected() || exchange.is_mismatched() || ruling.cause.is_some()
}

/// Whether an exchange is one of those that were chosen.
pub(crate) fn is_selected(of: EventsOf, exchange: &Exchange, ruling: &Ruling) -> bool {
    match of {
        EventsOf::Misdirected => exchange.is_misdirected(),
        EventsOf::Mismatched => is_finding(exchange, ruling),
        EventsOf::All => true,
    }
}

/// The sums of a run.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) packets: u64,
    /// Captured bytes in them.
    pub(crate) bytes: u64,
    /// Connections that were TLS or HTTP.
    pub(crate) connections: u64,
    pub(crate) exchanges: u64,
    /// Exchanges with status 421.
    pub(crate) misdirected: u64,
    /// Exchanges for another host than their connection is for.
    pub(crate) mismatched: u64,
    /// Connections whose requests could not be read.
    pub(crate) unread: u64,
    /// Exchanges whose authority could not be read.
    pub(crate) unreadable: u64,
    /// Gaps, limits reached and connections evicted.
    pub(crate) lost: u64,
    /// By `protocol.kind`.
    pub(crate) decode_errors: BTreeMap<String, u64>,
}

impl fmt::Display for ConnectionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}
