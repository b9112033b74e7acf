//! The walk from link to transport.

use super::flow::Endpoint;
use super::fragments::{Added, Fragments};
use super::ip::{self, Address};
use super::link::{self, Layer};
use super::transport::{self, Packet, Transport};
use super::trust::Trust;
use super::{LinkType, tunnel};
use crate::wire::reader::Reader;

/// The most headers in one packet; a packet wrapped deeper is given up.
const MAX_LAYERS: usize = 24;

/// Why a packet's headers cannot be read to the end. The values are metric labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetError {
    /// A link type that is not decoded.
    UnsupportedLink,
    /// The capture ends inside a header.
    Truncated,
    /// A header contradicts itself, or headers are nested too deep.
    Malformed,
    /// A frame of a wireless network that is encrypted on the air.
    Encrypted,
    /// A part of a frame of a wireless network.
    Fragmented,
    /// Several packets in one frame of a wireless network.
    Aggregated,
    /// Two fragments have different bytes for the same place: their datagram is dropped (RFC 5722).
    ConflictingFragments,
    /// An IPv4 header's checksum is wrong, in a capture whose other ones are right.
    Checksum,
}

impl NetError {
    /// The metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnsupportedLink => "unsupported_link",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::Encrypted => "encrypted",
            Self::Fragmented => "fragmented",
            Self::Aggregated => "aggregated",
            Self::ConflictingFragments => "conflicting_fragments",
            Self::Checksum => "checksum",
        }
    }
}

/// Decodes packets; remembers fragments, and whether checksums are right.
#[derive(Debug, Default)]
pub struct PacketDecoder {
    fragments: Fragments,
    trust: Trust,
}

impl PacketDecoder {
    /// Calls `deliver` with the TCP segment or UDP datagram inside a captured frame, if there is one.
    ///
    /// `wire_len` is the frame's length on the wire. What is not IP, TCP or UDP is neither delivered nor
    /// an error.
    pub fn decode<T>(
        &mut self,
        link: LinkType,
        bytes: &[u8],
        wire_len: usize,
        deliver: impl FnOnce(Packet<'_>) -> T,
    ) -> Result<Option<T>, NetError> {
        let mut reader = Reader::new(bytes);
        let mut cut = wire_len.saturating_sub(bytes.len());
        let header = link::header_of(link).ok_or(NetError::UnsupportedLink)?;
        let Some(layer) = header(&mut reader, &mut cut)? else { return Ok(None) };
        match walk(self, layer, reader, cut, None)? {
            Walked::Packet(packet) => Ok(Some(deliver(packet))),
            Walked::Reassembled(protocol, addresses, payload) => {
                let layer = Layer::IpPayload(protocol);
                match walk(self, layer, Reader::new(&payload), 0, Some((addresses, 0)))? {
                    Walked::Packet(packet) => Ok(Some(deliver(packet))),
                    // Fragments of a tunnel within fragments are not put together.
                    _ => Ok(None),
                }
            }
            Walked::NotOurs => Ok(None),
        }
    }

    /// Fragmented datagrams that were given up.
    pub fn dropped_datagrams(&self) -> u64 {
        self.fragments.dropped
    }

    /// Fragmented datagrams of which a part has not come.
    pub fn incomplete_datagrams(&self) -> u64 {
        self.fragments.incomplete()
    }
}

enum Walked<'a> {
    Packet(Packet<'a>),
    /// A datagram that was in fragments: its protocol, its ends and its payload.
    Reassembled(u8, (Address, Address), Vec<u8>),
    NotOurs,
}

/// `cut`: bytes behind the reader's that were not captured, of the frame or of what it is within. `within`:
/// the IP header that the reader's bytes are the payload of, and how much of that payload is missing.
fn walk<'a>(
    decoder: &mut PacketDecoder,
    mut layer: Layer,
    mut reader: Reader<'a>,
    mut cut: usize,
    mut within: Option<((Address, Address), usize)>,
) -> Result<Walked<'a>, NetError> {
    for _ in 0..MAX_LAYERS {
        layer = match layer {
            Layer::Ethernet => link::ethernet(&mut reader).ok_or(NetError::Truncated)?,
            Layer::EtherType(kind) => {
                match link::ether_type(kind, &mut reader).ok_or(NetError::Truncated)? {
                    Some(layer) => layer,
                    None => return Ok(Walked::NotOurs),
                }
            }
            Layer::Ip => {
                let bytes = reader.rest();
                let ip = ip::parse(bytes, bytes.len() + cut).ok_or(NetError::Malformed)?;
                if decoder.trust.is_damage(ip.checksum) {
                    return Err(NetError::Checksum);
                }
                let addresses = (ip.source, ip.destination);
                if let Some(fragment) = ip.fragment {
                    return Ok(match decoder.fragments.add(&ip, fragment) {
                        Added::Whole(payload) => {
                            Walked::Reassembled(ip.protocol, addresses, payload)
                        }
                        Added::Kept => Walked::NotOurs,
                        Added::Conflicting => return Err(NetError::ConflictingFragments),
                    });
                }
                within = Some((addresses, ip.missing));
                // Behind its end is padding, whether that was captured or not.
                cut = ip.missing;
                reader = Reader::new(ip.payload);
                Layer::IpPayload(ip.protocol)
            }
            Layer::IpPayload(protocol) => {
                let Some((addresses, missing)) = within else { return Err(NetError::Malformed) };
                match protocol {
                    transport::TCP => return tcp(reader, addresses, missing),
                    transport::UDP => match udp(reader, addresses, missing)? {
                        Udp::Packet(packet) => return Ok(Walked::Packet(packet)),
                        Udp::Tunnel(layer, inner, missing) => {
                            (reader, cut) = (inner, missing);
                            layer
                        }
                    },
                    protocol => match tunnel::over_ip(protocol, &mut reader) {
                        Some(layer) => layer,
                        None => return Ok(Walked::NotOurs),
                    },
                }
            }
        };
    }
    Err(NetError::Malformed)
}

