//! Whose a TLS object is: the process, by name and container.

use crate::capture::processes::{self, ProcessKey, ProcessSeen};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use wrongdoor_core::live::Process;

/// The most processes that are remembered; beyond it all are forgotten, and asked for again.
const MAX_OWNERS: usize = 65_536;

/// Processes by number, as they were found; shared with the thread that finds them.
#[derive(Clone, Default)]
pub(super) struct Found(Arc<Mutex<HashMap<u32, Option<Box<str>>>>>);

impl Found {
    /// A process was looked at.
    pub(super) fn seen(&self, process: &ProcessSeen) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= MAX_OWNERS {
            found.clear();
        }
        found.insert(process.pid, process.container.as_deref().map(Box::from));
    }

    /// It has ended.
    pub(super) fn gone(&self, process: ProcessKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&process.pid);
    }

    /// The container it runs in, if it was looked at.
    fn container(&self, pid: u32) -> Option<Option<Box<str>>> {
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
        let container = self
            .found
            .container(pid)
            .unwrap_or_else(|| processes::container_of(pid).map(String::into_boxed_str));
        let process = Arc::new(Process { pid, command: command.into(), container });
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
