//! Programs that begin and end, many a second, and do nothing else.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{tools, wait};

/// A storm that goes on until this is dropped.
#[derive(Debug)]
pub struct Storm {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    is_over: AtomicBool,
    count: AtomicUsize,
}

impl Storm {
    /// Begins one of about so many programs a second.
    pub fn start(a_second: u32) -> Self {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let every = Duration::from_secs(1) / a_second.max(1);
        let thread = std::thread::spawn(move || blow(&own, every));
        Self { shared, thread: Some(thread) }
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.shared.count.load(Ordering::Relaxed)
    }

    /// Waits until there were at least so many, and ends it.
    pub fn end_after(mut self, count: usize, timeout: Duration) -> Result<()> {
        wait::within(timeout, "the storm to pass", || {
            let is_broken = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            Ok((is_broken || self.count() >= count).then_some(()))
        })?;
        self.shared.is_over.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("it has ended")?;
        thread.join().ok().context("the storm panicked")?
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn blow(shared: &Shared, every: Duration) -> Result<()> {
    let begin = Instant::now();
    while !shared.is_over.load(Ordering::Relaxed) {
        tools::command("true")?.stdin(Stdio::null()).status()?;
        let count = shared.count.fetch_add(1, Ordering::Relaxed) + 1;
        // Paced by what is due, so that one that took long is made up for.
        let due = begin + every * u32::try_from(count)?;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(())
}
