//! Which processes run on the machine, and which files their code comes from.
//!
//! Found by looking at `/proc`: no process is stopped, entered or run. What runs in a container is hostile:
//! it chooses its name, its mappings, their paths, and what is at these paths. So everything that is read
//! has a bound, paths are bytes to show or to try and never to trust, and a file is known by its identity.

mod cgroup;
mod maps;
pub(crate) mod mounts;
mod open;
mod read;
mod scanner;
mod search;
mod stat;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod unseen;

#[cfg(test)]
pub(crate) use open::Certainty;
pub(crate) use open::{OpenError, Opened, open};
pub(crate) use scanner::{Scan, Scanner};
pub(crate) use search::Search;
pub(crate) use unseen::{Unseen, linked_in, searchable, unseen};

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// A file on this machine, whatever its paths are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileId {
    /// The file system that it is on.
    pub(crate) device: Device,
    /// Which one there.
    pub(crate) inode: u64,
}

/// A device number as `/proc` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Device {
    /// What kind.
    pub(crate) major: u32,
    /// Which one.
    pub(crate) minor: u32,
}

/// One life of a process: numbers are used again, this is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProcessKey {
    /// Its number.
    pub(crate) pid: u32,
    /// When it began, in clock ticks since the machine did.
    pub(crate) start_time: u64,
}

/// A process, as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessSeen {
    /// Its number.
    pub(crate) pid: u32,
    /// When it began, in clock ticks since the machine did.
    pub(crate) start_time: u64,
    /// What the kernel calls it: at most 15 bytes, and its own choice.
    pub(crate) command: String,
    /// Its control group; of several hierarchies the one that tells most.
    pub(crate) cgroup: String,
    /// The container that it runs in.
    pub(crate) container: Option<String>,
    /// The pod that it runs in.
    pub(crate) pod: Option<String>,
    /// Where it lives.
    pub(crate) namespaces: Namespaces,
    /// The files that its code comes from, each once.
    pub(crate) mapped: Vec<Mapped>,
    /// There are more files than are told.
    pub(crate) is_cut: bool,
}

/// The namespaces of a process, by inode. `None` where they may not be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Namespaces {
    /// Network.
    pub(crate) net: Option<u64>,
    /// Mounts.
    pub(crate) mnt: Option<u64>,
    /// Process numbers.
    pub(crate) pid: Option<u64>,
}

/// A file that a process has mapped for execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// Which file.
    pub(crate) file: FileId,
    /// Its path as the kernel shows it: in the process's mount namespace, for people and as a hint.
    pub(crate) path: PathBuf,
    /// Where one of its mappings is.
    pub(crate) range: Range<u64>,
    /// It has no path any more: replaced by an update, or removed.
    pub(crate) is_deleted: bool,
    /// It is the program itself, not a library.
    pub(crate) is_program: bool,
}

/// The container and the pod that a process runs in, where its control group names them.
pub(crate) fn home_of(pid: u32) -> (Option<String>, Option<String>) {
    let path = PathBuf::from(format!("/proc/{pid}/cgroup"));
    let groups = read::read_bounded(&path, read::MAX_SMALL_FILE).unwrap_or_default();
    let groups = String::from_utf8_lossy(&groups);
    (cgroup::container_id(&groups), cgroup::pod_uid(&groups))
}

// === impl FileId ===

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} inode {}", self.device, self.inode)
    }
}

// === impl Device ===

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

// === impl ProcessSeen ===

impl ProcessSeen {
    /// Which life of which process.
    pub(crate) fn key(&self) -> ProcessKey {
        ProcessKey { pid: self.pid, start_time: self.start_time }
    }

    /// The program that it runs, where that was found among its mappings.
    pub(crate) fn program(&self) -> Option<&Mapped> {
        self.mapped.iter().find(|mapped| mapped.is_program)
    }
}
