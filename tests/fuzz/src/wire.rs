//! Frames as a network card would have them: Ethernet, IPv4, and TCP or UDP.

use wrongdoor_core::side::Side;

const CLIENT: ([u8; 4], u16) = ([192, 0, 2, 1], 50_000);
const SERVER: ([u8; 4], u16) = ([192, 0, 2, 2], 443);

/// The longest payload that is put into one packet.
pub const MAX_PAYLOAD: usize = 60_000;

/// What a segment's header says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp {
    /// The number of the first byte.
    pub sequence: u32,
    /// The number expected from the other end.
    pub acknowledgment: u32,
    /// The control bits.
    pub flags: u8,
}

/// A segment from one end of the one connection there is.
pub fn ethernet(from: Side, tcp: Tcp, payload: &[u8]) -> Vec<u8> {
    let (source, destination) = ports(from);
    let mut segment = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    segment.extend(tcp.sequence.to_be_bytes());
    segment.extend(tcp.acknowledgment.to_be_bytes());
    segment.extend([0x50, tcp.flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    ip(from, 6, &segment)
}

/// A datagram likewise.
pub fn datagram_frame(from: Side, payload: &[u8]) -> Vec<u8> {
    let (source, destination) = ports(from);
    let len = u16::try_from(payload.len() + 8).unwrap_or(0);
    let mut datagram = [source, destination, len, 0].map(u16::to_be_bytes).concat();
    datagram.extend(payload);
    ip(from, 17, &datagram)
}

fn ports(from: Side) -> (u16, u16) {
    match from {
        Side::Client => (CLIENT.1, SERVER.1),
        Side::Server => (SERVER.1, CLIENT.1),
    }
}

fn ip(from: Side, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let (source, destination) = match from {
        Side::Client => (CLIENT.0, SERVER.0),
        Side::Server => (SERVER.0, CLIENT.0),
    };
    let len = u16::try_from(payload.len() + 20).unwrap_or(0).to_be_bytes();
    let mut frame = vec![0; 12];
    frame.extend([8, 0, 0x45, 0, len[0], len[1], 0, 0, 0x40, 0, 64, protocol, 0, 0]);
    frame.extend(source);
    frame.extend(destination);
    frame.extend(payload);
    frame
}
