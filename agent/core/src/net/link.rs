//! Link layers: from the first byte of a captured frame to the network layer.

use super::LinkType;
use super::decode::NetError;
use crate::reader::Reader;

/// What stands at the front of the remaining bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// What an EtherType names.
    EtherType(u16),
    /// IPv4 or IPv6 by the first nibble.
    Ip,
    /// A whole Ethernet frame.
    Ethernet,
    /// An IP payload of this protocol number.
    IpPayload(u8),
}

pub(super) const ETHERTYPE_IPV4: u16 = 0x0800;
pub(super) const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_TRANSPARENT_ETHERNET: u16 = 0x6558;
const ETHERTYPE_MPLS: u16 = 0x8847;
const ETHERTYPE_MPLS_MULTICAST: u16 = 0x8848;
const ETHERTYPE_PPPOE_SESSION: u16 = 0x8864;
/// 802.1Q, 802.1ad (QinQ) and the older QinQ values.
const ETHERTYPES_VLAN: [u16; 5] = [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300];

/// The layer that a frame of this link type begins with; the link header is consumed.
pub(super) fn first_layer(link: LinkType, reader: &mut Reader<'_>) -> Result<Layer, NetError> {
    let truncated = NetError::Truncated;
    Ok(match link {
        LinkType::ETHERNET => Layer::Ethernet,
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => Layer::Ip,
        LinkType::NULL | LinkType::LOOP => {
            // The family is in the capturing host's byte order and its numbers differ between
            // systems; the version nibble behind it says the same for all of them.
            reader.skip(4).ok_or(truncated)?;
            Layer::Ip
        }
        LinkType::LINUX_SLL => {
            reader.skip(14).ok_or(truncated)?;
            Layer::EtherType(reader.u16().ok_or(truncated)?)
        }
        LinkType::LINUX_SLL2 => {
            let protocol = reader.u16().ok_or(truncated)?;
            reader.skip(18).ok_or(truncated)?;
            Layer::EtherType(protocol)
        }
        _ => return Err(NetError::UnsupportedLink),
    })
}

/// Passes over one Ethernet header.
pub(super) fn ethernet(reader: &mut Reader<'_>) -> Option<Layer> {
    reader.skip(12)?;
    Some(Layer::EtherType(reader.u16()?))
}

/// What an EtherType stands for; its header is consumed. `None`: cut short; `Some(None)`: not ours.
pub(super) fn ether_type(kind: u16, reader: &mut Reader<'_>) -> Option<Option<Layer>> {
    Some(Some(match kind {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Layer::Ip,
        ETHERTYPE_TRANSPARENT_ETHERNET => Layer::Ethernet,
        kind if ETHERTYPES_VLAN.contains(&kind) => {
            reader.skip(2)?;
            Layer::EtherType(reader.u16()?)
        }
        ETHERTYPE_MPLS | ETHERTYPE_MPLS_MULTICAST => return mpls(reader),
        ETHERTYPE_PPPOE_SESSION => return pppoe(reader),
        _ => return Some(None),
    }))
}

/// A label stack (RFC 3032). What is behind it is not said: IP by its nibble, or a pseudowire's Ethernet.
pub(super) fn mpls(reader: &mut Reader<'_>) -> Option<Option<Layer>> {
    loop {
        let [_, _, bottom, _] = reader.array()?;
        if bottom & 1 == 1 {
            break;
        }
    }
    Some(match reader.rest().first()? >> 4 {
        4 | 6 => Some(Layer::Ip),
        // A control word (RFC 4385) starts with a zero nibble.
        0 => {
            reader.skip(4)?;
            Some(Layer::Ethernet)
        }
        _ => Some(Layer::Ethernet),
    })
}

/// PPPoE session stage (RFC 2516) with its PPP protocol field.
fn pppoe(reader: &mut Reader<'_>) -> Option<Option<Layer>> {
    reader.skip(6)?;
    Some(match reader.u16()? {
        0x0021 | 0x0057 => Some(Layer::Ip),
        0x0281 => return mpls(reader),
        _ => None,
    })
}
