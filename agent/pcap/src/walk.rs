//! Finding the packets in a stretch of bytes, whatever the format. No I/O here.

use super::headers::{PCAP_HEADER_BYTES, pcap_header};
use super::pcap::PcapWalk;
use super::pcapng::{PcapngWalk, SECTION_HEADER};
use super::report::{DamageKind, Tally};
use super::window::PacketBatch;

/// What is known of the capture so far.
#[derive(Debug)]
pub(super) enum Walk {
    /// Not even the format.
    Start,
    Pcap(PcapWalk),
    Pcapng(PcapngWalk),
}

/// How far a walk came.
#[derive(Debug)]
pub(super) struct WalkEnd {
    /// Bytes that were gone over, whole records and blocks only.
    pub(super) used: usize,
    pub(super) stop: Stop,
}

/// Why a walk stopped there.
#[derive(Debug)]
pub(super) enum Stop {
    /// The stretch is as long as wanted.
    Full,
    /// What follows is not all there.
    Short,
    /// What follows is to be passed over unseen.
    Skip(u64),
    /// What follows cannot be read, nor can anything behind it.
    Damaged(DamageKind),
    /// The input begins like no capture.
    Foreign,
}

/// What a walk writes to.
pub(super) struct Findings<'a> {
    pub(super) batch: &'a mut PacketBatch,
    pub(super) tally: &'a mut Tally,
}

// === impl Walk ===

impl Walk {
    /// Goes over the records or blocks in `bytes` until at least `want` bytes are behind.
    pub(super) fn walk(&mut self, bytes: &[u8], want: usize, to: &mut Findings<'_>) -> WalkEnd {
        match self {
            Self::Start => self.start(bytes, want, to),
            Self::Pcap(pcap) => pcap.walk(bytes, 0, want, to),
            Self::Pcapng(pcapng) => pcapng.walk(bytes, want, to),
        }
    }

    /// Makes a pcapng walk of one that has not begun, if that is what `bytes` begin.
    pub(super) fn start_pcapng(&mut self, bytes: &[u8]) -> Option<&mut PcapngWalk> {
        if !matches!(self, Self::Start) || !bytes.starts_with(&SECTION_HEADER.to_be_bytes()) {
            return None;
        }
        *self = Self::Pcapng(PcapngWalk::new());
        let Self::Pcapng(pcapng) = self else { return None };
        Some(pcapng)
    }

    /// How much of a block too long to hold went by, while its end is still due.
    pub(super) fn passed(&self) -> u64 {
        match self {
            Self::Pcapng(pcapng) => pcapng.passed(),
            Self::Start | Self::Pcap(_) => 0,
        }
    }

    fn start(&mut self, bytes: &[u8], want: usize, to: &mut Findings<'_>) -> WalkEnd {
        let Some(magic) = bytes.first_chunk::<4>() else { return WalkEnd::nothing(Stop::Short) };
        if let Some(pcapng) = self.start_pcapng(magic) {
            return pcapng.walk(bytes, want, to);
        }
        if !PcapWalk::MAGICS.contains(&u32::from_le_bytes(*magic)) {
            return WalkEnd::nothing(Stop::Foreign);
        }
        let Some(header) = bytes.get(..PCAP_HEADER_BYTES) else {
            return WalkEnd::nothing(Stop::Short);
        };
        let Some(header) = pcap_header(header) else { return WalkEnd::nothing(Stop::Foreign) };
        let mut pcap = PcapWalk::new(header);
        let walked = pcap.walk(bytes, PCAP_HEADER_BYTES, want, to);
        *self = Self::Pcap(pcap);
        walked
    }
}

// === impl WalkEnd ===

impl WalkEnd {
    pub(super) fn nothing(stop: Stop) -> Self {
        Self { used: 0, stop }
    }
}
