//! Work on a file whose file system may never answer: done aside, and given up after a while.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::limits::{DEADLINE, MAX_ABANDONED};
use super::refusal::{Reason, Refusal};

/// Workers that were given up and have not come back.
static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// Does `work` on the file `name`, waiting no longer than the deadline.
///
/// A thread that hangs in the kernel cannot be ended. It is left behind and counted, until it ends by
/// itself.
pub(super) fn within<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, Reason> + Send + 'static,
) -> Result<T, Refusal> {
    let hanging = ABANDONED.load(Ordering::Relaxed);
    if hanging >= MAX_ABANDONED {
        return Err(Reason::Busy(hanging).of(name));
    }
    let (answer, answered) = mpsc::sync_channel(0);
    let worker = move || {
        // Nobody takes the answer of one that was given up: then it is no longer hanging.
        if answer.send(work()).is_err() {
            ABANDONED.fetch_sub(1, Ordering::Relaxed);
        }
    };
    let spawned = thread::Builder::new().name("examine".to_owned()).spawn(worker);
    spawned.map_err(|error| Reason::Unreadable(error).of(name))?;
    match answered.recv_timeout(DEADLINE) {
        Ok(result) => result.map_err(|reason| reason.of(name)),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            // Counted before `answered` is dropped, so that the worker cannot subtract first.
            ABANDONED.fetch_add(1, Ordering::Relaxed);
            Err(Reason::Silent.of(name))
        }
        // It panicked: a fault of ours that must not take the agent along.
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(Reason::Damaged("it could not be understood").of(name))
        }
    }
}
