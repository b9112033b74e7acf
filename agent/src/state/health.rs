//! Whether the capture loop lives, and whether it captures: what the orchestrator asks for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Before the first turn of the loop.
const NOT_STARTED: &str = "capture has not started";
/// A loop that takes longer for one turn is stuck.
const MAX_TURN: Duration = Duration::from_secs(30);

/// What the capture loop says of itself.
#[derive(Debug)]
pub(crate) struct Health {
    started: Instant,
    /// When the loop last turned, in milliseconds since the start.
    turned: AtomicU64,
    is_over: AtomicBool,
    /// Why not everything is captured that is to be captured.
    waits_for: Mutex<Option<&'static str>>,
    source: OnceLock<&'static str>,
}

impl Health {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            turned: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            waits_for: Mutex::new(Some(NOT_STARTED)),
            source: OnceLock::new(),
        }
    }

    /// Since the start.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// What captures.
    pub(crate) fn captures(&self, source: &'static str) {
        self.source.get_or_init(|| source);
    }

    /// The source's name; empty before there is one.
    pub(crate) fn source(&self) -> &'static str {
        self.source.get().copied().unwrap_or_default()
    }

    /// The loop has turned.
    pub(crate) fn turned(&self, waits_for: Option<&'static str>) {
        let now = u64::try_from(self.uptime().as_millis()).unwrap_or(u64::MAX);
        self.turned.store(now, Ordering::Relaxed);
        *self.waiting() = waits_for;
    }

    /// It will not turn again.
    pub(crate) fn over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Why the agent is to be restarted, if it is.
    pub(crate) fn alive(&self) -> Result<(), &'static str> {
        self.alive_at(self.uptime())
    }

    /// Why nothing is captured, if so.
    pub(crate) fn ready(&self) -> Result<(), &'static str> {
        self.alive()?;
        self.waiting().map_or(Ok(()), Err)
    }

    fn waiting(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.waits_for.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive_at(&self, now: Duration) -> Result<(), &'static str> {
        let turned = Duration::from_millis(self.turned.load(Ordering::Relaxed));
        if self.is_over.load(Ordering::Relaxed) {
            Err("capture has ended")
        } else if now > turned + MAX_TURN {
            Err("the capture loop is stuck: no iteration for 30 seconds")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_does_not_turn_is_stuck() {
        let health = Health::new();
        assert_eq!(health.alive_at(MAX_TURN), Ok(()));
        assert_eq!(health.ready(), Err(NOT_STARTED));
        health.turned(Some("an interface"));
        assert_eq!(health.ready(), Err("an interface"));
        health.turned(None);
        assert_eq!(health.ready(), Ok(()));
        let late = health.uptime() + MAX_TURN * 2;
        assert_eq!(
            health.alive_at(late),
            Err("the capture loop is stuck: no iteration for 30 seconds")
        );
        health.over();
        assert_eq!(health.alive(), Err("capture has ended"));
    }
}
