//! What a captured frame begins with.

use super::link;
use super::link_names::NAMES;
use std::fmt;

/// A `LINKTYPE_` value as in pcap and pcapng headers; unknown values survive.
///
/// Source: <https://www.tcpdump.org/linktypes.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: a four-byte address family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP, as some systems' `DLT_RAW` was written to files.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP, OpenBSD's `DLT_RAW`.
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP, with or without HDLC-like framing.
    pub const PPP: Self = Self(9);
    /// PPP in HDLC-like framing, or Cisco's framing.
    pub const PPP_HDLC: Self = Self(50);
    /// PPPoE, session stage.
    pub const PPP_ETHER: Self = Self(51);
    /// Cisco's framing of serial lines.
    pub const C_HDLC: Self = Self(104);
    /// IEEE 802.11.
    pub const IEEE802_11: Self = Self(105);
    /// IEEE 802.11 behind Prism's header, or AVS's.
    pub const IEEE802_11_PRISM: Self = Self(119);
    /// IEEE 802.11 behind radiotap.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// For private use; Apple's PKTAP in captures of its own tools.
    pub const USER2: Self = Self(149);
    /// IEEE 802.11 behind AVS's header.
    pub const IEEE802_11_AVS: Self = Self(163);
    /// PPP with a direction in place of the address.
    pub const PPP_PPPD: Self = Self(166);
    /// PPP behind a byte for the direction.
    pub const PPP_WITH_DIR: Self = Self(204);
    /// Solaris's IPNET: IP behind 24 bytes.
    pub const IPNET: Self = Self(226);
    /// Linux's NFLOG: IP among attributes.
    pub const NFLOG: Self = Self(239);
    /// Apple's PKTAP: a frame behind the interface that it was on.
    pub const PKTAP: Self = Self(258);
    /// Raw IP; the version is in the first nibble.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: a four-byte address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked" capture.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// Whether packets of this type are read.
    pub fn is_read(self) -> bool {
        link::header_of(self).is_some()
    }

    /// Apple's, under either number.
    pub(super) fn is_pktap(self) -> bool {
        matches!(self, Self::PKTAP | Self::USER2)
    }
}

impl fmt::Display for LinkType {
    /// `105 (IEEE802_11)`; the number alone where it has no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}
