//! What a packet begins with: for the engine it is bare IP wherever it can be.

use super::block::CapturedFrame;
use wrongdoor_core::wire::net::LinkType;
use wrongdoor_ebpf_common::packet::{ETHERTYPE_IPV4, ETHERTYPE_IPV6};

/// What a VLAN tag takes, with the EtherType behind it.
const TAG: usize = 4;
/// An IPv4 header without options.
const SHORTEST: usize = 20;
/// The "cooked" header of captures: 14 bytes that nobody reads, and the EtherType.
const COOKED: usize = 16;

/// The packet as the engine reads it. `scratch` lends the room where a header has to be put in front.
///
/// The kernel takes the outer VLAN tag off and leaves an inner one, of which the EtherType that it tells may be
/// either.
pub(super) fn packet<'a>(
    frame: &CapturedFrame<'a>,
    scratch: &'a mut Vec<u8>,
) -> (LinkType, &'a [u8]) {
    let CapturedFrame { bytes, wire_len, protocol, .. } = *frame;
    if let Some(ip) = bare(bytes, wire_len) {
        return (LinkType::RAW, ip);
    }
    scratch.clear();
    scratch.resize(COOKED - size_of::<u16>(), 0);
    scratch.extend(protocol.to_be_bytes());
    scratch.extend(bytes);
    (LinkType::LINUX_SLL, scratch)
}

/// The IP packet that this is, perhaps behind a tag.
fn bare(bytes: &[u8], wire_len: usize) -> Option<&[u8]> {
    if is_ip(bytes, wire_len) {
        return Some(bytes);
    }
    let kind = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
    let inner = bytes.get(TAG..)?;
    let is_tagged = matches!(kind, ETHERTYPE_IPV4 | ETHERTYPE_IPV6)
        && is_ip(inner, wire_len.saturating_sub(TAG));
    is_tagged.then_some(inner)
}

/// A tag may begin as IP does, and then names a length that the packet does not have.
fn is_ip(bytes: &[u8], wire_len: usize) -> bool {
    let half = |at: usize| {
        let half = bytes.get(at..).and_then(<[u8]>::first_chunk);
        half.map_or(0, |half| usize::from(u16::from_be_bytes(*half)))
    };
    match bytes.first().filter(|_| bytes.len() >= SHORTEST) {
        Some(0x45..=0x4f) => half(2) <= wire_len,
        Some(0x60..=0x6f) => half(4) + 40 <= wire_len,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrongdoor_core::time::Timestamp;

    fn frame(protocol: u16, bytes: &[u8]) -> CapturedFrame<'_> {
        let (at, wire_len) = (Timestamp(0), bytes.len());
        let (interface, hardware, is_outgoing) = (1, 1, false);
        CapturedFrame { at, bytes, wire_len, protocol, interface, hardware, is_outgoing }
    }

    fn ip(length: u8) -> Vec<u8> {
        let mut ip = vec![0x45, 0, 0, length];
        ip.resize(length.into(), 0);
        ip
    }

    #[test]
    fn ip_is_bare_also_behind_a_tag() {
        let ip = ip(60);
        // Of priorities 1, 2 and 3: the latter two look like versions of IP.
        for first in [0x20, 0x45, 0x60] {
            let tagged = [&[first, 1, 8, 0], &ip[..]].concat();
            for (protocol, bytes) in [(0x0800, &ip), (0x8100, &tagged), (0x0800, &tagged)] {
                let mut scratch = Vec::new();
                assert_eq!(packet(&frame(protocol, bytes), &mut scratch), (LinkType::RAW, &ip[..]));
            }
        }
    }

    #[test]
    fn anything_else_keeps_its_ethertype() {
        let labels = [&[0, 1, 1, 64], &ip(60)[..]].concat();
        let mut scratch = vec![1; 100];
        let (link, bytes) = packet(&frame(0x8847, &labels), &mut scratch);
        assert_eq!(link, LinkType::LINUX_SLL);
        assert_eq!(bytes, [&[0; 14][..], &[0x88, 0x47], &labels].concat());
        for bytes in [&b""[..], &[0x45], &[0x45, 0, 0], &[0x60, 0, 0, 0, 0], &[1, 2, 8, 0]] {
            assert_eq!(
                packet(&frame(0x0800, bytes), &mut scratch).0,
                LinkType::LINUX_SLL,
                "{bytes:?}"
            );
        }
    }
}
