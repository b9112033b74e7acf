//! What the engine tells.

use super::probe_event::Visibility;
use super::{ConnectionId, Exchange, Facts};
use crate::name::Host;
use crate::time::Timestamp;
use crate::wire::net::Endpoint;
use std::sync::Arc;

/// Something that the engine found.
#[derive(Clone, Debug)]
pub enum Event {
    /// An exchange ended.
    Exchange(Exchange),
    /// A connection ended, by itself or with the input.
    Connection(ConnectionEnd),
    /// An endpoint has completed a handshake for this host with a certificate that covers it.
    Serves {
        /// The server's end.
        endpoint: Endpoint,
        /// The server name.
        host: Host,
        /// It asked for a client's certificate.
        asks_certificate: bool,
    },
    /// A client has opened a connection and named a host: what was known of it then.
    Hello(Arc<Facts>),
}

/// An event with its place: the number of the packet that brought it. The events of all shards, sorted
/// by it, are those of one engine.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The packet, or [`u64::MAX`] for the end of the input.
    pub packet: u64,
    /// The connection.
    pub connection: ConnectionId,
    /// What was found.
    pub event: Event,
}

/// A connection that ended.
#[derive(Clone, Debug)]
pub struct ConnectionEnd {
    /// All that was learnt of it.
    pub facts: Arc<Facts>,
    /// When it was closed, where that was seen.
    pub closed: Option<Timestamp>,
    /// The hosts asked for, normalised, in order of their first request.
    pub authorities: Vec<String>,
    /// How many exchanges there were.
    pub exchanges: u64,
    /// How many of them were answered with 421.
    pub misdirected: u64,
    /// How often bytes were lost.
    pub gaps: u64,
    /// How much of it was seen.
    pub visibility: Visibility,
}
