//! IP packets in frames of other links than Ethernet's, as capturing programs write them.

use wrongdoor_core::wire::net::LinkType;

use super::Frame;

/// A way to frame a packet.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// What it is called in messages.
    pub name: &'static str,
    /// What the capture says that its frames are.
    pub kind: LinkType,
    /// Puts the link's header in front.
    pub header: fn(&[u8]) -> Vec<u8>,
    /// tshark needs no setting to read it.
    pub is_read_by_tshark: bool,
}

/// All of them.
pub const LINKS: &[Link] = &[
    link("PPP", LinkType::PPP, |ip| ppp(&[0x00, 0x21], ip)),
    link("PPP, framed", LinkType::PPP, |ip| ppp(&[0xff, 0x03, 0x00, 0x21], ip)),
    link("PPP, compressed", LinkType::PPP, |ip| ppp(&[0xff, 0x03, 0x21], ip)),
    link("PPP in HDLC", LinkType::PPP_HDLC, |ip| ppp(&[0xff, 0x03, 0x00, 0x21], ip)),
    link("Cisco HDLC", LinkType::C_HDLC, |ip| ppp(&[0x0f, 0x00, 0x08, 0x00], ip)),
    link("PPP with direction", LinkType::PPP_WITH_DIR, |ip| {
        ppp(&[0x01, 0xff, 0x03, 0x00, 0x21], ip)
    }),
    link("PPPoE", LinkType::PPP_ETHER, |ip| pppoe(&[0x00, 0x21], ip)),
    link("PPPoE on Ethernet, compressed", LinkType::ETHERNET, |ip| {
        [&[2; 12][..], &[0x88, 0x64], &pppoe(&[0x21], ip)].concat()
    }),
    link("802.11", LinkType::IEEE802_11, |ip| wireless(0x08, 0x01, &[], ip)),
    link("802.11, quality of service", LinkType::IEEE802_11, |ip| {
        wireless(0x88, 0x02, &[0, 0], ip)
    }),
    link("802.11, four addresses", LinkType::IEEE802_11, |ip| wireless(0x08, 0x03, &[2; 6], ip)),
    link("radiotap", LinkType::IEEE802_11_RADIOTAP, |ip| {
        radiotap(0, &wireless(0x88, 0x01, &[0, 0], ip))
    }),
    link("radiotap, padded", LinkType::IEEE802_11_RADIOTAP, |ip| {
        radiotap(0x20, &wireless(0x88, 0x01, &[0, 0, 0, 0], ip))
    }),
    link("Prism", LinkType::IEEE802_11_PRISM, |ip| prism(&wireless(0x08, 0x01, &[], ip))),
    link("AVS", LinkType::IEEE802_11_AVS, |ip| avs(&wireless(0x08, 0x01, &[], ip))),
    link("PKTAP", LinkType::PKTAP, |ip| pktap(&[&[2; 12][..], &[0x08, 0x00], ip].concat())),
    Link {
        is_read_by_tshark: false,
        ..link("PKTAP as Apple writes it", LinkType::USER2, |ip| {
            pktap(&[&[2; 12][..], &[0x08, 0x00], ip].concat())
        })
    },
    link("NFLOG", LinkType::NFLOG, nflog),
    link("IPNET", LinkType::IPNET, ipnet),
];

const fn link(name: &'static str, kind: LinkType, header: fn(&[u8]) -> Vec<u8>) -> Link {
    Link { name, kind, header, is_read_by_tshark: true }
}

// ===== impl Link =====

impl Link {
    /// Frames of bare IP packets, framed this way.
    pub fn frame(&self, packets: &[Frame]) -> Vec<Frame> {
        let framed = |packet: &Frame| {
            let bytes = (self.header)(&packet.bytes);
            Frame { at: packet.at, link: self.kind, wire_len: bytes.len(), bytes }
        };
        packets.iter().map(framed).collect()
    }
}

fn ppp(header: &[u8], ip: &[u8]) -> Vec<u8> {
    [header, ip].concat()
}

fn pppoe(protocol: &[u8], ip: &[u8]) -> Vec<u8> {
    let length = u16::try_from(protocol.len() + ip.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0x11, 0, 0, 1][..], &length, protocol, ip].concat()
}

/// A data frame: two bytes of control, three addresses, and what stands behind them.
fn wireless(first: u8, flags: u8, behind: &[u8], ip: &[u8]) -> Vec<u8> {
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00];
    [&[first, flags, 0, 0][..], &[2; 18], &[0x10, 0], behind, &snap, ip].concat()
}

/// With a time and flags.
fn radiotap(flags: u8, frame: &[u8]) -> Vec<u8> {
    [&[0, 0, 17, 0, 3, 0, 0, 0][..], &[0; 8], &[flags], frame].concat()
}

fn prism(frame: &[u8]) -> Vec<u8> {
    let mut bytes = [0x44_u32, 144].map(u32::to_le_bytes).concat();
    bytes.resize(144, 0);
    bytes.extend_from_slice(frame);
    bytes
}

fn avs(frame: &[u8]) -> Vec<u8> {
    [&[0x80, 0x21, 0x10, 0x01, 0, 0, 0, 64][..], &[0; 56], frame].concat()
}

/// An Ethernet frame of `en0`.
fn pktap(frame: &[u8]) -> Vec<u8> {
    let mut bytes = [108_u32, 1, 1].map(u32::to_le_bytes).concat();
    bytes.extend_from_slice(b"en0");
    bytes.resize(108, 0);
    bytes.extend_from_slice(frame);
    bytes
}

/// With a prefix in front of the packet.
fn nflog(ip: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 5];
    for (kind, value) in [(10_u16, &b"prefix\0"[..]), (9, ip)] {
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&[length, kind].map(u16::to_le_bytes).concat());
        bytes.extend_from_slice(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// With the packet's length, and interfaces and zones that are all zero.
fn ipnet(ip: &[u8]) -> Vec<u8> {
    let length = u32::try_from(ip.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[1, 2, 0, 0][..], &length, &[0; 16], ip].concat()
}
