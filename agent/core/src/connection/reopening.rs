//! A SYN on a connection that is open: another connection on the same ports, or one that was injected.

use crate::time::Timestamp;
use crate::wire::net::{End, Flags, Tcp};
use crate::wire::reassembly::Stream;

/// The most bytes behind a SYN that may be acknowledged before the capture has the first acknowledgment.
const MAX_FLIGHT: u32 = 64 * 1024;

/// A SYN that contradicts an open connection. Only the other end can prove it (RFC 5961 §4): it acknowledges the
/// SYN where it accepts it, and answers with what it expects on the open connection where it does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proposal {
    /// Who sent it.
    pub(crate) from: End,
    pub(crate) at: Timestamp,
    /// The number of its packet.
    pub(crate) packet: u64,
    pub(crate) tcp: Tcp,
}

/// What a packet says about a connection's beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opening {
    /// Nothing new: the packet is of this connection.
    Same,
    /// It is a SYN that contradicts this connection, which goes on.
    Unproven,
    /// Another connection has begun: with the SYN before, or with this packet.
    Another(Option<Proposal>),
}

impl Proposal {
    /// Whether a packet of the other end accepts it. `stream` is what the sender of the SYN has sent on the open
    /// connection.
    pub(super) fn is_accepted_by(&self, from: End, tcp: &Tcp, stream: &Stream) -> bool {
        let first = self.tcp.sequence.wrapping_add(1);
        let flight = tcp.acknowledgment.wrapping_sub(first);
        let is_answer = tcp.flags.contains(Flags::SYN) && flight == 0;
        // Should the capture have missed the answer.
        let is_beyond = flight <= MAX_FLIGHT && stream.is_far_from(tcp.acknowledgment);
        from != self.from && tcp.flags.contains(Flags::ACK) && (is_answer || is_beyond)
    }
}
