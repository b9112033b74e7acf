//! A histogram of times, in the buckets that all times of the metrics have.

use std::time::Duration;

/// Upper bounds in seconds: machines answer within one, people within a minute.
pub(crate) const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0, 60.0];

/// How often something took how long.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TimeHistogram {
    /// Of each bound, how many times are at most that.
    pub(crate) within: [u64; BOUNDS.len()],
    pub(crate) count: u64,
    /// The sum of all.
    pub(crate) seconds: f64,
}

impl TimeHistogram {
    /// Counts one more.
    pub(crate) fn add(&mut self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.count += 1;
        self.seconds += seconds;
        for (bound, count) in BOUNDS.iter().zip(&mut self.within) {
            *count += u64::from(seconds <= *bound);
        }
    }

    /// Adds those of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.seconds += other.seconds;
        for (sum, count) in self.within.iter_mut().zip(other.within) {
            *sum += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_in_each_bucket_that_it_is_below() {
        let mut times = TimeHistogram::default();
        times.add(Duration::from_millis(30));
        times.add(Duration::from_mins(2));
        let mut both = times.clone();
        both.merge(&times);
        assert_eq!(times.within, [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!((both.count, both.within[9], both.seconds), (4, 2, 240.06));
    }
}
