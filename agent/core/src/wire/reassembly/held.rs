//! Segments that came too early.

use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::ops::Range;

/// Pieces of the stream by their offset. No two of them overlap.
#[derive(Debug, Default)]
pub(super) struct Held {
    pieces: BTreeMap<u64, HeldPiece>,
    bytes: usize,
}

/// A piece of the stream.
#[derive(Debug)]
pub(super) struct HeldPiece {
    pub(super) at: Timestamp,
    pub(super) bytes: Vec<u8>,
    /// Bytes behind `bytes` that are not known: the snap length cut them off, or two segments had different ones.
    pub(super) missing: usize,
    /// It is a segment of a single byte, as keep-alives are.
    is_single: bool,
}

/// A segment, by its place in the stream.
#[derive(Clone, Copy)]
pub(super) struct Early<'a> {
    pub(super) at: Timestamp,
    pub(super) offset: u64,
    pub(super) payload: &'a [u8],
    pub(super) missing: usize,
}

/// What a segment added.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Added {
    /// Bytes that were not held before.
    pub(super) new: u64,
    /// Some of its bytes differ from those held for the same place.
    pub(super) conflicting: bool,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many pieces.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Bytes of the stream in them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The memory it takes.
    pub(super) fn memory(&self) -> usize {
        self.bytes + self.pieces.len() * size_of::<HeldPiece>()
    }

    /// Where the first piece begins.
    pub(super) fn first(&self) -> Option<u64> {
        self.pieces.first_key_value().map(|(offset, _)| *offset)
    }

    /// Takes the first piece, if it begins at `next` or before.
    pub(super) fn take_first(&mut self, next: u64) -> Option<HeldPiece> {
        let entry = self.pieces.first_entry().filter(|entry| *entry.key() <= next)?;
        let piece = entry.remove();
        self.bytes -= piece.bytes.len();
        Some(piece)
    }

    /// A single byte behind a hole that does not fill may be the garbage of a keep-alive: it is not known.
    pub(super) fn distrust_single_first(&mut self) {
        if let Some(mut entry) = self.pieces.first_entry()
            && entry.get().is_single
        {
            self.bytes -= 1;
            entry.get_mut().forget();
        }
    }

    /// Keeps what is new of a segment from the offset `from` on. Where it has other bytes than a piece, neither
    /// counts.
    pub(super) fn add(&mut self, early: Early<'_>, from: u64) -> Added {
        let conflicting = self.settle_conflicts(&early, from);
        let end = early.end();
        let mut from = from;
        let mut holes = Vec::new();
        for (start, stop) in self.overlapping(from..end) {
            if start > from {
                holes.push(from..start);
            }
            from = stop;
        }
        if from < end {
            holes.push(from..end);
        }
        let new = holes.iter().map(|hole| hole.end - hole.start).sum();
        for hole in holes {
            let bytes = early.within(&hole).to_vec();
            let missing =
                usize::try_from(hole.end - hole.start).unwrap_or(usize::MAX) - bytes.len();
            let (at, is_single) = (early.at, early.is_single());
            self.insert(hole.start, HeldPiece { at, bytes, missing, is_single });
        }
        Added { new, conflicting }
    }

    /// The pieces that overlap `range`, as start and end.
    fn overlapping(&self, range: Range<u64>) -> impl Iterator<Item = (u64, u64)> {
        let before = self.pieces.range(..=range.start).next_back();
        let behind =
            self.pieces.range(range.start.saturating_add(1)..range.end.max(range.start + 1));
        let pieces = before.into_iter().chain(behind);
        let ends = pieces.map(|(start, piece)| (*start, start + piece.len()));
        ends.filter(move |(start, stop)| *stop > range.start && *start < range.end)
    }

    /// Makes unknown what is different in a segment and in the pieces. True where something is.
    fn settle_conflicts(&mut self, early: &Early<'_>, from: u64) -> bool {
        let differs = |(start, stop): &(u64, u64)| {
            let both = from.max(*start)..early.end().min(*stop);
            let held = self.pieces.get(start).map_or(&[][..], |piece| piece.within(*start, &both));
            let (held, new) = (held.iter(), early.within(&both).iter());
            held.zip(new).any(|(held, new)| held != new)
        };
        let conflicts: Vec<(u64, u64)> =
            self.overlapping(from..early.end()).filter(differs).collect();
        for (start, stop) in &conflicts {
            // A keep-alive repeats the place of the last byte, with any byte in it (RFC 9293 §3.8.4).
            let same_end = *stop == early.end();
            if same_end && early.is_single() && stop - start > 1 {
                continue;
            }
            let Some(mut piece) = self.remove(*start) else { continue };
            if same_end && piece.is_single && early.len() > 1 {
                continue;
            }
            let both = from.max(*start)..early.end().min(*stop);
            let mut middle = piece.split_off(both.start - start);
            let last = middle.split_off(both.end - both.start);
            middle.forget();
            for (offset, piece) in [(*start, piece), (both.start, middle), (both.end, last)] {
                if piece.len() > 0 {
                    self.insert(offset, piece);
                }
            }
        }
        !conflicts.is_empty()
    }

    fn insert(&mut self, offset: u64, piece: HeldPiece) {
        self.bytes += piece.bytes.len();
        self.pieces.insert(offset, piece);
    }

    fn remove(&mut self, offset: u64) -> Option<HeldPiece> {
        let piece = self.pieces.remove(&offset)?;
        self.bytes -= piece.bytes.len();
        Some(piece)
    }
}

impl HeldPiece {
    fn len(&self) -> u64 {
        (self.bytes.len() + self.missing) as u64
    }

    /// Nothing of it is known any more.
    fn forget(&mut self) {
        self.missing += std::mem::take(&mut self.bytes).len();
        self.is_single = false;
    }

    /// The known bytes within `range` of the stream, of a piece that begins at `start` and not behind it.
    fn within(&self, start: u64, range: &Range<u64>) -> &[u8] {
        slice(&self.bytes, start, range)
    }

    /// Cuts the piece behind `len` bytes, and returns the rest.
    fn split_off(&mut self, len: u64) -> Self {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let known = len.min(self.bytes.len());
        let unknown = len.saturating_sub(known).min(self.missing);
        let rest = Self {
            at: self.at,
            bytes: self.bytes.split_off(known),
            missing: self.missing - unknown,
            is_single: false,
        };
        self.is_single = false;
        self.missing = unknown;
        rest
    }
}

impl<'a> Early<'a> {
    pub(super) fn len(&self) -> u64 {
        (self.payload.len() + self.missing) as u64
    }

    fn end(&self) -> u64 {
        self.offset + self.len()
    }

    fn is_single(&self) -> bool {
        self.payload.len() == 1 && self.missing == 0
    }

    /// The known bytes within `range` of the stream.
    fn within(&self, range: &Range<u64>) -> &'a [u8] {
        slice(self.payload, self.offset, range)
    }
}

/// Those of `bytes`, which begin at the offset `start`, that are within `range`.
fn slice<'a>(bytes: &'a [u8], start: u64, range: &Range<u64>) -> &'a [u8] {
    let place =
        |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(place(range.start)..place(range.end)).unwrap_or_default()
}
