//! Which processes run on the machine, and which files their code comes from.
//!
//! Found by looking at `/proc`: no process is stopped, entered or run. What runs in a container is hostile:
//! it chooses its name, its mappings, their paths, and what is at these paths. So everything that is read
//! has a bound, paths are bytes to show or to try and never to trust, and a file is known by its identity.

mod cgroup;
mod maps;
pub mod mounts;
mod open;
mod read;
mod scanner;
mod stat;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod unseen;

pub use open::{Certainty, MappedFileError, OpenedFile, open};
pub use scanner::{Scan, Scanner};
pub use unseen::{LIBRARY_NAMES, Unseen, linked_in, searchable, unseen};

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// A file on this machine, whatever its paths are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The file system that it is on.
    pub device: Device,
    /// Which one there.
    pub inode: u64,
}

/// A device number as `/proc` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device {
    /// What kind.
    pub major: u32,
    /// Which one.
    pub minor: u32,
}

/// One life of a process: numbers are used again, this is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessKey {
    /// Its number.
    pub pid: u32,
    /// When it began, in clock ticks since the machine did.
    pub start_time: u64,
}

/// A process, as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSeen {
    /// Its number.
    pub pid: u32,
    /// When it began, in clock ticks since the machine did.
    pub start_time: u64,
    /// What the kernel calls it: at most 15 bytes, and its own choice.
    pub command: String,
    /// Its control group; of several hierarchies the one that tells most.
    pub cgroup: String,
    /// The container that it runs in.
    pub container: Option<String>,
    /// The pod that it runs in.
    pub pod: Option<String>,
    /// Where it lives.
    pub namespaces: ProcessNamespaces,
    /// The files that its code comes from, each once.
    pub mapped: Vec<MappedFile>,
    /// There are more files than are told.
    pub is_cut: bool,
}

/// The namespaces of a process, by inode. `None` where they may not be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessNamespaces {
    /// Network.
    pub net: Option<u64>,
    /// Mounts.
    pub mnt: Option<u64>,
    /// Process numbers.
    pub pid: Option<u64>,
}

/// A file that a process has mapped for execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedFile {
    /// Which file.
    pub file: FileId,
    /// Its path as the kernel shows it: in the process's mount namespace, for people and as a hint.
    pub path: PathBuf,
    /// Where one of its mappings is.
    pub range: Range<u64>,
    /// It has no path any more: replaced by an update, or removed.
    pub is_deleted: bool,
    /// It is the program itself, not a library.
    pub is_program: bool,
}

/// The name of a process: that of its first thread.
pub fn command_of(pid: u32) -> Option<String> {
    let path = PathBuf::from(format!("/proc/{pid}/comm"));
    let name = read::read_bounded(&path, read::MAX_SMALL_FILE).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end_matches('\n').to_owned())
}

/// The container and the pod that a process runs in, where its control group names them.
pub fn home_of(pid: u32) -> (Option<String>, Option<String>) {
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
    pub fn key(&self) -> ProcessKey {
        ProcessKey { pid: self.pid, start_time: self.start_time }
    }

    /// The program that it runs, where that was found among its mappings.
    pub fn program(&self) -> Option<&MappedFile> {
        self.mapped.iter().find(|mapped| mapped.is_program)
    }
}
