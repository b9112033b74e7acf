//! Names that are not admitted, and how often at least each was seen: the Space-Saving algorithm (Metwally
//! et al., 2005), in small sets so that a name costs the same however many there are.

/// Names that share a set.
const WAYS: usize = 8;
/// Sets. A name that comes more often than one in `SETS` × `WAYS` of those that are not admitted is found.
const SETS: usize = 256;

/// A bounded table of hashes with counts.
pub(super) struct Candidates {
    sets: Vec<[Candidate; WAYS]>,
}

/// A name that was seen at least `count - error` times, and at most `count` times.
#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    hash: u64,
    count: u32,
    error: u32,
}

impl Default for Candidates {
    fn default() -> Self {
        Self { sets: vec![[Candidate::default(); WAYS]; SETS] }
    }
}

impl Candidates {
    /// Counts a name; gives how often it was seen at least.
    pub(super) fn see(&mut self, hash: u64) -> u32 {
        let Some(set) = self.set(hash) else { return 1 };
        if let Some(known) = set.iter_mut().find(|known| known.count > 0 && known.hash == hash) {
            known.count = known.count.saturating_add(1);
            return known.count - known.error;
        }
        // The least takes the new name, and may have been seen under it as often as under the former.
        if let Some(least) = set.iter_mut().min_by_key(|candidate| candidate.count) {
            let error = least.count;
            *least = Candidate { hash, count: error.saturating_add(1), error };
        }
        1
    }

    /// It was admitted.
    pub(super) fn forget(&mut self, hash: u64) {
        let found = self.set(hash).and_then(|set| set.iter_mut().find(|known| known.hash == hash));
        if let Some(known) = found {
            *known = Candidate::default();
        }
    }

    /// Everything counts for half from now on.
    pub(super) fn halve(&mut self) {
        for candidate in self.sets.iter_mut().flatten() {
            // What is certain is halved, never raised.
            let certain = (candidate.count - candidate.error) / 2;
            candidate.count /= 2;
            candidate.error = candidate.count - certain.min(candidate.count);
        }
    }

    fn set(&mut self, hash: u64) -> Option<&mut [Candidate; WAYS]> {
        // The high bits: the hash table beside it uses the low ones.
        let index = (hash >> 32) as usize % SETS;
        self.sets.get_mut(index)
    }
}
