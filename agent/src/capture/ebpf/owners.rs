//! Whose a TLS object is: the process, by name, container and pod.

use crate::capture::processes::{self, ProcessKey, ProcessSeen};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use wrongdoor_core::live::Process;

/// The most processes that are remembered; beyond it all are forgotten, and asked for again.
const MAX_OWNERS: usize = 65_536;

/// Where a process runs, by its control group.
#[derive(Clone, Default)]
struct Home {
    container: Option<Box<str>>,
    pod: Option<Box<str>>,
}

impl Home {
    /// Looked up now.
    fn of(pid: u32) -> Self {
        let (container, pod) = processes::home_of(pid);
        Self { container: container.map(Into::into), pod: pod.map(Into::into) }
    }
}

/// Processes by number, as they were found; shared with the thread that finds them.
#[derive(Clone, Default)]
pub(super) struct Found(Arc<Mutex<HashMap<u32, Home>>>);

impl Found {
    /// A process was looked at.
    pub(super) fn seen(&self, process: &ProcessSeen) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= MAX_OWNERS {
            found.clear();
        }
        let home = Home {
            container: process.container.as_deref().map(Box::from),
            pod: process.pod.as_deref().map(Box::from),
        };
        found.insert(process.pid, home);
    }

    /// It has ended.
    pub(super) fn gone(&self, process: ProcessKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&process.pid);
    }

    /// Where it runs, if it was looked at.
    fn home(&self, pid: u32) -> Option<Home> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&pid).cloned()
    }
}

/// The processes that own objects.
pub(super) struct Owners {
    known: HashMap<u32, Arc<Process>>,
    found: Found,
}

impl Owners {
    pub(super) fn new(found: Found) -> Self {
        Self { known: HashMap::new(), found }
    }

    /// The process of this number and, in the kernel's sixteen bytes, name.
    ///
    /// The name came with the record: it is right even where the process is gone already.
    pub(super) fn process(&mut self, pid: u32, command: &[u8; 16]) -> Arc<Process> {
        let command = command.split(|byte| *byte == 0).next().unwrap_or_default();
        let command = String::from_utf8_lossy(command);
        if let Some(known) = self.known.get(&pid)
            && *known.command == *command
        {
            return Arc::clone(known);
        }
        let Home { container, pod } = self.found.home(pid).unwrap_or_else(|| Home::of(pid));
        let process = Arc::new(Process { pid, command: command.into(), container, pod });
        if self.known.len() >= MAX_OWNERS {
            self.known.clear();
        }
        self.known.insert(pid, Arc::clone(&process));
        process
    }

    /// The process runs another program: it is asked for again.
    pub(super) fn changed(&mut self, pid: u32) {
        self.known.remove(&pid);
    }
}
