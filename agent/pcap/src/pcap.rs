//! The records of a pcap file: a header of four numbers, then the packet.

use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::LinkType;

use super::endian::Endian;
use super::headers::PcapHeader;
use super::limits::MAX_PACKET_BYTES;
use super::report::DamageKind;
use super::walk::{Findings, Stop, WalkEnd};
use super::window::PacketEntry;

/// Seconds, their fraction, captured length, original length.
const RECORD_HEADER_BYTES: usize = 16;

/// What patched libpcap writes behind them: interface index, protocol, packet type.
const PATCH_BYTES: usize = 8;

/// A walk over records; all state there is comes from the file's header.
#[derive(Debug)]
pub(super) struct PcapWalk {
    endian: Endian,
    nanoseconds_per_tick: i64,
    header_bytes: usize,
    snaplen: u32,
    link: LinkType,
    /// A packet too long is being passed over. It counts once that came to its end.
    passing: bool,
}

// === impl PcapWalk ===

impl PcapWalk {
    /// The first four bytes as little-endian number: micro- and nanoseconds in both byte orders,
    /// and the patched format.
    pub(super) const MAGICS: [u32; 5] =
        [0xa1b2_c3d4, 0xd4c3_b2a1, 0xa1b2_3c4d, 0x4d3c_b2a1, 0xa1b2_cd34];

    pub(super) fn new(header: PcapHeader) -> Self {
        Self {
            endian: header.endian,
            nanoseconds_per_tick: if header.nanoseconds { 1 } else { 1_000 },
            header_bytes: RECORD_HEADER_BYTES + if header.patched { PATCH_BYTES } else { 0 },
            snaplen: header.snaplen,
            link: header.link,
            passing: false,
        }
    }

    /// Goes over records from `start` on.
    pub(super) fn walk(
        &mut self,
        bytes: &[u8],
        start: usize,
        want: usize,
        to: &mut Findings<'_>,
    ) -> WalkEnd {
        let mut at = start;
        to.tally.oversized += u64::from(std::mem::take(&mut self.passing));
        let stop = loop {
            if at >= want {
                break Stop::Full;
            }
            let Some(record) = bytes.get(at..) else { break Stop::Short };
            let Some([seconds, fraction, captured, original]) = self.endian.words(record) else {
                break Stop::Short;
            };
            let packet_at = at + self.header_bytes;
            let length = captured as usize;
            if length > MAX_PACKET_BYTES {
                break self.beyond(captured, original);
            }
            let end = packet_at + length;
            if end > bytes.len() {
                break Stop::Short;
            }
            let fraction = i64::from(fraction) * self.nanoseconds_per_tick;
            let time = Timestamp::from_parts(i64::from(seconds), fraction);
            let Some(entry) = PacketEntry::new(packet_at..end, original, time, self.link) else {
                break Stop::Full;
            };
            to.batch.packets.push(entry);
            to.tally.packet(self.link);
            at = end;
        };
        WalkEnd { used: at, stop }
    }

    /// A record longer than any packet is one only where the file's own snapshot length and the
    /// packet's original length agree to it. There is nothing else to tell it from damage, and
    /// following a wrong length would read packet content as records.
    fn beyond(&mut self, captured: u32, original: u32) -> Stop {
        if captured > self.snaplen || captured > original {
            return Stop::Damaged(DamageKind::PacketLength(captured));
        }
        self.passing = true;
        Stop::Skip(self.header_bytes as u64 + u64::from(captured))
    }
}
