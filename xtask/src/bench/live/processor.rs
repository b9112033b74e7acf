//! Processor time of what runs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// Of all threads of a process.
pub(crate) fn of_process(pid: u32) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        total += of(&entry?.path()).unwrap_or_default();
    }
    Ok(total)
}

/// Of one thread of this process.
pub(crate) fn of_thread(thread: u32) -> Result<Duration> {
    of(Path::new(&format!("/proc/self/task/{thread}")))
}

fn of(task: &Path) -> Result<Duration> {
    let text = fs::read_to_string(task.join("schedstat"))?;
    let first = text.split_ascii_whitespace().next().context("no time")?;
    Ok(Duration::from_nanos(first.parse()?))
}
