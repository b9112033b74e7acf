//! One packet that is captured on several interfaces: at both ends of a veth pair, on a bridge and on its ports.
//!
//! A duplicate has the same addresses, ports, sequence numbers and length, and comes from another interface a moment
//! earlier or later. A TCP retransmission comes from the same interface.

use std::hash::{BuildHasher, Hasher, RandomState};
use wrongdoor_core::bounded_map::BoundedMap;
use wrongdoor_core::time::Timestamp;

/// The most packets that are remembered; beyond it the oldest are forgotten. The rings are read in the order of time,
/// so that it need only hold what all interfaces carry in [`WINDOW`] and in the time that a block covers.
const MAX_REMEMBERED: usize = 32_768;
/// The time that a packet takes from the first interface to the last, in nanoseconds.
const WINDOW: u64 = 20_000_000;

/// Packets seen a moment ago.
pub(super) struct Duplicates {
    hasher: RandomState,
    /// By the hash of the packet.
    seen: BoundedMap<u64, SeenOn>,
    forgotten: u64,
}

/// When and where a packet was seen last.
#[derive(Clone, Copy)]
struct SeenOn {
    at: i64,
    interface: u32,
}

impl Duplicates {
    pub(super) fn new() -> Self {
        let seen = BoundedMap::new(MAX_REMEMBERED);
        Self { hasher: RandomState::new(), seen, forgotten: 0 }
    }

    /// Whether this packet, from its IP header on, was seen on another interface.
    pub(super) fn is_one(&mut self, interface: u32, at: Timestamp, packet: &[u8]) -> bool {
        let Some(hash) = self.hash(packet) else { return false };
        if let Some(seen) = self.seen.get(&hash)
            && seen.interface != interface
            && is_recent(seen.at, at.0)
        {
            return true;
        }
        // A retransmission is remembered anew.
        if let Some((_, oldest)) = self.seen.insert(hash, SeenOn { at: at.0, interface }).evicted {
            self.forgotten += u64::from(is_recent(oldest.at, at.0));
        }
        false
    }

    /// Packets that were forgotten while a duplicate of them could still come.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// What stays the same from interface to interface: not the time to live, nor the header's checksum.
    fn hash(&self, packet: &[u8]) -> Option<u64> {
        let (parts, header): ([&[u8]; 3], usize) = match packet.first()? >> 4 {
            // Length and identification; the protocol; the addresses.
            4 => {
                let header = usize::from(packet.first()? & 15) * 4;
                ([packet.get(2..6)?, packet.get(9..10)?, packet.get(12..20)?], header)
            }
            6 => ([packet.get(4..7)?, &[], packet.get(8..40)?], 40),
            _ => return None,
        };
        // Ports, sequence and acknowledgment number, flags: before the checksum, which may not be computed yet.
        let transport = packet.get(header..)?;
        let transport = transport.get(..14).unwrap_or(transport);
        let mut hasher = self.hasher.build_hasher();
        parts.iter().chain(&[transport]).for_each(|part| hasher.write(part));
        Some(hasher.finish())
    }
}

fn is_recent(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u8, ttl: u8) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 40, 1, 2, 0x40, 0, ttl, 6, 0, ttl];
        packet.extend([192, 0, 2, 1, 192, 0, 2, 2, 1, 1, 0, 80, 0, 0, 0, sequence]);
        packet.resize(40, 0);
        packet
    }

    #[test]
    fn the_same_packet_on_another_interface_is_one() {
        let mut duplicates = Duplicates::new();
        assert!(!duplicates.is_one(1, Timestamp(0), &packet(1, 64)));
        // Routed, so that less of its time to live is left.
        assert!(duplicates.is_one(2, Timestamp(1000), &packet(1, 63)));
        assert!(duplicates.is_one(3, Timestamp(2000), &packet(1, 63)));
        assert!(!duplicates.is_one(2, Timestamp(3000), &packet(2, 63)));
    }

    /// Different packets, each with the time at which it was seen.
    fn packets(count: u32) -> impl Iterator<Item = (Timestamp, Vec<u8>)> {
        (0..count).map(|number| {
            let mut packet = packet(0, 64);
            packet[24..28].copy_from_slice(&number.to_be_bytes());
            (Timestamp(number.into()), packet)
        })
    }

    #[test]
    fn the_blocks_of_one_interface_and_then_those_of_another_are_the_same_packets() {
        let mut duplicates = Duplicates::new();
        for (at, packet) in packets(5_000) {
            assert!(!duplicates.is_one(1, at, &packet));
        }
        for (at, packet) in packets(5_000) {
            assert!(duplicates.is_one(2, at, &packet), "{at:?}");
        }
        assert_eq!(duplicates.forgotten(), 0);
    }

    #[test]
    fn what_the_bound_forgets_too_early_is_counted() {
        let mut duplicates = Duplicates::new();
        let bound = u32::try_from(MAX_REMEMBERED).unwrap();
        for (at, packet) in packets(bound + 10) {
            duplicates.is_one(1, at, &packet);
        }
        assert_eq!(duplicates.forgotten(), 10);
        // Much later nothing is lost with them.
        let later = WINDOW.cast_signed() + i64::from(bound) + 10;
        for (at, packet) in packets(bound) {
            duplicates.is_one(1, Timestamp(at.0 + later), &packet);
        }
        assert_eq!(duplicates.forgotten(), 10);
        assert!(duplicates.seen.len() <= MAX_REMEMBERED);
    }

    #[test]
    fn a_retransmission_is_none() {
        let mut duplicates = Duplicates::new();
        assert!(!duplicates.is_one(1, Timestamp(0), &packet(1, 64)));
        assert!(!duplicates.is_one(1, Timestamp(1000), &packet(1, 64)));
        // On another way much later.
        assert!(!duplicates.is_one(2, Timestamp(1001 + WINDOW.cast_signed()), &packet(1, 64)));
    }

    #[test]
    fn what_is_no_packet_is_none() {
        let mut duplicates = Duplicates::new();
        for bytes in [&b""[..], b"\x45", b"\x60", &[0; 60], &packet(1, 64)[..19]] {
            assert!(!duplicates.is_one(1, Timestamp(0), bytes));
            assert!(!duplicates.is_one(2, Timestamp(0), bytes));
        }
    }

    #[test]
    fn a_packet_of_a_header_only_is_recognised() {
        let mut duplicates = Duplicates::new();
        let short = &packet(1, 64)[..20];
        assert!(!duplicates.is_one(1, Timestamp(0), short));
        assert!(duplicates.is_one(2, Timestamp(0), short));
    }
}
