//! So many lines of a kind, and no more: what goes wrong ten thousand times a second is told now and then.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::callsite::Identifier;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

/// Lines of one kind, which is one place in the code, within [`PERIOD`].
const MAX_LINES: u32 = 20;
/// Then there may be as many again.
const PERIOD: Duration = Duration::from_secs(60);

/// As many as there are places in the code that log.
static PLACES: LazyLock<Mutex<HashMap<Identifier, Lines>>> = LazyLock::new(Mutex::default);
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

/// Lines of one kind.
struct Lines {
    since: Instant,
    count: u32,
}

/// Lets through what is within the bound.
pub(super) struct Bounded;

/// How many lines were left out since this was last asked.
pub(crate) fn left_out() -> u64 {
    LEFT_OUT.swap(0, Ordering::Relaxed)
}

impl<S: Subscriber> Filter<S> for Bounded {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        // Libraries log what they are about to send, and we say ourselves what came of it.
        metadata.target().starts_with(env!("CARGO_PKG_NAME"))
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let lines = places
            .entry(event.metadata().callsite())
            .or_insert_with(|| Lines { since: now, count: 0 });
        let is_told = lines.admit(now);
        if !is_told {
            LEFT_OUT.fetch_add(1, Ordering::Relaxed);
        }
        is_told
    }
}

impl Lines {
    fn admit(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= PERIOD {
            *self = Self { since: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= MAX_LINES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_lines_and_as_many_again_later() {
        let begin = Instant::now();
        let mut lines = Lines { since: begin, count: 0 };
        let told = |lines: &mut Lines, now| (0..100).filter(|_| lines.admit(now)).count();
        assert_eq!(told(&mut lines, begin), MAX_LINES as usize);
        assert_eq!(told(&mut lines, begin + PERIOD / 2), 0);
        assert_eq!(told(&mut lines, begin + PERIOD), MAX_LINES as usize);
    }
}
