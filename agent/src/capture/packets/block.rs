//! A block of a ring: packets one behind the other (`TPACKET_V3`).
//!
//! ```text
//! block:  version(32) private(32) status(32) count(32) first(32) length(32) …
//! packet: next(32) seconds(32) nanoseconds(32) captured(32) length(32) status(32) mac(16) net(16)
//!         hash(32) vlan(32) … struct sockaddr_ll … the bytes at `mac`
//! ```
//!
//! The kernel writes it, in the machine's byte order. Its numbers are checked all the same: what they say is where
//! bytes are read.

use wrongdoor_core::time::Timestamp;

const COUNT_AT: usize = 12;
const FIRST_AT: usize = 16;
/// `struct tpacket3_hdr`, and behind it `struct sockaddr_ll`.
const HEADER: usize = 48;

/// The way of a packet, as `sll_pkttype` has it.
const OUTGOING: u8 = 4;

/// A packet as it was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CapturedFrame<'a> {
    pub(super) at: Timestamp,
    /// From the network header on.
    pub(super) bytes: &'a [u8],
    /// How long it was.
    pub(super) wire_len: usize,
    /// The EtherType.
    pub(super) protocol: u16,
    pub(super) interface: u32,
    /// The ARPHRD of the interface.
    pub(super) hardware: u16,
    pub(super) is_outgoing: bool,
}

/// The packets of a block. What is no packet ends it, and is told by [`Frames::is_damaged`].
#[derive(Debug)]
pub(super) struct Frames<'a> {
    block: &'a [u8],
    at: usize,
    left: u32,
    is_damaged: bool,
}

impl<'a> Frames<'a> {
    pub(super) fn new(block: &'a [u8]) -> Self {
        match (u32_at(block, COUNT_AT), u32_at(block, FIRST_AT).and_then(to_size)) {
            (Some(left), Some(at)) => Self { block, at, left, is_damaged: false },
            _ => Self { block, at: 0, left: 0, is_damaged: true },
        }
    }

    /// Packets that the block promises and that are not there.
    pub(super) fn missing(&self) -> u64 {
        if self.is_damaged { u64::from(self.left).max(1) } else { 0 }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = CapturedFrame<'a>;

    fn next(&mut self) -> Option<CapturedFrame<'a>> {
        if self.left == 0 || self.is_damaged {
            return None;
        }
        let Some((frame, next)) = self.block.get(self.at..).and_then(frame) else {
            self.is_damaged = true;
            return None;
        };
        self.left -= 1;
        // The last one's `next` says nothing.
        match self.at.checked_add(next).filter(|_| next >= HEADER || self.left == 0) {
            Some(at) => self.at = at,
            None => self.is_damaged = true,
        }
        Some(frame)
    }
}

/// A packet, and how far behind it the next one is.
fn frame(header: &[u8]) -> Option<(CapturedFrame<'_>, usize)> {
    let next = to_size(u32_at(header, 0)?)?;
    let seconds = i64::from(u32_at(header, 4)?);
    let nanoseconds = i64::from(u32_at(header, 8)?);
    let captured = to_size(u32_at(header, 12)?)?;
    let length = to_size(u32_at(header, 16)?)?;
    let start = usize::from(u16_at(header, 24)?);
    let bytes = header.get(start..start.checked_add(captured)?)?;
    let frame = CapturedFrame {
        at: Timestamp(seconds * 1_000_000_000 + nanoseconds),
        bytes,
        wire_len: length.max(captured),
        protocol: u16::from_be(u16_at(header, HEADER + 2)?),
        interface: u32_at(header, HEADER + 4)?,
        hardware: u16_at(header, HEADER + 8)?,
        is_outgoing: *header.get(HEADER + 10)? == OUTGOING,
    };
    Some((frame, next))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn to_size(number: u32) -> Option<usize> {
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(next: u32, bytes: &[u8]) -> Vec<u8> {
        let length = bytes.len() as u32;
        let mut packet = [next, 7, 5, length, length + 3, 0].map(u32::to_ne_bytes).concat();
        packet.extend([80_u16, 80].map(u16::to_ne_bytes).concat());
        packet.resize(HEADER, 0);
        packet.extend(17_u16.to_ne_bytes());
        packet.extend(0x0800_u16.to_be_bytes());
        packet.extend(3_u32.to_ne_bytes());
        packet.extend(772_u16.to_ne_bytes());
        packet.push(OUTGOING);
        packet.resize(80, 0);
        packet.extend(bytes);
        packet
    }

    fn block(count: u32, first: u32, packets: &[Vec<u8>]) -> Vec<u8> {
        let mut block = [3, 0, 1, count, first, 0].map(u32::to_ne_bytes).concat();
        block.resize(48, 0);
        block.extend(packets.concat());
        block
    }

    #[test]
    fn packets_come_with_their_times_and_interfaces() {
        let packets = [packet(84, b"abcd"), packet(0, b"efg")];
        let block = block(2, 48, &packets);
        let mut frames = Frames::new(&block);
        let first = frames.next().unwrap();
        let expected = CapturedFrame {
            at: Timestamp(7_000_000_005),
            bytes: b"abcd",
            wire_len: 7,
            protocol: 0x0800,
            interface: 3,
            hardware: 772,
            is_outgoing: true,
        };
        assert_eq!(first, expected);
        assert_eq!(frames.next().unwrap().bytes, b"efg");
        assert_eq!((frames.next(), frames.missing()), (None, 0));
    }

    #[test]
    fn what_points_outside_ends_the_block_and_is_counted() {
        // A packet behind the end, one that is its own successor, bytes behind the end.
        let far = block(3, 48, &[packet(1 << 30, b"abcd"), packet(0, b"")]);
        let own = block(3, 48, &[packet(0, b"abcd"), packet(0, b"")]);
        for (block, seen, missing) in [(far, 1, 2), (own, 1, 2)] {
            let mut frames = Frames::new(&block);
            assert_eq!((frames.by_ref().count(), frames.missing()), (seen, missing));
        }
        let mut long = packet(0, b"abcd");
        long[12..16].copy_from_slice(&u32::MAX.to_ne_bytes());
        for block in [block(1, 48, &[long]), block(1, u32::MAX, &[]), Vec::new()] {
            let mut frames = Frames::new(&block);
            assert_eq!((frames.by_ref().count(), frames.missing()), (0, 1));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_to_an_end(mut block in prop::collection::vec(any::<u8>(), 0..600), small: bool) {
            if small && block.len() > 20 {
                block[14..16].fill(0);
                block[17..20].fill(0);
            }
            let mut frames = Frames::new(&block);
            let seen = frames.by_ref().take(block.len() + 1).count();
            prop_assert!(seen <= block.len());
        }
    }
}
