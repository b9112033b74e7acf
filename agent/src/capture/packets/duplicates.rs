//! One packet that is seen on several interfaces: at both ends of a veth pair, on a bridge and on its ports.
//!
//! It is known by its addresses, ports, numbers and length, and by coming on another interface a moment later. A
//! TCP retransmission comes on the same interface.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use wrongdoor_core::time::Timestamp;

/// Packets that are remembered. One whose place is taken is not recognised; the engine then finds that it brings
/// nothing new.
const MAX_REMEMBERED: usize = 8192;
/// The time that a packet takes from the first interface to the last, in nanoseconds.
const WINDOW: i64 = 20_000_000;

/// Packets seen a moment ago.
pub(super) struct Duplicates {
    hasher: RandomState,
    seen: Vec<Seen>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    hash: u64,
    at: i64,
    interface: u32,
}

impl Duplicates {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::new(), seen: vec![Seen::default(); MAX_REMEMBERED] }
    }

    /// Whether this packet, from its IP header on, was seen on another interface.
    pub(super) fn is_one(&mut self, interface: u32, at: Timestamp, packet: &[u8]) -> bool {
        let Some(hash) = self.hash(packet) else { return false };
        let place = usize::try_from(hash % MAX_REMEMBERED as u64).unwrap_or(0);
        let Some(seen) = self.seen.get_mut(place) else { return false };
        let is_recent = at.0.abs_diff(seen.at) <= WINDOW.unsigned_abs();
        if seen.hash == hash && seen.interface != interface && is_recent {
            return true;
        }
        *seen = Seen { hash, at: at.0, interface };
        false
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

    #[test]
    fn a_retransmission_is_none() {
        let mut duplicates = Duplicates::new();
        assert!(!duplicates.is_one(1, Timestamp(0), &packet(1, 64)));
        assert!(!duplicates.is_one(1, Timestamp(1000), &packet(1, 64)));
        // On another way much later.
        assert!(!duplicates.is_one(2, Timestamp(1000 + WINDOW + 1), &packet(1, 64)));
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
