//! TCP segments: taken out of frames, and put into them.

use std::net::{IpAddr, SocketAddr};

use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::{Endpoint, LinkType, PacketDecoder, Transport};

use super::Frame;

/// The control bit of the same name.
pub const FIN: u8 = 0x01;
/// The control bit of the same name.
pub const SYN: u8 = 0x02;
/// The control bit of the same name.
pub const RST: u8 = 0x04;
/// The control bit of the same name.
pub const ACK: u8 = 0x10;

/// A TCP segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// Its sequence number.
    pub sequence: u32,
    /// What it acknowledges.
    pub acknowledgment: u32,
    /// The control bits.
    pub flags: u8,
    /// What it carries.
    pub payload: Vec<u8>,
}

// ===== impl Segment =====

impl Segment {
    /// The segment in a frame, if there is one.
    pub fn of(frame: &Frame) -> Option<Self> {
        let found =
            PacketDecoder::default().decode(frame.link, &frame.bytes, frame.wire_len, |packet| {
                match packet.transport {
                    Transport::Tcp(tcp) => Some(Self {
                        from: address(packet.source),
                        to: address(packet.destination),
                        sequence: tcp.sequence,
                        acknowledgment: tcp.acknowledgment,
                        flags: tcp.flags.0,
                        payload: packet.payload.to_vec(),
                    }),
                    Transport::Udp => None,
                }
            });
        found.ok().flatten().flatten()
    }

    /// The segment as a frame: raw IP, without checksums, as a network card that computes them
    /// lets a capture see it.
    pub fn frame(&self, at: Timestamp) -> Frame {
        let mut tcp = Vec::with_capacity(20 + self.payload.len());
        tcp.extend_from_slice(&self.from.port().to_be_bytes());
        tcp.extend_from_slice(&self.to.port().to_be_bytes());
        tcp.extend_from_slice(&self.sequence.to_be_bytes());
        tcp.extend_from_slice(&self.acknowledgment.to_be_bytes());
        tcp.extend_from_slice(&[0x50, self.flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend_from_slice(&self.payload);
        let bytes = packet(self.from.ip(), self.to.ip(), 6, &tcp);
        let wire_len = bytes.len();
        Frame { at, link: LinkType::RAW, bytes, wire_len }
    }

    /// Whether it has this control bit.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

fn address(endpoint: Endpoint) -> SocketAddr {
    SocketAddr::new(endpoint.ip(), endpoint.port())
}

/// An IP packet around `payload`.
fn packet(from: IpAddr, to: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40 + payload.len());
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let len = u16::try_from(20 + payload.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&[0x45, 0]);
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(&[0, 1, 0x40, 0, 64, protocol, 0, 0]);
            bytes.extend_from_slice(&from.octets());
            bytes.extend_from_slice(&to.octets());
        }
        _ => {
            let v6 = |ip| match ip {
                IpAddr::V4(ip) => std::net::Ipv4Addr::to_ipv6_mapped(&ip).octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            let len = u16::try_from(payload.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&[0x60, 0, 0, 0]);
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(&[protocol, 64]);
            bytes.extend_from_slice(&v6(from));
            bytes.extend_from_slice(&v6(to));
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}
