//! Link layers: from the first byte of a captured frame to the network layer.

mod ppp;
mod wireless;
mod wrapped;

use super::LinkType;
use super::decode::NetError;
use crate::wire::reader::Reader;

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

/// The layer behind a link header, which is consumed; none where no packet is in the frame.
pub(super) type Framed = Result<Option<Layer>, NetError>;
/// Reads a link header. The number is that of bytes behind the reader's that were not captured.
pub(super) type Header = fn(&mut Reader<'_>, &mut usize) -> Framed;

/// How the header of this link type is read; none where it is not.
pub(super) fn header_of(link: LinkType) -> Option<Header> {
    Some(match link {
        LinkType::ETHERNET => |_, _| Ok(Some(Layer::Ethernet)),
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => |_, _| Ok(Some(Layer::Ip)),
        LinkType::NULL | LinkType::LOOP => loopback,
        LinkType::LINUX_SLL => cooked,
        LinkType::LINUX_SLL2 => cooked2,
        LinkType::PPP => ppp::ppp,
        LinkType::PPP_HDLC => ppp::serial,
        LinkType::PPP_ETHER => ppp::over_ethernet,
        LinkType::PPP_WITH_DIR => ppp::with_direction,
        LinkType::PPP_PPPD => ppp::pppd,
        LinkType::C_HDLC => ppp::cisco,
        LinkType::IEEE802_11 => wireless::bare,
        LinkType::IEEE802_11_RADIOTAP => wireless::radiotap,
        LinkType::IEEE802_11_PRISM => wireless::prism,
        LinkType::IEEE802_11_AVS => wireless::avs,
        LinkType::PKTAP | LinkType::USER2 => wrapped::pktap,
        LinkType::NFLOG => wrapped::nflog,
        LinkType::IPNET => wrapped::ipnet,
        _ => return None,
    })
}

/// The family is in the capturing host's byte order and its numbers differ between systems; the version nibble behind
/// it says the same for all of them.
fn loopback(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    reader.skip(4).map(|()| Some(Layer::Ip)).ok_or(NetError::Truncated)
}

fn cooked(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    reader.skip(14).ok_or(NetError::Truncated)?;
    reader.u16().map(|kind| Some(Layer::EtherType(kind))).ok_or(NetError::Truncated)
}

fn cooked2(reader: &mut Reader<'_>, _cut: &mut usize) -> Framed {
    let kind = reader.u16().ok_or(NetError::Truncated)?;
    reader.skip(18).map(|()| Some(Layer::EtherType(kind))).ok_or(NetError::Truncated)
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
        ETHERTYPE_PPPOE_SESSION => return ppp::pppoe(reader),
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

#[cfg(test)]
mod tests;
