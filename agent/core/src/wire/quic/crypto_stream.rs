//! The handshake's byte stream, put together from CRYPTO frames in any order (RFC 9000 §7.5, §19.6).

use super::frame::Crypto;
use crate::wire::tls::handshake::MAX_MESSAGE;

/// How far data may reach beyond the start of the message that is incomplete: the longest message and
/// some of the next ones. A peer may send any offset up to 2^62, and never the first byte.
pub(super) const MAX_AHEAD: usize = MAX_MESSAGE + 16 * 1024;
/// The most pieces kept apart, so that one-byte frames cost no more than their bytes' worth.
pub(super) const MAX_PIECES: usize = 256;

/// Reassembles one direction of one encryption level. Where frames overlap, the first one seen wins.
#[derive(Debug, Default)]
pub(super) struct CryptoStream {
    /// The offset of the first byte that was not delivered.
    next: u64,
    /// What came too early: in order, not overlapping, all beyond `next`.
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    offset: u64,
    data: Box<[u8]>,
}

impl CryptoStream {
    /// Takes one frame in, and calls `deliver` with whatever is now in order.
    ///
    /// `delivered` is how much of the incomplete message is held elsewhere already. False where some of
    /// the frame was dropped at a bound.
    pub(super) fn insert(
        &mut self,
        frame: Crypto<'_>,
        delivered: usize,
        mut deliver: impl FnMut(&[u8]),
    ) -> bool {
        let limit = self.next.saturating_add(MAX_AHEAD.saturating_sub(delivered) as u64);
        let Some(fresh) = clip(frame, self.next, limit) else { return self.is_before(&frame) };
        let whole = frame.offset.saturating_add(frame.data.len() as u64) <= limit;
        let kept = self.fill_gaps(fresh, &mut deliver);
        let ready = self.pieces.iter().scan(self.next, |next, piece| {
            let in_order = piece.offset == *next;
            *next = piece.end();
            in_order.then_some(())
        });
        let ready = ready.count();
        for piece in self.pieces.drain(..ready) {
            self.next = piece.end();
            deliver(&piece.data);
        }
        whole && kept
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.pieces.iter().map(|piece| piece.data.len() + size_of::<Piece>()).sum()
    }

    /// Keeps those parts of `fresh` that no piece covers; what continues the stream is never kept.
    fn fill_gaps(&mut self, fresh: Crypto<'_>, deliver: &mut impl FnMut(&[u8])) -> bool {
        let end = fresh.offset.saturating_add(fresh.data.len() as u64);
        let (mut from, mut at, mut kept) = (fresh.offset, 0, true);
        while from < end {
            let piece = self.pieces.get(at);
            let gap_end = piece.map_or(end, |piece| piece.offset.min(end));
            if let Some(gap) = clip(fresh, from, gap_end) {
                if gap.offset == self.next {
                    self.next = gap_end;
                    deliver(gap.data);
                } else if self.pieces.len() < MAX_PIECES {
                    self.pieces.insert(at, Piece { offset: gap.offset, data: gap.data.into() });
                    at += 1;
                } else {
                    kept = false;
                }
            }
            from = self.pieces.get(at).map_or(end, |piece| piece.end().max(from));
            at += 1;
        }
        kept
    }

    /// Whether all of the frame was delivered before.
    fn is_before(&self, frame: &Crypto<'_>) -> bool {
        frame.data.is_empty() || frame.offset < self.next
    }
}

impl Piece {
    fn end(&self) -> u64 {
        self.offset.saturating_add(self.data.len() as u64)
    }
}

/// The part of a frame inside `from..to`, if there is any.
fn clip(frame: Crypto<'_>, from: u64, to: u64) -> Option<Crypto<'_>> {
    let end = frame.offset.checked_add(frame.data.len() as u64)?.min(to);
    let from = from.max(frame.offset);
    let start = usize::try_from(from - frame.offset).ok()?;
    let len = usize::try_from(end.checked_sub(from)?).ok()?;
    let data = frame.data.get(start..)?.get(..len).filter(|data| !data.is_empty())?;
    Some(Crypto { offset: from, data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(frames: &[(u64, &[u8])]) -> (Vec<u8>, CryptoStream, bool) {
        let (mut out, mut stream, mut whole) = (Vec::new(), CryptoStream::default(), true);
        for (offset, data) in frames {
            let frame = Crypto { offset: *offset, data };
            whole &= stream.insert(frame, 0, |bytes| out.extend_from_slice(bytes));
        }
        (out, stream, whole)
    }

    #[test]
    fn overlaps_give_way_to_what_came_first() {
        let frames: [(u64, &[u8]); 4] = [(4, b"EF"), (2, b"cdefg"), (1, b"B"), (0, b"abcdefgh")];
        assert_eq!(feed(&frames).0, b"aBcdEFgh");
    }

    #[test]
    fn bounds_drop_and_tell() {
        let far = u64::try_from(MAX_AHEAD).unwrap();
        let (_, stream, whole) = feed(&[(far - 1, b"ab"), (far, b"x"), (u64::MAX, b"x")]);
        assert!(!whole && stream.held() <= 1 + size_of::<Piece>());
        let mut stream = CryptoStream::default();
        for at in 0..u64::try_from(MAX_PIECES).unwrap() {
            assert!(stream.insert(Crypto { offset: 2 * at + 1, data: b"x" }, 0, |_| {}));
        }
        assert!(!stream.insert(Crypto { offset: 9999, data: b"x" }, 0, |_| {}));
        assert!(stream.insert(Crypto { offset: 0, data: b"x" }, 0, |_| {}));
        assert_eq!(stream.next, 2);
    }

    proptest! {
        #[test]
        fn any_frames_in_any_order_agree_with_a_map_of_bytes(
            frames in prop::collection::vec((0..200_u64, prop::collection::vec(any::<u8>(), 0..40)), 0..60)
        ) {
            let mut expected = std::collections::BTreeMap::new();
            for (offset, data) in &frames {
                for (at, byte) in (*offset..).zip(data) {
                    expected.entry(at).or_insert(*byte);
                }
            }
            let expected: Vec<u8> =
                expected.iter().zip(0..).take_while(|((at, _), n)| *at == n).map(|((_, byte), _)| *byte).collect();
            let frames: Vec<(u64, &[u8])> = frames.iter().map(|(at, data)| (*at, data.as_slice())).collect();
            let (out, stream, whole) = feed(&frames);
            prop_assert_eq!(&out, &expected);
            prop_assert_eq!(stream.next, out.len() as u64);
            prop_assert!(whole);
        }
    }
}
