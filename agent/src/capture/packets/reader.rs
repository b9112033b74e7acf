//! From the rings to the engine.

use super::block::CapturedFrame;
use super::duplicates::Duplicates;
use super::link;
use super::ring::Ring;
use wrongdoor_core::engine::Engine;

/// Packets are numbered from here on: probes, which may feed the same engine, number theirs below.
const FIRST: u64 = 1 << 48;
/// ARPHRD_LOOPBACK
const LOOPBACK: u16 = 772;

/// Reads packets.
pub(super) struct RingReader {
    duplicates: Duplicates,
    /// Room for the few packets that a header has to be put in front of.
    scratch: Vec<u8>,
    counts: ReadCounts,
}

/// What was read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ReadCounts {
    /// All of them, with those that a block promised and did not have.
    pub(super) packets: u64,
    /// Seen on another interface before.
    pub(super) duplicates: u64,
    /// No longer recognised if another interface shows them.
    pub(super) forgotten: u64,
    /// Leaving on the loopback interface, where they come in too.
    pub(super) looped: u64,
    /// Those that a block promised and did not have.
    pub(super) damaged: u64,
    /// Larger than a block.
    pub(super) truncated: u64,
}

impl RingReader {
    pub(super) fn new() -> Self {
        let duplicates = Duplicates::new();
        Self { duplicates, scratch: Vec::new(), counts: ReadCounts::default() }
    }

    /// Feeds the engine the next block of a ring, if there is one.
    pub(super) fn block(&mut self, ring: &mut Ring, engine: &mut Engine) -> bool {
        let taken = ring.take(|frame| self.frame(frame, engine));
        if let Some((_, missing)) = taken {
            self.counts.packets += missing;
            self.counts.damaged += missing;
        }
        taken.is_some()
    }

    pub(super) fn counts(&self) -> ReadCounts {
        ReadCounts { forgotten: self.duplicates.forgotten(), ..self.counts }
    }

    fn frame(&mut self, frame: &CapturedFrame<'_>, engine: &mut Engine) {
        let number = FIRST + self.counts.packets;
        self.counts.packets += 1;
        if frame.is_outgoing && frame.hardware == LOOPBACK {
            self.counts.looped += 1;
            return;
        }
        let (link, bytes) = link::packet(frame, &mut self.scratch);
        if self.duplicates.is_one(frame.interface, frame.at, bytes) {
            self.counts.duplicates += 1;
            return;
        }
        self.counts.truncated += u64::from(frame.wire_len > frame.bytes.len());
        // A header may have been put in front, or a tag taken off.
        let wire_len = frame.wire_len - frame.bytes.len() + bytes.len();
        engine.handle_packet(number, frame.at, link, bytes, wire_len);
    }
}

impl ReadCounts {
    /// Packets that were seen before.
    pub(super) fn repeated(&self) -> u64 {
        self.duplicates + self.looped
    }
}
