//! Chance that comes out the same every time.

use std::ops::Range;

/// A seeded generator: splitmix64.
#[derive(Clone, Debug)]
pub struct Dice(u64);

// ===== impl Dice =====

impl Dice {
    /// Every seed is a game of its own.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number within `range`, which must not be empty.
    pub fn within(&mut self, range: Range<usize>) -> usize {
        let len = range.end.saturating_sub(range.start).max(1) as u64;
        range.start + usize::try_from(self.bits() % len).unwrap_or(0)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.within(0..n) == 0
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.bits().to_le_bytes().first().copied().unwrap_or_default()
    }

    /// So many bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.byte()).collect()
    }

    /// One of `all`, which must not be empty.
    ///
    /// # Panics
    ///
    /// Where it is.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        match all.get(self.within(0..all.len())) {
            Some(one) => one,
            None => panic!("nothing to choose from"),
        }
    }
}
