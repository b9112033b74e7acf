//! QUIC versions: what differs between 1 (RFC 9000, RFC 9001) and 2 (RFC 9369).

/// A QUIC version as on the wire; unknown values survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuicVersion(pub u32);

/// The labels that a traffic secret becomes keys with.
pub(super) struct Labels {
    pub(super) key: &'static str,
    pub(super) iv: &'static str,
    pub(super) header: &'static str,
}

/// The type of a packet with a long header (RFC 9000 §17.2, RFC 9369 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PacketType {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
}

impl QuicVersion {
    /// Version 1.
    pub const V1: Self = Self(1);
    /// Version 2.
    pub const V2: Self = Self(0x6b33_43cf);

    /// Whether packets of this version can be read.
    pub fn is_supported(self) -> bool {
        matches!(self, Self::V1 | Self::V2)
    }

    /// The label of a version that is known and not read; none of all others, as any bytes may look like one.
    pub(super) fn unread(self) -> Option<&'static str> {
        match self.0 {
            // Drafts of version 1, and of version 2.
            0xff00_0000..=0xff00_00ff | 0x709a_50c4 => Some("draft_version"),
            // `Q046` and its like with Google's own handshake, `T050` and its like with TLS.
            0x5130_0000..=0x5139_ffff | 0x5430_0000..=0x5439_ffff => Some("google_version"),
            0xface_b000..=0xface_b0ff => Some("facebook_version"),
            _ => None,
        }
    }

    /// The type of the long header that begins with `first`; meaningful for supported versions.
    pub(super) fn kind(self, first: u8) -> PacketType {
        // Version 2 numbers the types one further, so that nothing grows used to the old numbers.
        let shift = u8::from(self == Self::V2);
        match (first >> 4).wrapping_sub(shift) & 3 {
            0 => PacketType::Initial,
            1 => PacketType::ZeroRtt,
            2 => PacketType::Handshake,
            _ => PacketType::Retry,
        }
    }

    /// What Initial secrets are extracted with (RFC 9001 §5.2, RFC 9369 §3.3.1).
    pub(super) fn initial_salt(self) -> Option<[u8; 20]> {
        match self {
            Self::V1 => Some([
                0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
                0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
            ]),
            Self::V2 => Some([
                0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
                0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
            ]),
            _ => None,
        }
    }

    /// RFC 9001 §5.1 and §5.4.1, RFC 9369 §3.3.2.
    pub(super) fn labels(self) -> Labels {
        match self {
            Self::V2 => Labels { key: "quicv2 key", iv: "quicv2 iv", header: "quicv2 hp" },
            _ => Labels { key: "quic key", iv: "quic iv", header: "quic hp" },
        }
    }

    /// Key and nonce of a Retry's integrity tag (RFC 9001 §5.8, RFC 9369 §3.3.3).
    pub(super) fn retry_key(self) -> Option<([u8; 16], [u8; 12])> {
        match self {
            Self::V1 => Some((
                [
                    0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3,
                    0x68, 0xc8, 0x4e,
                ],
                [0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb],
            )),
            Self::V2 => Some((
                [
                    0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2, 0x60, 0xfb, 0xcb, 0xce, 0xad,
                    0x7c, 0xcc, 0x92,
                ],
                [0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a],
            )),
            _ => None,
        }
    }
}
