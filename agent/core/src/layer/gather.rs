//! A unit of known length, gathered over any number of segments; and a bounded search for a lost place.

/// The bytes of a record or frame that came so far, where it came in pieces.
#[derive(Debug, Default)]
pub(super) struct Gather {
    bytes: Vec<u8>,
}

/// How far a unit is gathered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gathered<'a> {
    /// More bytes have to come.
    More,
    /// It is whole, and lies in the input in one piece.
    Whole(&'a [u8]),
    /// It is whole, and came in pieces: [`Gather::take`] returns it.
    Buffered,
}

impl Gather {
    /// Takes what is missing of a unit of `len` bytes from the front of `bytes`.
    pub(super) fn gather<'a>(&mut self, len: usize, bytes: &mut &'a [u8]) -> Gathered<'a> {
        if self.bytes.is_empty()
            && let Some((whole, rest)) = bytes.split_at_checked(len)
        {
            *bytes = rest;
            return Gathered::Whole(whole);
        }
        let wanted = len.saturating_sub(self.bytes.len()).min(bytes.len());
        let (now, rest) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
        self.bytes.extend_from_slice(now);
        *bytes = rest;
        if self.bytes.len() == len { Gathered::Buffered } else { Gathered::More }
    }

    /// Makes room for a unit of which there is nothing yet, in one allocation.
    pub(super) fn reserve(&mut self, len: usize) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(len);
        }
    }

    /// Stands `len` zeros in for bytes that are missing. Returns where they are.
    pub(super) fn skip(&mut self, len: usize) -> (usize, usize) {
        let from = self.bytes.len();
        self.bytes.resize(from + len, 0);
        (from, from + len)
    }

    /// The bytes so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes there are so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The memory it holds.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bytes, with their buffer.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Gives the buffer back, to be used again.
    pub(super) fn give_back(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.bytes = buffer;
    }

    /// Drops the bytes and keeps the buffer.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// How often a direction may still look for its lost place.
#[derive(Debug)]
pub(super) struct Attempts(u32);

impl Attempts {
    pub(super) fn new(most: u32) -> Self {
        Self(most)
    }

    /// Takes one. False with the last: the direction is given up.
    pub(super) fn spend(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_chunking_gives_the_same_unit() {
        const UNIT: &[u8] = b"a unit";
        for size in 1..=UNIT.len() + 1 {
            let (mut gather, mut found) = (Gather::default(), Vec::new());
            let input = [UNIT, b" and more"].concat();
            for mut chunk in input.chunks(size) {
                if !found.is_empty() {
                    break;
                }
                match gather.gather(UNIT.len(), &mut chunk) {
                    Gathered::More => assert_eq!(chunk, b""),
                    Gathered::Whole(unit) => found = unit.to_vec(),
                    Gathered::Buffered => found = gather.take(),
                }
            }
            assert_eq!(found, UNIT, "in chunks of {size}");
        }
    }

    #[test]
    fn a_direction_is_given_up_after_its_last_attempt() {
        let mut attempts = Attempts::new(3);
        assert_eq!([(); 4].map(|()| attempts.spend()), [true, true, false, false]);
    }
}
