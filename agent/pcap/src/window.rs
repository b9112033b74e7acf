//! A stretch of a capture that workers share.

use std::ops::Range;

use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::LinkType;

use super::mapped::MappedRange;

/// A stretch of consecutive packets of one capture.
///
/// `Send + Sync`: put it into an `Arc` and give it to as many threads as there are. Its bytes are
/// those of the capture itself, in place; when it is dropped, mapped pages are released.
#[derive(Debug)]
pub struct PacketWindow {
    bytes: WindowBytes,
    packets: Vec<PacketEntry>,
    secrets: Vec<Vec<u8>>,
}

/// One packet as captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapturedPacket<'a> {
    /// When it was captured. A simple packet block has no time: it takes that of the packet before.
    pub at: Timestamp,
    /// What `bytes` begins with.
    pub link: LinkType,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// How long it was on the network.
    pub original_len: u32,
}

/// Where a packet lies in its window.
///
/// The place is kept and not the slice, so that a capture is walked by its headers alone and the
/// pages of long packets are first touched by the worker that wants them.
#[derive(Clone, Copy, Debug)]
pub(super) struct PacketEntry {
    pub(super) at: Timestamp,
    pub(super) offset: u32,
    pub(super) len: u32,
    pub(super) original_len: u32,
    pub(super) link: LinkType,
}

/// What a walk over a stretch of bytes found in it.
#[derive(Debug, Default)]
pub(super) struct PacketBatch {
    pub(super) packets: Vec<PacketEntry>,
    pub(super) secrets: Vec<Vec<u8>>,
}

#[derive(Debug)]
pub(super) enum WindowBytes {
    Mapped(MappedRange),
    Owned(Vec<u8>),
}

// === impl PacketWindow ===

impl PacketWindow {
    pub(super) fn new(bytes: WindowBytes, batch: PacketBatch) -> Self {
        Self { bytes, packets: batch.packets, secrets: batch.secrets }
    }

    /// How many packets it holds. May be none, where it carries secrets only.
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether it holds no packets.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// The packet at `index`, in the order of the capture.
    #[inline]
    pub fn get(&self, index: usize) -> Option<CapturedPacket<'_>> {
        self.packets.get(index).map(|entry| entry.packet(self.bytes()))
    }

    /// The packets in the order of the capture.
    #[inline]
    pub fn packets(
        &self,
    ) -> impl ExactSizeIterator<Item = CapturedPacket<'_>> + DoubleEndedIterator {
        let bytes = self.bytes();
        self.packets.iter().map(move |entry| entry.packet(bytes))
    }

    /// Key log texts of the Decryption Secrets Blocks in this stretch, in the order of the capture.
    ///
    /// Empty where [`CaptureFile::secrets_ahead`](super::CaptureFile::secrets_ahead) gave them all
    /// before.
    pub fn secrets(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.secrets.iter().map(Vec::as_slice)
    }

    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            WindowBytes::Mapped(range) => range.bytes(),
            WindowBytes::Owned(bytes) => bytes,
        }
    }
}

// === impl PacketEntry ===

impl PacketEntry {
    /// The entry for the bytes at `range` of a window, or `None` where a window cannot be so long.
    pub(super) fn new(
        range: Range<usize>,
        original_len: u32,
        at: Timestamp,
        link: LinkType,
    ) -> Option<Self> {
        let len = u32::try_from(range.len()).ok()?;
        Some(Self { at, offset: u32::try_from(range.start).ok()?, len, original_len, link })
    }

    #[inline]
    fn packet<'a>(&self, window: &'a [u8]) -> CapturedPacket<'a> {
        let (offset, len) = (self.offset as usize, self.len as usize);
        // The walk that made the entry had the whole packet before it.
        let bytes = window.get(offset..offset + len).unwrap_or_default();
        CapturedPacket { at: self.at, link: self.link, bytes, original_len: self.original_len }
    }
}
