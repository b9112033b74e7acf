//! What became of records: the part of the ledger that sinks keep.

use std::ops::Add;

/// What became of what a sink is to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SinkStats {
    /// How many there were.
    pub(crate) wanted: u64,
    /// Of them: there was no room in the queue.
    pub(crate) queue_full: u64,
    /// The output failed.
    pub(crate) failed: u64,
    /// A bound on what is remembered, or on what is told of one connection.
    pub(crate) over_limit: u64,
}

impl Add for SinkStats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            wanted: self.wanted + other.wanted,
            queue_full: self.queue_full + other.queue_full,
            failed: self.failed + other.failed,
            over_limit: self.over_limit + other.over_limit,
        }
    }
}
