//! The time of the traffic while no exchange ends: that of the last exchange, and how long ago it was.

use crate::time::Timestamp;
use std::time::Duration;

/// Follows the time of exchanges.
#[derive(Debug, Default)]
pub(super) struct CaptureClock {
    last: Option<(Timestamp, Duration)>,
}

impl CaptureClock {
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
