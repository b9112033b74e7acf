//! What the correlator emits, and the sums at the end.

use crate::explain::classifier::Classification;
use crate::explain::recovery::RecoveryReport;
use crate::observation::{ConnectionEnd, Exchange};
use std::collections::BTreeMap;
use std::fmt;

/// A connection's name in the output: `c1`, `c2`, … in the order of first mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionNumber(pub u64);

/// A finding, or the end of a connection.
#[derive(Debug)]
pub enum CorrelatedRecord {
    /// An exchange with its classification.
    Exchange {
        /// Its connection.
        number: ConnectionNumber,
        /// The exchange.
        exchange: Exchange,
        /// What all evidence together says of it.
        classification: Classification,
    },
    /// A connection that ended.
    Connection {
        /// Its number.
        number: ConnectionNumber,
        /// What was seen of it.
        connection: ConnectionEnd,
    },
    /// What became of a request that was answered with 421, after the record of its exchange.
    Recovery {
        /// The connection of that request.
        number: ConnectionNumber,
        /// Recovery.
        judged: RecoveryReport,
    },
}

/// The sums of a run.
#[derive(Debug, Default)]
pub struct Summary {
    /// Packets read.
    pub packets: u64,
    /// Captured bytes in them.
    pub bytes: u64,
    /// Connections that were TLS or HTTP.
    pub connections: u64,
    /// Requests, and responses that were seen alone.
    pub exchanges: u64,
    /// Exchanges with status 421.
    pub misdirected: u64,
    /// Exchanges for another host than their connection is for.
    pub mismatched: u64,
    /// Connections whose requests could not be read.
    pub unread: u64,
    /// Exchanges whose authority could not be read.
    pub unreadable: u64,
    /// Gaps, limits reached and connections evicted.
    pub lost: u64,
    /// By `protocol.kind`.
    pub decode_errors: BTreeMap<String, u64>,
}

impl fmt::Display for ConnectionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}
