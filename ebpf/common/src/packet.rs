//! What both filters of packet sockets go by: the one in eBPF, and the agent's in classic BPF.

/// The verdict on a packet that is dropped.
pub const DROP: u32 = 0;
/// The verdict on one that passes whole: more bytes than any packet has.
pub const PASS: u32 = 0x7fff_ffff;

/// The EtherType of IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// The EtherType of IPv6.
pub const ETHERTYPE_IPV6: u16 = 0x86dd;
/// VLAN tags that the kernel left in, MPLS and PPPoE: what is behind them is not looked for.
pub const ETHERTYPES_IN_FRONT: [u16; 6] = [0x8100, 0x88a8, 0x9100, 0x8847, 0x8848, 0x8864];
/// The IP protocol of TCP.
pub const TCP: u8 = 6;
/// The IP protocol of UDP.
pub const UDP: u8 = 17;
/// IPv6's extension headers, which are not walked over.
pub const IPV6_EXTENSIONS: [u8; 6] = [0, 43, 44, 51, 60, 135];
/// QUIC's version negotiation, and the versions that are read.
pub const QUIC_VERSIONS: [u32; 3] = [0, 1, 0x6b33_43cf];

/// `PACKET_OUTGOING` of the kernel: a packet that leaves.
pub const OUTGOING: u32 = 4;
/// The loopback interface has this number in every network namespace.
pub const LOOPBACK: u32 = 1;

/// The table of cleartext ports: one bit for each port.
pub mod ports {
    /// The words of the table.
    pub const WORDS: u32 = 65_536 / 64;

    /// The word that has a port's bit, and the bit.
    pub const fn place(port: u16) -> (u32, u64) {
        (port as u32 / 64, 1 << (port % 64))
    }
}
