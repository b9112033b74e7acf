//! Waiting for something to become true, with a deadline.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything on loopback may take before it counts as broken, on a busy CI machine too.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// The pause between two looks. It bounds what polling costs; nothing depends on its length.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks again and again until `look` finds something, or [`TIMEOUT`] is over.
pub fn until<T>(what: &str, look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    within(TIMEOUT, what, look)
}

/// The same, for what may take longer or must be faster.
pub fn within<T>(
    timeout: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("waited {} s in vain for {what}", timeout.as_secs());
        }
        std::thread::sleep(PAUSE);
    }
}
