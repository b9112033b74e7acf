//! What is counted of clients after a 421: how long it took them, and what it cost.

use super::family::{Family, number};
use crate::time_histogram::TimeHistogram;
use wrongdoor_core::explain::recovery::Recovery;

/// Of all clients together.
#[derive(Default)]
pub(super) struct RecoveryCounts {
    times: TimeHistogram,
    handshakes: u64,
}

impl RecoveryCounts {
    /// Counts what became of one 421.
    pub(super) fn count(&mut self, recovery: &Recovery) {
        self.handshakes += u64::from(recovery.handshakes);
        if let Some(after) = recovery.after.filter(|_| recovery.outcome.is_recovered()) {
            self.times.add(after);
        }
    }

    pub(super) fn families(&self) -> [Family; 2] {
        let seconds = Family::times(
            "wrongdoor_recovery_seconds",
            "Seconds from a 421 to the response to the client's successful retry.",
            &self.times,
        );
        let handshakes = Family::counter(
            "wrongdoor_recovery_handshakes_total",
            "Connections that clients opened for a host between a 421 and its recovery.",
        );
        [seconds, handshakes.with([], number(self.handshakes))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use wrongdoor_core::explain::recovery::Outcome;

    #[test]
    fn only_who_got_through_has_a_time() {
        let mut recoveries = RecoveryCounts::default();
        let recovery = |outcome, millis| Recovery {
            outcome,
            connection: None,
            status: None,
            after: Some(Duration::from_millis(millis)),
            handshakes: 1,
            is_expected: None,
        };
        recoveries.count(&recovery(Outcome::RecoveredNewConnection, 30));
        recoveries.count(&recovery(Outcome::RetriedStill421, 30));
        assert_eq!((recoveries.times.count, recoveries.handshakes), (1, 2));
    }
}
