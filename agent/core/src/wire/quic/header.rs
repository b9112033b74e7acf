//! Packet headers: where one packet of a datagram ends and what kind it is (RFC 9000 §17).
//!
//! ```text
//! long:   1?TTxxxx version(32) dcid(8+n) scid(8+n) [token(v+n)] length(v) number(8..32, protected) …
//! retry:  1?11xxxx version(32) dcid(8+n) scid(8+n) token(…) tag(128)
//! short:  0?xxxxxx …to the end of the datagram
//! ```
//!
//! The fixed bit `?` is not looked at: endpoints that know each other may clear it (RFC 9287), and the
//! version's 32 bits already tell QUIC from anything else.

use super::version::{PacketType, QuicVersion};
use crate::wire::reader::Reader;

/// The longest connection id of versions 1 and 2.
const MAX_CID: usize = 20;
/// A client pads datagrams that carry an Initial to this; a server drops shorter ones (RFC 9000 §14.1).
const MIN_CLIENT_DATAGRAM: usize = 1200;
/// The shortest destination a client makes up (RFC 9000 §7.2).
const MIN_FIRST_DESTINATION: usize = 8;
/// What there must be after `length` so that a header protection sample exists (RFC 9001 §5.4.2).
const MIN_PROTECTED: usize = 4 + 16;
/// The length of an AEAD tag.
pub(super) const TAG_LEN: usize = 16;

/// A connection id of at most 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuicConnectionId {
    bytes: [u8; MAX_CID],
    len: u8,
}

/// One packet of a datagram.
#[derive(Debug)]
pub(super) enum QuicPacket<'a> {
    /// Initial, 0-RTT or Handshake of a supported version.
    Long(Long<'a>),
    /// A Retry of a supported version. It has no length: it is the rest of the datagram.
    Retry(Retry<'a>),
    /// Version 0: the server speaks none of the client's (RFC 8999 §6).
    VersionNegotiation,
    /// A long header of a version whose layout is not known.
    OtherVersion,
    /// A 1-RTT packet, if anything: its header says nothing that could be checked.
    Short,
}

/// A packet with a long header and a length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Long<'a> {
    pub(super) kind: PacketType,
    pub(super) version: QuicVersion,
    pub(super) destination: QuicConnectionId,
    pub(super) source: QuicConnectionId,
    pub(super) has_token: bool,
    /// The packet from its first byte to its last.
    pub(super) bytes: &'a [u8],
    /// Where in `bytes` the packet number begins.
    pub(super) number_at: usize,
}

/// A Retry packet (RFC 9000 §17.2.5).
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry<'a> {
    pub(super) version: QuicVersion,
    pub(super) destination: QuicConnectionId,
    pub(super) source: QuicConnectionId,
    /// Everything in front of the tag.
    pub(super) sealed: &'a [u8],
    pub(super) tag: &'a [u8],
}

/// Whether a datagram may be a client's first: a long header of a known version, type Initial, padded
/// as clients have to. Cheap, and proves nothing: only the AEAD does.
pub fn looks_like_initial(payload: &[u8]) -> bool {
    let mut reader = Reader::new(payload);
    let (Some(first), Some(version)) = (reader.u8(), reader.u32().map(QuicVersion)) else {
        return false;
    };
    payload.len() >= MIN_CLIENT_DATAGRAM
        && first & 0x80 != 0
        && version.is_supported()
        && version.kind(first) == PacketType::Initial
}

/// The label of the version with which a datagram may open a connection, where that is known and not read.
pub fn unread_version(payload: &[u8]) -> Option<&'static str> {
    let mut reader = Reader::new(payload);
    let (first, version) = (reader.u8()?, QuicVersion(reader.u32()?));
    let may_open = payload.len() >= MIN_CLIENT_DATAGRAM && first & 0x80 != 0;
    version.unread().filter(|_| may_open)
}

