//! Whose a TLS object is: the process, by name, container and pod.

use super::clock::BootClock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wrongdoor_core::bounded_map::BoundedMap;
use wrongdoor_core::observation::probe_event::Process;
use wrongdoor_procfs::{ProcessKey, ProcessSeen};

/// The most processes that are remembered; beyond it the oldest is forgotten, and looked up again.
const MAX_OWNERS: usize = 65_536;

/// Stands for all numbers; no process has it.
const EVERYBODY: u32 = 0;

/// What a process is called, and where it runs, by its control group.
#[derive(Clone, Default, PartialEq, Eq)]
struct Home {
    /// Of its first thread: others have names of what they do, as Envoy's `wrk:worker_0`.
    command: Option<Box<str>>,
    container: Option<Box<str>>,
    pod: Option<Box<str>>,
    /// When it was started, in ticks of the kernel's clock from the machine's start.
    start_time: Option<u64>,
}

impl Home {
    /// Looked up now.
    fn of(pid: u32) -> Self {
        let (container, pod) = wrongdoor_procfs::home_of(pid);
        let command = wrongdoor_procfs::command_of(pid).map(Into::into);
        let (container, pod) = (container.map(Into::into), pod.map(Into::into));
        Self { command, container, pod, start_time: None }
    }
}

/// Processes by number, as they were found; shared with the thread that finds them.
#[derive(Clone, Default)]
pub(super) struct FoundProcesses(Arc<SharedHomes>);

#[derive(Default)]
struct SharedHomes {
    homes: Mutex<Homes>,
    /// There are numbers in [`Homes::changed`]: so that nobody takes the lock to find none.
    has_changed: AtomicBool,
}

struct Homes {
    of: BoundedMap<u32, Home>,
    /// Numbers whose process has ended, or is another one: what was remembered of them is wrong.
    changed: Vec<u32>,
}

impl Default for Homes {
    fn default() -> Self {
        Self { of: BoundedMap::new(MAX_OWNERS), changed: Vec::new() }
    }
}

impl FoundProcesses {
    /// A process was looked at.
    pub(super) fn seen(&self, process: &ProcessSeen) {
        let home = Home {
            command: Some(process.command.as_str().into()),
            container: process.container.as_deref().map(Box::from),
            pod: process.pod.as_deref().map(Box::from),
            start_time: Some(process.start_time),
        };
        let mut homes = self.homes();
        // Also where it is the first that was seen of it: it may be remembered from before there was anything to see.
        if homes.of.insert(process.pid, home.clone()).former.as_ref() != Some(&home) {
            self.change(&mut homes, process.pid);
        }
    }

    /// It has ended.
    pub(super) fn gone(&self, process: ProcessKey) {
        self.forget(process.pid);
    }

    /// It is not what it was: it is looked up when somebody asks.
    fn forget(&self, pid: u32) {
        let mut homes = self.homes();
        homes.of.remove(&pid);
        self.change(&mut homes, pid);
    }

    /// Where it runs, if it was looked at.
    fn home(&self, pid: u32) -> Option<Home> {
        self.homes().of.get(&pid).cloned()
    }

    fn change(&self, homes: &mut Homes, pid: u32) {
        homes.changed.push(pid);
        // Where nobody asks, there is nobody who could remember anything wrong for long: all is forgotten then.
        if homes.changed.len() > MAX_OWNERS {
            homes.changed.clear();
            homes.changed.push(EVERYBODY);
        }
        self.0.has_changed.store(true, Ordering::Release);
    }

    /// The numbers that are not what they were, since the last time.
    fn changed(&self) -> Vec<u32> {
        if self.0.has_changed.swap(false, Ordering::Acquire) {
            return std::mem::take(&mut self.homes().changed);
        }
        Vec::new()
    }

    fn homes(&self) -> MutexGuard<'_, Homes> {
        self.0.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The processes that own objects.
pub(super) struct ObjectOwners {
    known: BoundedMap<u32, KnownProcess>,
    found: FoundProcesses,
}

/// A process, and the name of the thread that it was last asked for by.
struct KnownProcess {
    thread: Box<str>,
    process: Arc<Process>,
}

impl ObjectOwners {
    pub(super) fn new(found: FoundProcesses) -> Self {
        Self { known: BoundedMap::new(MAX_OWNERS), found }
    }

    /// The process of this number, one of whose threads has, in the kernel's sixteen bytes, this name.
    ///
    /// The name of the thread came with the record: it is right even where the process is gone already.
    pub(super) fn process(&mut self, pid: u32, thread: &[u8; 16]) -> Arc<Process> {
        for pid in self.found.changed() {
            self.forget(pid);
        }
        let thread = thread.split(|byte| *byte == 0).next().unwrap_or_default();
        let thread = String::from_utf8_lossy(thread);
        if let Some(known) = self.known.get(&pid)
            && *known.thread == *thread
        {
            return Arc::clone(&known.process);
        }
        let home = self.found.home(pid).unwrap_or_else(|| Home::of(pid));
        let Home { command, container, pod, start_time } = home;
        let command = command.unwrap_or_else(|| thread.as_ref().into());
        let started = start_time.map(|ticks| BootClock::new().ticks(ticks));
        let process = Arc::new(Process { pid, command, container, pod, started });
        let known = KnownProcess { thread: thread.into(), process: Arc::clone(&process) };
        self.known.insert(pid, known);
        process
    }

    /// The process runs another program: what was found of it is of the one before.
    pub(super) fn began(&mut self, pid: u32) {
        self.found.forget(pid);
    }

    /// The process is not what it was, or is another one: it is asked for again.
    fn forget(&mut self, pid: u32) {
        if pid == EVERYBODY {
            self.known.clear();
        } else {
            self.known.remove(&pid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that no process has.
    const PID: u32 = u32::MAX - 1;

    fn seen(container: &str) -> ProcessSeen {
        let container = Some(container.to_owned());
        ProcessSeen { container, ..wrongdoor_procfs::testing::process(PID, "nginx") }
    }

    #[test]
    fn a_process_has_the_name_of_its_first_thread_and_that_of_any_where_it_is_gone() {
        let found = FoundProcesses::default();
        let mut owners = ObjectOwners::new(found.clone());
        let worker = b"wrk:worker_0\0\0\0\0";
        assert_eq!(&*owners.process(PID, worker).command, "wrk:worker_0");
        found.seen(&seen("first"));
        assert_eq!(&*owners.process(PID, worker).command, "nginx");
        // It runs another program, which nobody has looked at.
        owners.began(PID);
        assert_eq!(&*owners.process(PID, b"curl\0\0\0\0\0\0\0\0\0\0\0\0").command, "curl");
    }

    #[test]
    fn a_number_that_another_process_has_now_is_another_containers() {
        let found = FoundProcesses::default();
        let mut owners = ObjectOwners::new(found.clone());
        let mut container =
            || owners.process(PID, b"nginx\0\0\0\0\0\0\0\0\0\0\0").container.clone();
        found.seen(&seen("first"));
        assert_eq!(container().as_deref(), Some("first"));
        // A worker that was forked runs no new program, and has the same name.
        found.seen(&seen("second"));
        assert_eq!(container().as_deref(), Some("second"));
        found.gone(seen("second").key());
        assert_eq!(container(), None);
        found.seen(&seen("third"));
        for _ in 0..=MAX_OWNERS {
            found.gone(seen("third").key());
        }
        found.seen(&seen("fourth"));
        assert_eq!(container().as_deref(), Some("fourth"));
        assert!(found.homes().changed.len() <= MAX_OWNERS);
    }
}
