//! Connections whose requests could not be read.

use crate::observation::{Decryption, Facts, TransportKind};

/// Why the requests of a connection could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// There are no keys for it, or they do not fit.
    Encrypted,
    /// It is QUIC, of which only the handshake is read.
    Http3,
}

impl Unread {
    /// Of a connection that ended; none where it was read.
    pub fn of(facts: &Facts) -> Option<Self> {
        match (facts.transport, facts.decryption) {
            (TransportKind::Quic, _) => Some(Self::Http3),
            (TransportKind::Tcp, Decryption::None) => Some(Self::Encrypted),
            (TransportKind::Tcp, _) => None,
        }
    }
}