/// Takes the first packet off `datagram`, which is not empty; `None` where the header is broken.
pub(super) fn split(datagram: &[u8]) -> Option<(QuicPacket<'_>, &[u8])> {
    let mut reader = Reader::new(datagram);
    let first = reader.u8()?;
    if first & 0x80 == 0 {
        return Some((QuicPacket::Short, &[]));
    }
    let version = QuicVersion(reader.u32()?);
    if !version.is_supported() {
        let negotiation = version.0 == 0;
        let packet =
            if negotiation { QuicPacket::VersionNegotiation } else { QuicPacket::OtherVersion };
        return Some((packet, &[]));
    }
    let destination = QuicConnectionId::new(reader.vec8()?)?;
    let source = QuicConnectionId::new(reader.vec8()?)?;
    let kind = version.kind(first);
    if kind == PacketType::Retry {
        let (sealed, tag) = datagram.split_at_checked(datagram.len().checked_sub(TAG_LEN)?)?;
        // The token in between must not be empty.
        let whole = reader.len() > TAG_LEN;
        let retry = Retry { version, destination, source, sealed, tag };
        return whole.then_some((QuicPacket::Retry(retry), &[]));
    }
    let token_len = if kind == PacketType::Initial { varint(&mut reader)? } else { 0 };
    reader.skip(usize::try_from(token_len).ok()?)?;
    let len = usize::try_from(varint(&mut reader)?).ok()?;
    let number_at = datagram.len() - reader.len();
    if len < MIN_PROTECTED {
        return None;
    }
    let (bytes, rest) = datagram.split_at_checked(number_at.checked_add(len)?)?;
    let has_token = token_len > 0;
    let long = Long { kind, version, destination, source, has_token, bytes, number_at };
    Some((QuicPacket::Long(long), rest))
}

/// A variable-length integer (RFC 9000 §16).
pub(super) fn varint(reader: &mut Reader<'_>) -> Option<u64> {
    let first = reader.u8()?;
    let more = reader.take((1 << (first >> 6)) - 1)?;
    let low =
        more.iter().fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte));
    Some(low)
}

// === impl Long ===

impl Long<'_> {
    /// Whether a server would take this Initial, in a datagram of this length, for a new connection.
    ///
    /// After a Retry (hence with its token) the destination is the server's choice, of any length.
    pub(super) fn can_start(&self, datagram_len: usize) -> bool {
        self.kind == PacketType::Initial
            && datagram_len >= MIN_CLIENT_DATAGRAM
            && (self.has_token || self.destination.as_bytes().len() >= MIN_FIRST_DESTINATION)
    }
}

// === impl QuicConnectionId ===

impl QuicConnectionId {
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let mut id = Self { bytes: [0; MAX_CID], len: u8::try_from(bytes.len()).ok()? };
        id.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(id)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_length_integers_agree_with_rfc_9000_a_1() {
        for (bytes, value) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ] {
            assert_eq!(varint(&mut Reader::new(bytes)), Some(value));
            assert_eq!(varint(&mut Reader::new(&bytes[..bytes.len() - 1])), None);
        }
    }

    #[test]
    fn each_version_numbers_its_packet_types() {
        use PacketType::{Handshake, Initial, Retry, ZeroRtt};
        let kinds =
            |version: QuicVersion| [0xc0, 0xd0, 0xe0, 0xf0].map(|first| version.kind(first));
        assert_eq!(kinds(QuicVersion::V1), [Initial, ZeroRtt, Handshake, Retry]);
        assert_eq!(kinds(QuicVersion::V2), [Retry, Initial, ZeroRtt, Handshake]);
    }

    #[test]
    fn only_padded_initials_of_known_versions_look_like_a_start() {
        let mut datagram = vec![0; 1200];
        datagram[..5].copy_from_slice(&[0xc0, 0, 0, 0, 1]);
        assert!(looks_like_initial(&datagram));
        assert!(!looks_like_initial(&datagram[..1199]));
        for (at, value) in [(0, 0x40), (0, 0xe0), (4, 2), (1, 0xff)] {
            let mut other = datagram.clone();
            other[at] = value;
            assert!(!looks_like_initial(&other), "{at} {value}");
        }
        assert!(!looks_like_initial(b"") && !looks_like_initial(&[0xc0]));
    }
}
