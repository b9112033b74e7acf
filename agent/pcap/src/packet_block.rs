//! The three kinds of pcapng blocks that hold a packet.
//!
//! ```text
//! enhanced  interface:32 time-high:32 time-low:32 captured:32 original:32 data padding options
//! obsolete  interface:16 drops:16 time-high:32 time-low:32 captured:32 original:32 data padding options
//! simple    original:32 data padding
//! ```

use super::block::BlockHead;
use super::headers::Interface;

pub(super) const OBSOLETE_PACKET: u32 = 2;
pub(super) const SIMPLE_PACKET: u32 = 3;
pub(super) const ENHANCED_PACKET: u32 = 6;

/// Where the body of a block begins.
const BODY_AT: usize = 8;

/// What is in front of the data in enhanced and obsolete packet blocks.
const HEADER_WORDS: usize = 5;

/// A packet as its block describes it.
pub(super) struct PacketFields<'a> {
    pub(super) interface: &'a Interface,
    /// Simple packet blocks have no time.
    pub(super) ticks: Option<u64>,
    /// Where the data begins, from the start of the block.
    pub(super) data_at: usize,
    pub(super) captured: usize,
    pub(super) original: u32,
}

// === impl PacketFields ===

impl<'a> PacketFields<'a> {
    pub(super) fn is_packet(kind: u32) -> bool {
        matches!(kind, OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET)
    }

    /// Reads a whole block of one of the three kinds; `None` where its fields contradict its
    /// length or the section has no such interface.
    ///
    /// Data without padding is taken as it is: some writers forget it, and nothing is lost.
    #[inline]
    pub(super) fn read(
        head: BlockHead,
        block: &[u8],
        interfaces: &'a [Option<Interface>],
    ) -> Option<Self> {
        let (body, _trailer) = block.get(BODY_AT..)?.split_last_chunk::<4>()?;
        if head.kind == SIMPLE_PACKET {
            return Self::simple(head, body, interfaces);
        }
        let [first, high, low, captured, original] = head.endian.words::<HEADER_WORDS>(body)?;
        let interface = if head.kind == OBSOLETE_PACKET {
            u32::from(head.endian.u16(*body.first_chunk()?))
        } else {
            first
        };
        let captured = captured as usize;
        if captured > body.len() - 4 * HEADER_WORDS {
            return None;
        }
        Some(Self {
            interface: interfaces.get(interface as usize)?.as_ref()?,
            ticks: Some(u64::from(high) << 32 | u64::from(low)),
            data_at: BODY_AT + 4 * HEADER_WORDS,
            captured,
            original,
        })
    }

    /// What was captured is not written down: it is what the first interface's snapshot length
    /// leaves of the original, and never more than is there.
    fn simple(head: BlockHead, body: &[u8], interfaces: &'a [Option<Interface>]) -> Option<Self> {
        let [original] = head.endian.words(body)?;
        let interface = interfaces.first()?.as_ref()?;
        let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let captured = (original.min(snaplen) as usize).min(body.len() - 4);
        Some(Self { interface, ticks: None, data_at: BODY_AT + 4, captured, original })
    }
}
