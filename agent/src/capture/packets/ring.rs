//! A socket and its ring: the kernel fills one block after the other, and gets each back once it is read.

use super::block::{CapturedFrame, Frames};
use super::sys::{PacketSocket, RingMapping, Statistics};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use wrongdoor_core::time::Timestamp;

/// A block holds any packet, also those that segmentation offload makes (64 KiB), and a few at that.
const BLOCK_BYTES: u32 = 256 * 1024;
/// What a block is a multiple of.
const PAGE_BYTES: u32 = 4096;
/// With fewer the kernel would have to wait while one is read.
const MIN_BLOCKS: u32 = 2;
/// The kernel hands over a block that is not full after so many milliseconds.
const RETIRE_AFTER: u32 = 10;

/// An open socket with its ring.
#[derive(Debug)]
pub(super) struct Ring {
    socket: PacketSocket,
    mapping: RingMapping,
    /// The block that the kernel hands over next.
    next: usize,
    totals: Totals,
}

/// Since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Passed by the filter, with those that there was no room for.
    pub(super) packets: u64,
    /// Those that there was no room for.
    pub(super) drops: u64,
    /// How often there was no room at all.
    pub(super) freezes: u64,
}

impl Ring {
    /// A ring of about this size, from which nothing comes yet.
    pub(super) fn new(socket: PacketSocket, bytes: u32) -> io::Result<Self> {
        let block_bytes =
            (bytes / MIN_BLOCKS).clamp(PAGE_BYTES, BLOCK_BYTES) / PAGE_BYTES * PAGE_BYTES;
        let blocks = (bytes / block_bytes).max(MIN_BLOCKS);
        let mapping = socket.ring(block_bytes, blocks, RETIRE_AFTER)?;
        Ok(Self { socket, mapping, next: 0, totals: Totals::default() })
    }

    pub(super) fn socket(&self) -> &PacketSocket {
        &self.socket
    }

    /// When the first packet of the next block was captured, if the kernel has handed that block over. A block without
    /// packets comes before all others.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        let block = self.mapping.block(self.next)?;
        Some(Frames::new(block).next().map_or(Timestamp(i64::MIN), |frame| frame.at))
    }

    /// Takes the packets of the next block, if the kernel has handed it over: how many there were, and how many
    /// were promised besides.
    pub(super) fn take(&mut self, mut each: impl FnMut(&CapturedFrame<'_>)) -> Option<(u64, u64)> {
        let mut frames = Frames::new(self.mapping.block(self.next)?);
        let mut count = 0;
        for frame in frames.by_ref() {
            each(&frame);
            count += 1;
        }
        let missing = frames.missing();
        self.mapping.give_back(self.next);
        self.next = (self.next + 1) % self.mapping.blocks().max(1);
        Some((count, missing))
    }

    /// What the kernel has counted so far.
    pub(super) fn totals(&mut self) -> Totals {
        // Asking empties the kernel's counts.
        let Statistics { packets, drops, freezes } = self.socket.statistics().unwrap_or_default();
        self.totals.packets += u64::from(packets);
        self.totals.drops += u64::from(drops);
        self.totals.freezes += u64::from(freezes);
        self.totals
    }
}

impl Totals {
    pub(super) fn add(&mut self, other: Self) {
        self.packets += other.packets;
        self.drops += other.drops;
        self.freezes += other.freezes;
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
