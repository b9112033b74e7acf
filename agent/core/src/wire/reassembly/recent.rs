//! The segments that were delivered last, to compare what is sent again.

use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// How many segments are remembered of one direction.
pub(super) const MAX_REMEMBERED: usize = 4;

/// Position and hash of the last segments. The bytes themselves are gone.
#[derive(Debug, Default)]
pub(super) struct Recent {
    segments: [Delivered; MAX_REMEMBERED],
    oldest: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Delivered {
    offset: u64,
    len: usize,
    hash: u64,
}

impl Recent {
    /// These bytes were delivered.
    pub(super) fn remember(&mut self, offset: u64, bytes: &[u8]) {
        if let Some(oldest) = self.segments.get_mut(self.oldest) {
            *oldest = Delivered { offset, len: bytes.len(), hash: hash(bytes) };
        }
        self.oldest = (self.oldest + 1) % MAX_REMEMBERED;
    }

    /// Whether a remembered segment within these bytes was different.
    pub(super) fn contradicts(&self, offset: u64, bytes: &[u8]) -> bool {
        self.segments.iter().any(|segment| {
            let place = segment.offset.checked_sub(offset).and_then(|at| usize::try_from(at).ok());
            let again = place.and_then(|at| bytes.get(at..)?.get(..segment.len));
            segment.len > 0 && again.is_some_and(|again| hash(again) != segment.hash)
        })
    }
}

fn hash(bytes: &[u8]) -> u64 {
    FixedState::default().hash_one(bytes)
}
