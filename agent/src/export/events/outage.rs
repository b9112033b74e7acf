//! A time in which the output takes nothing, and when the log reports it.

use std::time::{Duration, Instant};

/// How often the log reports it, however often it begins and ends.
const LOGGED_EVERY: Duration = Duration::from_secs(60);

/// Whether there is one.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// The log has its begin, and not its end.
    is_logged: bool,
    logged: Option<Instant>,
    /// Events that were lost by the last report.
    lost: u64,
}

impl Outage {
    /// The output has failed, and so many events are lost in all. How many of them are new, where it is time to
    /// log them.
    pub(super) fn goes_on(&mut self, lost: u64, now: Instant) -> Option<u64> {
        if self.logged.is_some_and(|logged| now.duration_since(logged) < LOGGED_EVERY) {
            return None;
        }
        (self.is_logged, self.logged) = (true, Some(now));
        Some(lost - std::mem::replace(&mut self.lost, lost))
    }

    /// The output works. How many events were lost since the last report, where the log has to report the end.
    pub(super) fn end(&mut self, lost: u64) -> Option<u64> {
        if !std::mem::take(&mut self.is_logged) {
            return None;
        }
        Some(lost - std::mem::replace(&mut self.lost, lost))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_logged_once_a_minute_and_its_end_once() {
        let begin = Instant::now();
        let mut outage = Outage::default();
        assert_eq!(outage.end(0), None);
        assert_eq!(outage.goes_on(3, begin), Some(3));
        assert_eq!(outage.goes_on(7, begin + LOGGED_EVERY / 2), None);
        assert_eq!(outage.goes_on(9, begin + LOGGED_EVERY), Some(6));
        assert_eq!(outage.end(11), Some(2));
        assert_eq!(outage.end(11), None);
        // One that follows at once is reported when it is time, with all that was lost.
        assert_eq!(outage.goes_on(12, begin + LOGGED_EVERY), None);
        assert_eq!(outage.end(12), None);
        assert_eq!(outage.goes_on(14, begin + 2 * LOGGED_EVERY), Some(3));
    }
}
