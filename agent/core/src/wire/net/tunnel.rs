//! Tunnels over IP and UDP: VXLAN, GENEVE, GRE, IP-in-IP, 6in4, MPLS-in-IP.

use super::link::{self, Layer};
use crate::wire::reader::Reader;

const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;

/// What an IP protocol number stands for, if it is a tunnel; its header is consumed.
pub(super) fn over_ip(protocol: u8, reader: &mut Reader<'_>) -> Option<Layer> {
    match protocol {
        // IP-in-IP (RFC 2003), 6in4 (RFC 4213)
        4 | 41 => Some(Layer::Ip),
        47 => gre(reader),
        137 => link::mpls(reader).flatten(),
        143 => Some(Layer::Ethernet),
        _ => None,
    }
}

/// GRE versions 0 (RFC 2784, RFC 2890) and 1 (PPTP's, which carries PPP and is not looked into).
fn gre(reader: &mut Reader<'_>) -> Option<Layer> {
    let flags = reader.u16()?;
    let protocol = reader.u16()?;
    if flags & 0x0007 != 0 || flags & 0x4000 != 0 {
        return None;
    }
    for present in [0x8000, 0x2000, 0x1000] {
        if flags & present != 0 {
            reader.skip(4)?;
        }
    }
    Some(Layer::EtherType(protocol))
}

/// What a UDP payload to these ports carries, if its header is that of a tunnel.
///
/// The ports are only where to look: the header's fixed bits must agree, so that an ordinary
/// datagram to the same port is left alone.
pub(super) fn over_udp(source: u16, destination: u16, payload: &[u8]) -> Option<(Layer, usize)> {
    let mut reader = Reader::new(payload);
    let to = |port: u16| destination == port || source == port;
    if VXLAN_PORTS.iter().any(|port| to(*port)) {
        // RFC 7348 §5: the I flag is set; what is reserved is ignored, and extensions use it.
        let [flags, _, _, _, _, _, _, _] = reader.array()?;
        return (flags & 0x08 != 0 && payload.len() > 8 + 14).then_some((Layer::Ethernet, 8));
    }
    if to(GENEVE_PORT) {
        // RFC 8926 §3.4: version 0; options in fours.
        let [first, _] = reader.array()?;
        let protocol = reader.u16()?;
        let header = 8 + usize::from(first & 0x3f) * 4;
        return (first >> 6 == 0 && payload.len() > header)
            .then_some((Layer::EtherType(protocol), header));
    }
    None
}
