//! One direction of a TCP connection, put back in order.
//!
//! In-order segments pass through without being copied. A hole is waited for, within bounds, and then
//! reported as an explicit gap. Where two segments have different bytes for the same place and neither was
//! delivered, that place is a gap too. What was delivered already stays: of the last segments, a hash shows whether
//! a second copy differs, and that is counted.

mod held;
mod recent;

use crate::time::Timestamp;
use held::{Early, Held};
use recent::Recent;

/// The most out-of-order bytes that one direction holds; at the limit the hole in front becomes a gap.
pub const MAX_HELD_BYTES: usize = 512 * 1024;
/// The most out-of-order segments that one direction holds.
pub const MAX_HELD_SEGMENTS: usize = 256;
/// How many more packets of the connection may bring bytes that the receiver has acknowledged already.
/// Captures can order the two directions a little wrong; later than that, the capture lost them.
pub const ACKNOWLEDGED_LIMIT: u32 = 16;
/// The largest TCP window (RFC 7323 §2.3): a segment further ahead is not of this connection.
const MAX_WINDOW: u64 = 1 << 30;
/// Further from the expected one than this, a sequence number is of another connection: more than a capture loses
/// in one hole.
const FAR: u32 = 1 << 24;

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
    /// Segments that overlapped others in part.
    pub overlapping: u64,
    /// Segments that had other bytes for the same place than an earlier one.
    pub conflicting: u64,
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
    held: Held,
    copies: Copies,
    /// What was delivered last, where second copies are compared.
    recent: Option<Box<Recent>>,
    /// The offset of the end of the stream, once a FIN was seen.
    fin: Option<u64>,
    /// Where an RST stands.
    reset: Option<Reset>,
    /// The last acknowledgment of the receiver.
    acknowledged: Option<u32>,
    /// Packets that may still pass until the acknowledged hole in front is a gap.
    acknowledged_limit: Option<u32>,
    counters: StreamCounters,
}

/// What is done about second copies of what is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Copies {
    /// They are compared with the first ones.
    Compared,
    /// These bytes are a body's: only copies of what was delivered before are compared.
    PassedOver,
    /// None is compared.
    #[default]
    Ignored,
}

/// When an RST takes effect.
#[derive(Clone, Copy, Debug)]
enum Reset {
    Now,
    /// Once everything up to this offset was seen.
    At(u64),
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

    /// What to do from here on about second copies of what is delivered.
    pub fn treat_copies(&mut self, copies: Copies) {
        self.copies = copies;
        match copies {
            Copies::Compared if self.recent.is_none() => self.recent = Some(Box::default()),
            Copies::Ignored => self.recent = None,
            Copies::Compared | Copies::PassedOver => {}
        }
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
            // A single byte is a keep-alive's.
            self.counters.out_of_window += u64::from(payload.len() > 1);
            return;
        };
        let end = offset + (payload.len() + missing) as u64;
        if self.fin.is_some_and(|fin| fin < end) {
            // Data behind its end: that was not the end.
            self.fin = None;
            self.counters.conflicting += 1;
        }
        if fin && self.fin.is_none() && end >= self.next {
            self.fin = Some(end);
        }
        if end == offset {
            return;
        }
        if offset < self.next
            && let Some(recent) = &self.recent
        {
            self.counters.conflicting += u64::from(recent.contradicts(offset, payload));
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
        self.hold(Early { at, offset, payload, missing });
        self.drain(&mut deliver);
        while self.held.len() > MAX_HELD_SEGMENTS || self.held.bytes() > MAX_HELD_BYTES {
            self.give_up_hole(&mut deliver);
        }
    }