fn endpoints(addresses: (Address, Address), ports: (u16, u16)) -> (Endpoint, Endpoint) {
    let endpoint = |address, port| match address {
        Address::V4(octets) => Endpoint::v4(octets, port),
        Address::V6(octets) => Endpoint::v6(octets, port),
    };
    (endpoint(addresses.0, ports.0), endpoint(addresses.1, ports.1))
}

fn tcp(
    mut reader: Reader<'_>,
    addresses: (Address, Address),
    missing: usize,
) -> Result<Walked<'_>, NetError> {
    let (from, to, tcp, options) = transport::tcp(&mut reader).ok_or(NetError::Truncated)?;
    // Of what is missing, options are no payload.
    let missing = missing.saturating_sub(options);
    let (source, destination) = endpoints(addresses, (from, to));
    let payload = reader.rest();
    Ok(Walked::Packet(Packet {
        source,
        destination,
        transport: Transport::Tcp(tcp),
        payload,
        missing,
    }))
}

enum Udp<'a> {
    Packet(Packet<'a>),
    /// What is within, and how much of it is missing.
    Tunnel(Layer, Reader<'a>, usize),
}

fn udp(
    mut reader: Reader<'_>,
    addresses: (Address, Address),
    missing: usize,
) -> Result<Udp<'_>, NetError> {
    let (from, to, len) = transport::udp(&mut reader).ok_or(NetError::Truncated)?;
    let captured = reader.rest();
    let (payload, missing) = match captured.get(..len) {
        _ if len == 0 => (captured, missing),
        Some(exact) => (exact, 0),
        None => (captured, missing.min(len - captured.len())),
    };
    if let Some((layer, header)) = tunnel::over_udp(from, to, payload) {
        let inner = Reader::new(payload.get(header..).unwrap_or_default());
        return Ok(Udp::Tunnel(layer, inner, missing));
    }
    let (source, destination) = endpoints(addresses, (from, to));
    Ok(Udp::Packet(Packet { source, destination, transport: Transport::Udp, payload, missing }))
}

#[cfg(test)]
pub(super) mod tests;
