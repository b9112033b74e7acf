//! Who talks to whom.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address and a port. IPv4 is held as IPv4-mapped, so that both notations are one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    address: u128,
    port: u16,
}

/// One of the two ends of a flow, before it is known which is the client: the lower endpoint is `A`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The lower endpoint.
    A,
    /// The higher endpoint.
    B,
}

/// The two endpoints of a flow and its transport, the same for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    a: Endpoint,
    b: Endpoint,
    protocol: u8,
}

impl Endpoint {
    /// An IPv4 endpoint.
    pub fn v4(address: [u8; 4], port: u16) -> Self {
        Self { address: Ipv4Addr::from(address).to_ipv6_mapped().to_bits(), port }
    }

    /// An IPv6 endpoint; an IPv4-mapped address is the IPv4 one.
    pub fn v6(address: [u8; 16], port: u16) -> Self {
        Self { address: u128::from_be_bytes(address), port }
    }

    /// The address.
    pub fn ip(&self) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from_bits(self.address)).to_canonical()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        match address.ip() {
            IpAddr::V4(ip) => Self::v4(ip.octets(), address.port()),
            IpAddr::V6(ip) => Self::v6(ip.octets(), address.port()),
        }
    }
}

impl fmt::Display for Endpoint {
    /// `192.0.2.1:443`, `[2001:db8::1]:443` (RFC 5952).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.ip(), self.port).fmt(f)
    }
}

impl End {
    /// The other end.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl FlowKey {
    /// The flow of a packet, and the end that sent it.
    pub fn new(source: Endpoint, destination: Endpoint, protocol: u8) -> (Self, End) {
        if source <= destination {
            (Self { a: source, b: destination, protocol }, End::A)
        } else {
            (Self { a: destination, b: source, protocol }, End::B)
        }
    }

    /// The endpoint at one end.
    pub fn endpoint(&self, end: End) -> Endpoint {
        match end {
            End::A => self.a,
            End::B => self.b,
        }
    }

    /// The end with the higher port, which is the client's where nothing better is known.
    pub fn higher_port(&self) -> End {
        if self.a.port > self.b.port { End::A } else { End::B }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_one_flow_and_mapped_addresses_are_ipv4() {
        let client = Endpoint::v4([192, 0, 2, 1], 50000);
        let server = Endpoint::from("[::ffff:192.0.2.2]:443".parse::<SocketAddr>().unwrap());
        let (there, from) = FlowKey::new(client, server, 6);
        let (back, to) = FlowKey::new(server, client, 6);
        assert_eq!((there, from), (back, to.other()));
        assert_eq!(there.endpoint(from).to_string(), "192.0.2.1:50000");
        assert_eq!(server.to_string(), "192.0.2.2:443");
        assert_eq!(
            Endpoint::v6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 1).to_string(),
            "[2001:db8::1]:1"
        );
    }
}
