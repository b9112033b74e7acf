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

    /// The sequence number of the first byte, once it is known.
    pub fn first_sequence(&self) -> Option<u32> {
        self.base
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

    /// Nothing more will come: every hole becomes a gap, and so does what is missing in front of the FIN.
    pub fn flush(&mut self, mut deliver: impl FnMut(Delivery<'_>)) {
        while !self.held.is_empty() {
            self.give_up_hole(&mut deliver);
        }
        let missing = self.fin.map_or(0, |fin| fin.saturating_sub(self.next));
        self.gap(missing, &mut deliver);
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
mod tests;