    /// The receiver has acknowledged everything before `acknowledgment`: what is missing there will not come.
    ///
    /// To be called with every packet of the other direction.
    pub fn acknowledged(&mut self, acknowledgment: u32, mut deliver: impl FnMut(Delivery<'_>)) {
        self.acknowledged = Some(acknowledgment);
        let (Some(base), Some(first)) = (self.base, self.held.first()) else {
            self.acknowledged_limit = None;
            return;
        };
        match self.offset(base, acknowledgment) {
            Some(offset) if offset >= first => {
                let left = *self.acknowledged_limit.get_or_insert(ACKNOWLEDGED_LIMIT);
                self.acknowledged_limit = left.checked_sub(1);
                if self.acknowledged_limit.is_none() {
                    self.give_up_hole(&mut deliver);
                }
            }
            _ => {}
        }
    }

    /// Nothing more will come: every hole becomes a gap, and so does what is missing in front of a FIN or of what
    /// the receiver has acknowledged.
    pub fn flush(&mut self, mut deliver: impl FnMut(Delivery<'_>)) {
        while !self.held.is_empty() {
            self.give_up_hole(&mut deliver);
        }
        let acknowledged = self.base.zip(self.acknowledged);
        let acknowledged = acknowledged.and_then(|(base, number)| self.offset(base, number));
        // A FIN takes a number too.
        let fin = self.fin.unwrap_or(0);
        let last = acknowledged.filter(|offset| *offset > fin + 1 || self.fin.is_none());
        self.gap(last.unwrap_or(0).max(fin).saturating_sub(self.next), &mut deliver);
    }

    /// Whether a FIN or an RST was seen.
    pub fn is_ending(&self) -> bool {
        self.fin.is_some() || self.reset.is_some()
    }

    /// Whether a FIN was seen, whatever is missing before it.
    pub fn has_fin(&self) -> bool {
        self.fin.is_some()
    }

    /// Whether no byte was seen yet.
    pub fn is_fresh(&self) -> bool {
        self.next == 0 && self.held.is_empty()
    }

    /// Whether this sequence number is nowhere near the present place.
    pub fn is_far_from(&self, sequence: u32) -> bool {
        self.expected().is_none_or(|expected| {
            sequence.wrapping_sub(expected).cast_signed().unsigned_abs() > FAR
        })
    }

    /// The sequence number that is expected next; behind a FIN, the one behind it.
    pub fn expected(&self) -> Option<u32> {
        self.base.map(|base| sequence_of(base, self.next + u64::from(self.is_finished())))
    }

    /// An RST. It counts (RFC 5961 §3.2) where it stands right behind the last byte, once all bytes before it were
    /// seen, or where the receiver has said that it expects the next byte. False where it cannot count.
    pub fn reset(&mut self, sequence: u32) -> bool {
        let offset = self.base.and_then(|base| self.offset(base, sequence));
        let is_acknowledged = self.acknowledged == Some(sequence);
        if is_acknowledged {
            self.reset = Some(Reset::Now);
        } else if let Some(offset) = offset.filter(|offset| *offset >= self.next) {
            self.reset.get_or_insert(Reset::At(offset));
        } else {
            return false;
        }
        true
    }

    /// Whether an RST has ended the stream.
    pub fn is_reset(&self) -> bool {
        match self.reset {
            None => false,
            Some(Reset::Now) => true,
            Some(Reset::At(offset)) => {
                offset == self.next || self.is_finished() && offset == self.next + 1
            }
        }
    }

    /// Whether an RST was seen, and what is in front of it was not.
    pub fn awaits_reset(&self) -> bool {
        self.reset.is_some() && !self.is_reset()
    }

    /// Whether everything up to the FIN was delivered.
    pub fn is_finished(&self) -> bool {
        self.fin.is_some_and(|fin| self.next >= fin)
    }

    /// Bytes held for order, with what it takes to hold them.
    pub fn held_bytes(&self) -> usize {
        let recent = self.recent.as_ref().map_or(0, |_| size_of::<Recent>());
        self.held.memory() + recent
    }

    /// What was counted so far.
    pub fn counters(&self) -> StreamCounters {
        self.counters
    }

    /// The 64-bit stream offset of a 32-bit sequence number: the one nearest to what is expected.
    fn offset(&self, base: u32, sequence: u32) -> Option<u64> {
        let expected = sequence_of(base, self.next);
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
            if let (Copies::Compared, Some(recent)) = (self.copies, &mut self.recent) {
                recent.remember(self.next, fresh);
            }
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

    /// Keeps what is new of a segment.
    fn hold(&mut self, early: Early<'_>) {
        let len = early.len();
        let added = self.held.add(early, early.offset.max(self.next));
        match added.new {
            0 => self.counters.retransmitted += 1,
            new if new < len => self.counters.overlapping += 1,
            _ => {}
        }
        self.counters.conflicting += u64::from(added.conflicting);
    }

    /// Delivers what is now in order.
    fn drain(&mut self, deliver: &mut impl FnMut(Delivery<'_>)) {
        while let Some(piece) = self.held.take_first(self.next) {
            self.acknowledged_limit = None;
            self.emit(piece.at, &piece.bytes, 0, piece.bytes.len(), piece.missing, deliver);
        }
    }

    fn give_up_hole(&mut self, deliver: &mut impl FnMut(Delivery<'_>)) {
        self.acknowledged_limit = None;
        if let Some(first) = self.held.first() {
            self.held.distrust_single_first();
            self.gap(first.saturating_sub(self.next), deliver);
            self.drain(deliver);
        }
    }
}

/// Sequence numbers are offsets modulo 2^32.
#[expect(clippy::cast_possible_truncation, reason = "the modulus")]
fn sequence_of(base: u32, offset: u64) -> u32 {
    base.wrapping_add(offset as u32)
}

#[cfg(test)]
mod tests;
