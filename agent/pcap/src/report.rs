//! What was wrong with a capture that was read nevertheless.

use std::collections::BTreeMap;
use std::fmt;

use super::Compression;
use super::limits::{
    MAX_INTERFACES, MAX_PACKET_BYTES, MAX_SECRETS_BYTES, MAX_SECRETS_TOTAL_BYTES, MAX_UNREAD_LINKS,
};
use wrongdoor_core::wire::net::LinkType;

/// Where reading ended early, and why. Everything before it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where the damaged packet or block begins, in bytes of the (uncompressed) capture.
    pub offset: u64,
    /// Set where `offset` counts bytes that came out of a decompressor.
    pub compression: Option<Compression>,
    /// What is wrong there.
    pub kind: DamageKind,
}

/// What is wrong at one place of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// The capture ends inside a header, packet or block.
    BreaksOff,
    /// A pcap record claims more bytes than any packet of this capture may have.
    PacketLength(u32),
    /// A pcapng block claims a length that no block of its kind has.
    BlockLength(u32),
    /// A pcapng block's length does not agree with its repetition at the end of the block.
    Trailer {
        /// The length at the block's start.
        length: u32,
        /// The length at the block's end.
        trailer: u32,
    },
    /// A section header has no valid byte order mark.
    ByteOrder,
    /// A section header of a version that is not known.
    Version(u16),
    /// The bytes could not be read or decompressed.
    Failed(String),
}

/// Something about a capture that its reader should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Reading ended early.
    Damaged(Damage),
    /// This many packets were longer than [`MAX_PACKET_BYTES`] and passed over.
    Oversized(u64),
    /// This many packets or blocks contradict themselves, or name an interface that was never
    /// described, and were passed over.
    Unreadable(u64),
    /// This many Decryption Secrets Blocks were beyond the limits and passed over.
    SecretsSkipped(u64),
    /// This many interface descriptions were beyond [`MAX_INTERFACES`].
    InterfacesSkipped(u64),
    /// Packets of a link type that is not read.
    UnreadLink {
        /// The type; `None` for all that are beyond [`MAX_UNREAD_LINKS`].
        link: Option<LinkType>,
        /// How many they are.
        packets: u64,
    },
}

/// What was counted while walking.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Packets handed out.
    pub(super) packets: u64,
    pub(super) oversized: u64,
    pub(super) unreadable: u64,
    pub(super) secrets_skipped: u64,
    pub(super) interfaces_skipped: u64,
    /// The last link type that is read.
    read_link: Option<LinkType>,
    /// Packets of link types that are not read, by the type's number.
    unread_links: BTreeMap<u32, u64>,
    /// Those of types beyond the bound.
    unread_others: u64,
}

// === impl Tally ===

impl Tally {
    /// A packet is handed out.
    #[inline]
    pub(super) fn packet(&mut self, link: LinkType) {
        self.packets += 1;
        if self.read_link != Some(link) {
            self.other_link(link);
        }
    }

    fn other_link(&mut self, link: LinkType) {
        if link.is_read() {
            self.read_link = Some(link);
        } else if self.unread_links.len() < MAX_UNREAD_LINKS
            || self.unread_links.contains_key(&link.0)
        {
            *self.unread_links.entry(link.0).or_default() += 1;
        } else {
            self.unread_others += 1;
        }
    }

    pub(super) fn warnings(&self) -> impl Iterator<Item = Warning> {
        let links =
            self.unread_links.iter().map(|(link, packets)| (Some(LinkType(*link)), *packets));
        let others = Some((None, self.unread_others)).filter(|(_, packets)| *packets > 0);
        let links = links.chain(others);
        [
            (self.oversized, Warning::Oversized as fn(u64) -> Warning),
            (self.unreadable, Warning::Unreadable),
            (self.secrets_skipped, Warning::SecretsSkipped),
            (self.interfaces_skipped, Warning::InterfacesSkipped),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, warning)| warning(count))
        .chain(links.map(|(link, packets)| Warning::UnreadLink { link, packets }))
    }
}

// === impl Damage ===

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}", self.offset)?;
        if let Some(compression) = self.compression {
            write!(f, " of the uncompressed capture ({compression})")?;
        }
        match &self.kind {
            DamageKind::BreaksOff => {
                f.write_str(" begins a packet or block in which the capture breaks off")
            }
            DamageKind::PacketLength(length) => {
                write!(f, " begins a packet with an impossible length of {length} bytes")
            }
            DamageKind::BlockLength(length) => {
                write!(f, " begins a block with an impossible length of {length} bytes")
            }
            DamageKind::Trailer { length, trailer } => write!(
                f,
                " begins a block that is {length} bytes long by its start but {trailer} by its end"
            ),
            DamageKind::ByteOrder => f.write_str(" begins a section without a byte order mark"),
            DamageKind::Version(version) => {
                write!(f, " begins a section of the unknown version {version}")
            }
            DamageKind::Failed(reason) => {
                write!(f, " it breaks off because it cannot be read: {reason}")
            }
        }
    }
}

// === impl Warning ===

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(damage) => write!(f, "read only in part: {damage}"),
            Self::Oversized(count) => {
                write!(f, "passed over {count} packets longer than {MAX_PACKET_BYTES} bytes")
            }
            Self::Unreadable(count) => {
                write!(f, "passed over {count} unreadable packets or blocks")
            }
            Self::SecretsSkipped(count) => write!(
                f,
                "passed over {count} blocks of secrets (more than {MAX_SECRETS_BYTES} bytes in \
                 one, {MAX_SECRETS_TOTAL_BYTES} in all, or malformed)"
            ),
            Self::InterfacesSkipped(count) => {
                write!(f, "passed over {count} interfaces beyond {MAX_INTERFACES} in one section")
            }
            Self::UnreadLink { link: Some(link), packets } => {
                write!(f, "packets of link type {link} are not read: {packets}")
            }
            Self::UnreadLink { link: None, packets } => {
                write!(f, "packets of further link types are not read: {packets}")
            }
        }
    }
}
