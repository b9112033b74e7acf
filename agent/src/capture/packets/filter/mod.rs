//! Which packets the kernel hands over. It decides before it copies anything; what it passes over is no loss.

mod assembler;
mod classic;
mod extended;
#[cfg(test)]
mod tests;

pub(super) use assembler::Instruction;
pub(super) use extended::Extended;

use super::sys::PacketSocket;
use std::io;

/// The most cleartext ports: the program compares with each.
pub(crate) const MAX_PORTS: usize = 32;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WantedPackets {
    pub(super) tls: WantedTls,
    /// Of these everything.
    pub(super) cleartext: Vec<u16>,
}

/// What is wanted of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WantedTls {
    /// Nothing, nor of QUIC.
    Nothing,
    /// Handshakes, and QUIC's.
    Handshakes,
    /// Everything, for there are keys: all of TCP, and QUIC's handshakes.
    Everything,
}

/// The filter as it is given to sockets.
pub(super) enum Filter {
    Extended(Extended),
    Classic(Vec<Instruction>),
}

impl Filter {
    /// The one that fits. One that follows flows is needed for handshakes only.
    pub(super) fn new(wanted: &WantedPackets) -> Result<Self, assembler::TooFar> {
        if wanted.tls == WantedTls::Handshakes {
            match Extended::load(&wanted.cleartext) {
                Ok(filter) => return Ok(Self::Extended(filter)),
                Err(reason) => tracing::warn!(
                    "the packet filter that follows flows cannot be loaded; the filter that replaces it misses the middle of long certificate chains: {reason}"
                ),
            }
        }
        Ok(Self::Classic(classic::program(wanted)?))
    }

    /// Nothing passes.
    pub(super) fn closed() -> [Instruction; 1] {
        [classic::DROP]
    }

    /// Has the kernel ask it about every packet of this socket.
    pub(super) fn attach(&self, socket: &PacketSocket) -> io::Result<()> {
        match self {
            Self::Extended(filter) => filter.attach(socket),
            Self::Classic(program) => socket.filter(program),
        }
    }
}
