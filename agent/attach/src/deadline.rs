//! Work on a file whose file system may never answer: done aside, and given up after a while.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::limits::{DEADLINE, MAX_ABANDONED, SEARCH_DEADLINE};
use super::refusal::{FileRefusal, Reason};

/// Workers that were given up and have not come back.
static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// Does `work` on the file `name`, waiting no longer than the deadline.
///
/// A thread that hangs in the kernel cannot be ended. It is left behind and counted, until it ends by
/// itself.
pub(super) fn within<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, Reason> + Send + 'static,
) -> Result<T, FileRefusal> {
    give_up_after(DEADLINE, &ABANDONED, name, work)
}

/// The same for work that reads all of a file.
pub(super) fn within_search<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, Reason> + Send + 'static,
) -> Result<T, FileRefusal> {
    give_up_after(SEARCH_DEADLINE, &ABANDONED, name, work)
}

fn give_up_after<T: Send + 'static>(
    deadline: Duration,
    abandoned: &'static AtomicUsize,
    name: &str,
    work: impl FnOnce() -> Result<T, Reason> + Send + 'static,
) -> Result<T, FileRefusal> {
    let hanging = abandoned.load(Ordering::Relaxed);
    if hanging >= MAX_ABANDONED {
        return Err(Reason::Busy(hanging).of(name));
    }
    let (answer, answered) = mpsc::sync_channel(0);
    let worker = move || {
        // Nobody takes the answer of one that was given up: then it is no longer hanging.
        if answer.send(work()).is_err() {
            abandoned.fetch_sub(1, Ordering::Relaxed);
        }
    };
    let spawned = thread::Builder::new().name("examine".to_owned()).spawn(worker);
    spawned.map_err(|error| Reason::Unreadable(error).of(name))?;
    match answered.recv_timeout(deadline) {
        Ok(result) => result.map_err(|reason| reason.of(name)),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            // Counted before `answered` is dropped, so that the worker cannot subtract first.
            abandoned.fetch_add(1, Ordering::Relaxed);
            Err(Reason::Silent.of(name))
        }
        // It panicked: a fault of ours that must not take the agent along.
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(Reason::Damaged("it could not be understood").of(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_never_answers_is_given_up_and_counted() {
        static HANGING: AtomicUsize = AtomicUsize::new(0);
        let (release, released) = mpsc::channel::<()>();
        let short = Duration::from_millis(20);
        let wait = move || Ok(released.recv().is_err());
        let refusal = give_up_after(short, &HANGING, "/mnt/dead", wait).unwrap_err();
        assert!(matches!(refusal.reason, Reason::Silent), "{refusal}");
        assert_eq!(HANGING.load(Ordering::Relaxed), 1);
        // It answers after all, too late.
        drop(release);
        let mut patience = 500;
        while HANGING.load(Ordering::Relaxed) != 0 && patience > 0 {
            thread::sleep(Duration::from_millis(10));
            patience -= 1;
        }
        assert_eq!(HANGING.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn many_that_never_answer_stop_the_looking() {
        static HANGING: AtomicUsize = AtomicUsize::new(MAX_ABANDONED);
        let refusal = give_up_after(DEADLINE, &HANGING, "/bin/true", || Ok(())).unwrap_err();
        assert!(matches!(refusal.reason, Reason::Busy(MAX_ABANDONED)), "{refusal}");
    }

    #[test]
    fn a_panic_takes_one_file_along_and_not_the_agent() {
        static HANGING: AtomicUsize = AtomicUsize::new(0);
        let work = || -> Result<(), Reason> { panic!("as a test") };
        assert!(give_up_after(DEADLINE, &HANGING, "/bin/true", work).is_err());
    }
}
