//! A followed connection in the engine's table.

use crate::connection::{QuicConnection, SequenceEnds, TcpConnection, TlsObject};
use crate::observation::ConnectionId;
use crate::observation::probe_event::SocketId;
use crate::wire::net::FlowKey;
use crate::wire::tls::keylog::KeyLog;

pub(super) struct ConnectionSlot {
    pub(super) last_seen: u64,
    pub(super) held: usize,
    pub(super) id: ConnectionId,
    pub(super) tracked: Tracked,
}

/// What a connection is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum TrackedKey {
    /// Packets.
    Flow(FlowKey),
    /// Reports of probes, by way of a socket or a session.
    Live(ConnectionId),
}

/// What follows a connection.
pub(super) enum Tracked {
    Tcp(Box<TcpConnection>),
    Quic(Box<QuicConnection>),
    Live(Box<TlsObject>),
    /// It has ended: what is still in flight belongs to it and begins nothing new.
    Ended(EndedConnection),
}

/// What a connection that has ended was found by.
#[derive(Clone, Copy, Debug)]
pub(super) enum EndedConnection {
    /// A TCP connection: bytes behind its end are counted.
    Tcp(SequenceEnds),
    /// A TCP connection that the filter passes on in parts only: the rest of it is left alone.
    Left(SequenceEnds),
    /// A socket that probes report.
    Socket(SocketId),
}

impl Tracked {
    /// The flow of a TCP connection.
    pub(super) fn flow(&self) -> Option<FlowKey> {
        match self {
            Self::Tcp(connection) => Some(connection.key()),
            Self::Quic(_) | Self::Live(_) | Self::Ended(_) => None,
        }
    }

    /// Whether nothing is lost with it.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Ended(_) => true,
            Self::Live(connection) => connection.is_nothing(),
            Self::Tcp(_) | Self::Quic(_) => false,
        }
    }

    /// Whether it holds records whose secrets are not among these.
    pub(super) fn awaits(&self, keys: &KeyLog) -> bool {
        matches!(self, Self::Tcp(connection) if connection.awaits(keys))
    }
}
