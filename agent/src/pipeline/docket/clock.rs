//! The time of what is told, while nothing is: the last that was told, and how long ago that was.

use std::time::Duration;
use wrongdoor_core::time::Timestamp;

/// Follows the time of exchanges.
#[derive(Default)]
pub(super) struct Clock {
    last: Option<(Timestamp, Duration)>,
}

impl Clock {
    /// This was told at `now`.
    pub(super) fn set(&mut self, at: Timestamp, now: Duration) {
        if self.last.is_none_or(|(last, _)| at > last) {
            self.last = Some((at, now));
        }
    }

    /// What time it is at `now`; unknown before anything was told.
    pub(super) fn at(&self, now: Duration) -> Option<Timestamp> {
        let (last, told) = self.last?;
        let since = i64::try_from(now.saturating_sub(told).as_nanos()).unwrap_or(i64::MAX);
        Some(Timestamp(last.0.saturating_add(since)))
    }
}
