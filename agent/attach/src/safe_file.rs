//! A file of somebody else's, opened so that opening it can do no harm.

use std::fs::{File, Metadata, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::deadline;
use super::limits::MAX_FILE_BYTES;
use super::refusal::{FileRefusal, Reason};

/// A regular file of bearable size, open for reading.
#[derive(Clone, Debug)]
pub struct SafeFile {
    file: Arc<File>,
    name: String,
    identity: Identity,
}

/// Which file it is, and which state of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The device of its file system.
    pub device: u64,
    /// Its number in there.
    pub inode: u64,
    /// Its length.
    pub size: u64,
    /// Written last: seconds and nanoseconds.
    pub modified: (i64, i64),
}

// === impl SafeFile ===

impl SafeFile {
    /// Opens `path`, which may be one of `/proc/PID/map_files` or under `/proc/PID/root`.
    pub fn open(path: &Path) -> Result<Self, FileRefusal> {
        let name = path.display().to_string();
        let path = path.to_owned();
        deadline::within(&name, move || {
            // A handle alone has no effect on what it names: no FIFO waits, no device rewinds.
            let handle = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path)?;
            check(&handle.metadata()?)?;
            // The very file that was checked, whatever its path leads to by now.
            let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
            let itself = format!("/proc/self/fd/{}", handle.as_raw_fd());
            Ok(OpenOptions::new().read(true).custom_flags(flags).open(itself)?)
        })
        .and_then(|file| Self::from_file(file, name))
    }

    /// Takes a file that is open for reading.
    pub fn from_file(file: File, name: String) -> Result<Self, FileRefusal> {
        let file = Arc::new(file);
        let asked = Arc::clone(&file);
        let identity = deadline::within(&name, move || {
            let metadata = asked.metadata()?;
            check(&metadata)?;
            Ok(Identity::of(&metadata))
        })?;
        Ok(Self { file, name, identity })
    }

    /// As it was opened.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it was when it was opened.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether it still is what it was when it was opened.
    pub(super) fn check_unchanged(&self) -> Result<(), Reason> {
        let now = Identity::of(&self.file.metadata()?);
        if now == self.identity { Ok(()) } else { Err(Reason::Changed) }
    }
}

fn check(metadata: &Metadata) -> Result<(), Reason> {
    if !metadata.is_file() {
        return Err(Reason::NotRegular);
    }
    let size = metadata.len();
    if size > MAX_FILE_BYTES {
        return Err(Reason::TooLarge { size, limit: MAX_FILE_BYTES });
    }
    Ok(())
}

// === impl Identity ===

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}
