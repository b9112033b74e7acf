//! TCP and UDP headers.

use super::flow::Endpoint;
use crate::wire::reader::Reader;

/// A segment or datagram with the endpoints it travelled between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Who sent it.
    pub source: Endpoint,
    /// To whom.
    pub destination: Endpoint,
    /// What it is.
    pub transport: Transport,
    /// The payload as far as it was captured.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire behind `payload` and were not captured.
    pub missing: usize,
}

/// The transport header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A TCP segment.
    Tcp(Tcp),
    /// A UDP datagram.
    Udp,
}

/// What a TCP header says (RFC 9293 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Sequence number of the first payload byte, or of the SYN.
    pub sequence: u32,
    /// Acknowledgment number; valid with [`Flags::ACK`].
    pub acknowledgment: u32,
    /// The control bits.
    pub flags: Flags,
}

/// TCP control bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// The acknowledgment number is valid.
    pub const ACK: Self = Self(0x10);

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// Reads a TCP header: ports, what it says, and how much of its options was not captured. The rest of the
/// reader is payload.
pub(super) fn tcp(reader: &mut Reader<'_>) -> Option<(u16, u16, Tcp, usize)> {
    let (source, destination) = (reader.u16()?, reader.u16()?);
    let (sequence, acknowledgment) = (reader.u32()?, reader.u32()?);
    let [offset, flags] = reader.array()?;
    reader.skip(6)?;
    let options = (usize::from(offset >> 4) * 4).checked_sub(20)?;
    // Options cut off by the snap length do not matter; the payload behind them is then missing too.
    let captured = options.min(reader.len());
    reader.skip(captured)?;
    let tcp = Tcp { sequence, acknowledgment, flags: Flags(flags) };
    Some((source, destination, tcp, options - captured))
}

/// Reads a UDP header: ports, and the payload's length as the header has it (0: as long as IP says).
pub(super) fn udp(reader: &mut Reader<'_>) -> Option<(u16, u16, usize)> {
    let (source, destination, len) = (reader.u16()?, reader.u16()?, reader.u16()?);
    reader.skip(2)?;
    Some((source, destination, usize::from(len).saturating_sub(8)))
}
