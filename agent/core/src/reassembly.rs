//! One direction of a TCP connection, put back in order.
//!
//! In-order segments pass through without being copied. A hole is waited for, within bounds, and then
//! told as an explicit gap: never guessed over.

use crate::time::Timestamp;
use std::collections::BTreeMap;

/// The most out-of-order bytes that one direction holds; at the limit the hole in front becomes a gap.
pub const MAX_HELD_BYTES: usize = 512 * 1024;
/// The most out-of-order segments that one direction holds.
pub const MAX_HELD_SEGMENTS: usize = 256;
/// How many more packets of the connection may bring bytes that the receiver has acknowledged already.
/// Captures can order the two directions a little wrong; later than that, the capture lost them.
pub const ACKNOWLEDGED_PATIENCE: u32 = 16;
/// The largest TCP window (RFC 7323 §2.3): a segment further ahead is not of this connection.
const MAX_WINDOW: u64 = 1 << 30;

/// What comes out, in stream order.
#[derive(Debug, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// The next bytes, and when the packet that carried them was seen.
    Data(Timestamp, &'a [u8]),
    /// This many bytes are lost.
    Gap(u64),
}

/// What one direction's packets were worth. Sums of all connections are in the engine's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounters {
    /// Segments that brought nothing new.
    pub retransmitted: u64,
    /// Segments that overlapped others in part; the first bytes seen won.
    pub overlapping: u64,
    /// Segments outside any possible window.
    pub out_of_window: u64,
    /// Gaps told.
    pub gaps: u64,
    /// Bytes in them.
    pub gap_bytes: u64,
}

/// Reassembles one direction.
#[derive(Debug, Default)]
pub struct Stream {
    /// The sequence number of offset 0, once a first segment was seen.
    base: Option<u32>,
    /// The stream offset expected next.
    next: u64,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    /// The offset of the end of the stream, once a FIN was seen.
    fin: Option<u64>,
    /// Packets that may still pass until the acknowledged hole in front is a gap.
    patience: Option<u32>,
    counters: StreamCounters,
}

#[derive(Debug)]
struct Held {
    at: Timestamp,
    bytes: Vec<u8>,
    /// Bytes behind `bytes` that the snap length cut off.
    missing: usize,
}

impl Held {
    fn len(&self) -> u64 {
        (self.bytes.len() + self.missing) as u64
    }
}

impl Stream {
    /// The sender's SYN was seen, or its initial sequence number is known from an acknowledgment.
    pub fn start(&mut self, initial_sequence: u32) {
        if self.base.is_none() {
            self.base = Some(initial_sequence.wrapping_add(1));
        }
    }

    /// Whether the place of the first byte is known.
    pub fn is_started(&self) -> bool {
        self.base.is_some()
    }

    /// Whether `initial_sequence` is the one this stream began with.
    pub fn began_with(&self, initial_sequence: u32) -> bool {
        self.base == Some(initial_sequence.wrapping_add(1))
    }

