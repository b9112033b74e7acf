//! What is counted of clients after a 421: how long it took them, and what it cost.

use super::family::{Family, number};
use wrongdoor_core::explain::recovery::Recovery;

/// Upper bounds of the histogram, in seconds: browsers come again within one, people within a minute.
const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0, 60.0];

/// Of all clients together.
#[derive(Default)]
pub(super) struct RecoveryCounts {
    within: [u64; BOUNDS.len()],
    recovered: u64,
    seconds: f64,
    handshakes: u64,
}

impl RecoveryCounts {
    /// Counts what became of one 421.
    pub(super) fn count(&mut self, recovery: &Recovery) {
        self.handshakes += u64::from(recovery.handshakes);
        let Some(after) = recovery.after.filter(|_| recovery.outcome.is_recovered()) else {
            return;
        };
        let seconds = after.as_secs_f64();
        self.recovered += 1;
        self.seconds += seconds;
        for (bound, count) in BOUNDS.iter().zip(&mut self.within) {
            *count += u64::from(seconds <= *bound);
        }
    }

    pub(super) fn families(&self) -> [Family; 2] {
        let seconds = Family::histogram(
            "wrongdoor_recovery_seconds",
            "Seconds from a 421 to the response to the client's successful retry.",
            BOUNDS.into_iter().zip(self.within).collect(),
            self.recovered,
            self.seconds,
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
        assert_eq!((recoveries.recovered, recoveries.handshakes), (1, 2));
        assert_eq!(recoveries.within, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
    }
}
