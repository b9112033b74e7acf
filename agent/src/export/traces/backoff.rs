//! How long to wait before the next attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How often, and for how long, a batch is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// The first pause; each later one is twice as long.
    pub(super) first_pause: Duration,
    /// The longest.
    pub(super) longest_pause: Duration,
    /// A batch that was not taken for so long is given up.
    pub(super) give_up_after: Duration,
}

/// The pauses between the attempts with one batch.
pub(super) struct Backoff {
    timeout: Patience,
    next: Duration,
    waited: Duration,
}

impl Backoff {
    pub(super) fn new(timeout: Patience) -> Self {
        Self { timeout, next: timeout.first_pause, waited: Duration::ZERO }
    }

    /// The next pause: at least what the collector `asked` for, and otherwise between half and all of what is
    /// its turn, so that many agents do not come back at once. `spent` is what the attempt took. `None` where
    /// it is time to give up.
    pub(super) fn pause(&mut self, asked: Option<Duration>, spent: Duration) -> Option<Duration> {
        let half = self.next / 2;
        let pause = (half + half.mul_f64(random())).max(asked.unwrap_or_default());
        self.next = (self.next * 2).min(self.timeout.longest_pause);
        // Whoever asks may ask for longer than can be counted.
        self.waited = self.waited.saturating_add(spent).saturating_add(pause);
        (self.waited <= self.timeout.give_up_after).then_some(pause)
    }
}

/// Between 0 and 1. The standard library seeds its hash maps at random.
fn random() -> f64 {
    f64::from(RandomState::new().hash_one(()) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Patience = Patience {
        first_pause: Duration::from_millis(100),
        longest_pause: Duration::from_millis(800),
        give_up_after: Duration::from_secs(10),
    };

    #[test]
    fn pauses_double_up_to_the_longest_and_come_to_an_end() {
        let mut backoff = Backoff::new(TIMEOUT);
        let mut total = Duration::ZERO;
        for turn in [100, 200, 400, 800, 800, 800] {
            let pause = backoff.pause(None, Duration::ZERO).unwrap();
            let turn = Duration::from_millis(turn);
            assert!(pause >= turn / 2 && pause <= turn, "{pause:?} of {turn:?}");
            total += pause;
        }
        while let Some(pause) = backoff.pause(None, Duration::ZERO) {
            total += pause;
        }
        assert!(total <= TIMEOUT.give_up_after);
        assert!(total > TIMEOUT.give_up_after - TIMEOUT.longest_pause);
    }

    #[test]
    fn the_collectors_word_counts_and_has_a_limit() {
        let mut backoff = Backoff::new(TIMEOUT);
        let asked = Duration::from_secs(3);
        assert_eq!(backoff.pause(Some(asked), Duration::ZERO), Some(asked));
        assert_eq!(backoff.pause(Some(Duration::from_secs(8)), Duration::ZERO), None);
        assert_eq!(backoff.pause(Some(Duration::MAX), Duration::MAX), None);
        assert_eq!(Backoff::new(TIMEOUT).pause(None, Duration::from_secs(11)), None);
    }

    #[test]
    fn agents_do_not_come_back_at_once() {
        let pauses: Vec<_> =
            (0..8).map(|_| Backoff::new(TIMEOUT).pause(None, Duration::ZERO)).collect();
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
    }
}
