//! The kernel side's clock runs from the machine's start; findings have the time of day.

use rustix::time::ClockId;
use std::time::{Duration, Instant};
use wrongdoor_core::time::Timestamp;

/// How often the two are compared: the time of day is corrected while the machine runs.
const EVERY: Duration = Duration::from_secs(1);

/// Turns the one into the other.
#[derive(Debug)]
pub(super) struct BootClock {
    offset: i64,
    compared: Instant,
}

impl BootClock {
    pub(super) fn new() -> Self {
        Self { offset: offset(), compared: Instant::now() }
    }

    /// Compares the two again, if that was long ago.
    pub(super) fn turn(&mut self) {
        if self.compared.elapsed() >= EVERY {
            *self = Self::new();
        }
    }

    /// The time of day of so many ticks of the kernel's clock, as `/proc` counts them.
    pub(super) fn ticks(&self, ticks: u64) -> Timestamp {
        let each = 1_000_000_000 / rustix::param::clock_ticks_per_second().max(1);
        self.time(ticks.saturating_mul(each))
    }

    /// The time of day of a record.
    pub(super) fn time(&self, at: u64) -> Timestamp {
        Timestamp(i64::try_from(at).unwrap_or(i64::MAX).saturating_add(self.offset))
    }
}

/// Now, as records have it.
pub(super) fn now() -> u64 {
    u64::try_from(nanoseconds(ClockId::Boottime)).unwrap_or(0)
}

fn offset() -> i64 {
    nanoseconds(ClockId::Realtime) - nanoseconds(ClockId::Boottime)
}

fn nanoseconds(clock: ClockId) -> i64 {
    let time = rustix::time::clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_started_when_it_was_started() {
        let clock = BootClock::new();
        let before = clock.time(now());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let after = clock.time(now());
        let mut scanner = wrongdoor_procfs::Scanner::new(std::path::Path::new("/proc"));
        let seen = scanner.scan_one(child.id(), Instant::now());
        child.kill().unwrap();
        child.wait().unwrap();
        let started = clock.ticks(seen.unwrap().start_time);
        // Rounded down to a tick; the two clocks were compared a moment apart.
        let tick = 20_000_000;
        assert!(
            started.0 >= before.0 - tick && started <= after,
            "{before:?} {started:?} {after:?}"
        );
    }
}