    /// One segment: `payload`, then `missing` bytes that were not captured, then perhaps a FIN.
    pub fn segment(
        &mut self,
        at: Timestamp,
        sequence: u32,
        payload: &[u8],
        missing: usize,
        fin: bool,
        mut deliver: impl FnMut(Delivery<'_>),
    ) {
        let base = *self.base.get_or_insert(sequence);
        let Some(offset) = self.offset(base, sequence) else {
            // Older than the first byte seen, or nowhere near.
            self.counters.out_of_window += 1;
            return;
        };
        let end = offset + (payload.len() + missing) as u64;
        if fin && self.fin.is_none() {
            self.fin = Some(end);
        }
        if end == offset {
            return;
        }
        if end <= self.next {
            self.counters.retransmitted += 1;
            return;
        }
        if offset <= self.next && self.held.is_empty() {
            // In order, with nothing waiting: the fast path.
            let known = usize::try_from(self.next - offset).unwrap_or(usize::MAX);
            self.counters.overlapping += u64::from(known > 0);
            self.emit(
                at,
                payload.get(known..).unwrap_or_default(),
                known,
                payload.len(),
                missing,
                &mut deliver,
            );
            return;
        }
        self.hold(at, offset, payload, missing);
        self.drain(&mut deliver);
        while self.held.len() > MAX_HELD_SEGMENTS || self.held_bytes > MAX_HELD_BYTES {
            self.give_up_hole(&mut deliver);
        }
    }

    /// The receiver has acknowledged everything before `acknowledgment`: what is missing there will not come.
    ///
    /// To be called with every packet of the other direction.
    pub fn acknowledged(&mut self, acknowledgment: u32, mut deliver: impl FnMut(Delivery<'_>)) {
        let (Some(base), Some((&first, _))) = (self.base, self.held.first_key_value()) else {
            self.patience = None;
            return;
        };
        match self.offset(base, acknowledgment) {
            Some(offset) if offset >= first => {
                let left = *self.patience.get_or_insert(ACKNOWLEDGED_PATIENCE);
                self.patience = left.checked_sub(1);
                if self.patience.is_none() {
                    self.give_up_hole(&mut deliver);
                }
            }
            _ => {}
        }
    }

    /// Nothing more will come: every hole becomes a gap.
    pub fn flush(&mut self, mut deliver: impl FnMut(Delivery<'_>)) {
        while !self.held.is_empty() {
            self.give_up_hole(&mut deliver);
        }
    }

    /// Whether a FIN was seen, whatever is missing before it.
    pub fn has_fin(&self) -> bool {
        self.fin.is_some()
    }

    /// Whether a segment with this sequence number can be of this stream at its present place.
    pub fn is_near(&self, sequence: u32) -> bool {
        self.base.is_none_or(|base| self.offset(base, sequence).is_some())
    }

    /// Whether everything up to the FIN was delivered.
    pub fn is_finished(&self) -> bool {
        self.fin.is_some_and(|fin| self.next >= fin)
    }

    /// Bytes held for order, with what it takes to hold them.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes + self.held.len() * size_of::<Held>()
    }

    /// What was counted so far.
    pub fn counters(&self) -> StreamCounters {
        self.counters
    }

    /// The 64-bit stream offset of a 32-bit sequence number: the one nearest to what is expected.
    fn offset(&self, base: u32, sequence: u32) -> Option<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "sequence numbers are offsets modulo 2^32"
        )]
        let expected = base.wrapping_add(self.next as u32);
        let distance = i64::from(sequence.wrapping_sub(expected).cast_signed());
        let offset = self.next.checked_add_signed(distance)?;
        (offset <= self.next.saturating_add(MAX_WINDOW)).then_some(offset)
    }

    /// Delivers `fresh` and the gap behind it. `known` bytes of the segment were old.
    fn emit(
        &mut self,
        at: Timestamp,
        fresh: &[u8],
        known: usize,
        payload_len: usize,
        missing: usize,
        deliver: &mut impl FnMut(Delivery<'_>),
    ) {
        if !fresh.is_empty() {
            self.next += fresh.len() as u64;
            deliver(Delivery::Data(at, fresh));
        }
        let missing = missing.saturating_sub(known.saturating_sub(payload_len));
        self.gap(missing as u64, deliver);
    }

    fn gap(&mut self, len: u64, deliver: &mut impl FnMut(Delivery<'_>)) {
        if len > 0 {
            self.counters.gaps += 1;
            self.counters.gap_bytes += len;
            self.next += len;
            deliver(Delivery::Gap(len));
        }
    }

    /// Keeps what is new of a segment; what is held already stays as it is.
    fn hold(&mut self, at: Timestamp, offset: u64, payload: &[u8], missing: usize) {
        let end = offset + (payload.len() + missing) as u64;
        let mut from = offset.max(self.next);
        let mut pieces = Vec::new();
        let before =
            self.held.range(..=from).next_back().map(|(start, held)| (*start, start + held.len()));
        let behind = self.held.range(from..end).map(|(start, held)| (*start, start + held.len()));
        for (start, stop) in before.into_iter().chain(behind) {
            if stop <= from || start >= end {
                continue;
            }
            if start > from {
                pieces.push((from, start));
            }
            from = stop;
        }
        if from < end {
            pieces.push((from, end));
        }
        let new: u64 = pieces.iter().map(|(start, stop)| stop - start).sum();
        match new {
            0 => self.counters.retransmitted += 1,
            new if new < end - offset => self.counters.overlapping += 1,
            _ => {}
        }
        for (start, stop) in pieces {
            let place =
                |at: u64| usize::try_from(at - offset).unwrap_or(usize::MAX).min(payload.len());
            let bytes = payload.get(place(start)..place(stop)).unwrap_or_default().to_vec();
            let missing = usize::try_from(stop - start).unwrap_or(usize::MAX) - bytes.len();
            self.held_bytes += bytes.len();
            self.held.insert(start, Held { at, bytes, missing });
        }
    }

    /// Delivers what is now in order.
    fn drain(&mut self, deliver: &mut impl FnMut(Delivery<'_>)) {
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() > self.next {
                return;
            }
            let held = entry.remove();
            self.held_bytes -= held.bytes.len();
            self.patience = None;
            self.emit(held.at, &held.bytes, 0, held.bytes.len(), held.missing, deliver);
        }
    }

    fn give_up_hole(&mut self, deliver: &mut impl FnMut(Delivery<'_>)) {
        self.patience = None;
        if let Some((&first, _)) = self.held.first_key_value() {
            self.gap(first.saturating_sub(self.next), deliver);
            self.drain(deliver);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Seen(Vec<Option<u8>>);

    impl Seen {
        fn take(&mut self, delivery: Delivery<'_>) {
            match delivery {
                Delivery::Data(_, bytes) => self.0.extend(bytes.iter().map(|byte| Some(*byte))),
                Delivery::Gap(len) => self.0.extend((0..len).map(|_| None)),
            }
        }
    }

    fn at(nanoseconds: i64) -> Timestamp {
        Timestamp(nanoseconds)
    }

    fn whole(text: &[u8]) -> Vec<Option<u8>> {
        text.iter().map(|byte| Some(*byte)).collect()
    }

    #[test]
    fn order_is_restored_and_the_first_bytes_win() {
        let (mut stream, mut seen) = (Stream::default(), Seen::default());
        stream.start(u32::MAX - 2);
        let base = u32::MAX - 1;
        for (place, text) in [(4, &b"ef"[..]), (0, b"ab"), (3, b"DEFG"), (0, b"XXcX"), (2, b"Yd")] {
            stream.segment(at(0), base.wrapping_add(place), text, 0, false, |delivery| {
                seen.take(delivery)
            });
        }
        assert_eq!(seen.0, whole(b"abcDefG"));
        assert_eq!((stream.counters().gaps, stream.held_bytes()), (0, 0));
        assert!(stream.counters().overlapping > 0);
    }

    #[test]
    fn a_hole_is_a_gap_only_once_the_receiver_is_past_it() {
        let (mut stream, mut seen) = (Stream::default(), Seen::default());
        stream.start(0);
        stream.segment(at(0), 1, b"ab", 0, false, |delivery| seen.take(delivery));
        stream.segment(at(0), 6, b"fg", 0, true, |delivery| seen.take(delivery));
        for _ in 0..100 {
            stream.acknowledged(3, |delivery| seen.take(delivery));
        }
        assert_eq!(seen.0, whole(b"ab"));
        for _ in 0..=ACKNOWLEDGED_PATIENCE {
            stream.acknowledged(8, |delivery| seen.take(delivery));
        }
        assert_eq!(seen.0, [whole(b"ab"), vec![None; 3], whole(b"fg")].concat());
        assert!(stream.is_finished());
    }

    #[test]
    fn what_the_snap_length_cut_is_a_gap() {
        let (mut stream, mut seen) = (Stream::default(), Seen::default());
        stream.segment(at(0), 10, b"ab", 3, false, |delivery| seen.take(delivery));
        stream.segment(at(0), 15, b"c", 0, false, |delivery| seen.take(delivery));
        assert_eq!(seen.0, [whole(b"ab"), vec![None; 3], whole(b"c")].concat());
    }

    #[test]
    fn what_is_held_is_bounded() {
        let (mut stream, mut seen) = (Stream::default(), Seen::default());
        stream.start(0);
        for place in 0..10_000u32 {
            stream.segment(at(0), 10 + place * 2000, &[1; 1000], 0, false, |delivery| {
                seen.take(delivery)
            });
            assert!(stream.held_bytes() <= MAX_HELD_BYTES);
        }
        stream.flush(|delivery| seen.take(delivery));
        assert_eq!(stream.held_bytes(), 0);
    }

    #[test]
    fn a_segment_from_nowhere_is_not_of_this_connection() {
        let (mut stream, mut seen) = (Stream::default(), Seen::default());
        stream.start(0);
        stream.segment(at(0), 1, b"ab", 0, false, |delivery| seen.take(delivery));
        stream.segment(at(0), 0x6000_0000, b"zz", 0, false, |delivery| seen.take(delivery));
        stream.segment(at(0), 3, b"c", 0, false, |delivery| seen.take(delivery));
        stream.flush(|delivery| seen.take(delivery));
        assert_eq!(seen.0, whole(b"abc"));
        assert_eq!(stream.counters().out_of_window, 1);
    }

    proptest! {
        #[test]
        fn any_segmentation_and_order_gives_the_same_stream(
            base: u32,
            text in prop::collection::vec(any::<u8>(), 1..400),
            cuts in prop::collection::vec((0usize..400, 1usize..60), 0..80),
        ) {
            let (mut stream, mut seen) = (Stream::default(), Seen::default());
            stream.start(base.wrapping_sub(1));
            // Random, overlapping, repeated pieces in any order; then the whole, so that nothing is missing.
            let pieces = cuts.into_iter().map(|(from, len)| (from.min(text.len() - 1), len));
            for (from, len) in pieces.chain([(0, text.len())]) {
                let piece = &text[from..text.len().min(from + len)];
                stream.segment(at(0), base.wrapping_add(from as u32), piece, 0, false, |delivery| seen.take(delivery));
            }
            prop_assert_eq!(seen.0, whole(&text));
            prop_assert_eq!(stream.held_bytes(), 0);
        }

        #[test]
        fn a_lost_piece_is_a_gap_of_exactly_its_size(
            text in prop::collection::vec(any::<u8>(), 3..300),
            hole in (0usize..300, 1usize..50),
            step in 1usize..40,
        ) {
            let from = hole.0.min(text.len() - 2);
            let to = (from + hole.1).min(text.len() - 1);
            let (mut stream, mut seen) = (Stream::default(), Seen::default());
            stream.start(99);
            let mut place = 0;
            while place < text.len() {
                if place == from {
                    place = to;
                }
                let end = (place + step).min(text.len()).min(if place < from { from } else { text.len() });
                stream.segment(at(0), 100 + place as u32, &text[place..end], 0, false, |delivery| seen.take(delivery));
                place = end;
            }
            stream.flush(|delivery| seen.take(delivery));
            let mut expected = whole(&text);
            expected[from..to].fill(None);
            prop_assert_eq!(seen.0, expected);
            prop_assert_eq!(stream.counters().gap_bytes, (to - from) as u64);
        }
    }
}
