//! Opening a mapped file from outside the process's mount namespace.
//!
//! The paths that a process shows are its own affair: others may be mounted over them, files may have been
//! replaced, and links may lead out of the container. So the file is opened without reading it, looked at,
//! and given only if it is the one that is mapped.

use super::read::read_bounded;
use super::{Device, FileId, MappedFile, mounts};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// How often a look-up is tried that the kernel could not do from memory because somebody was renaming.
const ATTEMPTS: usize = 3;

/// A mapped file, found and held. It cannot be read through this: only named.
#[derive(Debug)]
pub struct OpenedFile {
    handle: OwnedFd,
    /// Where it was found.
    pub found_at: PathBuf,
    /// Whether it is the file that is mapped.
    pub certainty: Certainty,
}

/// How sure it is that the opened file is the mapped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Device and inode are the same.
    Sure,
    /// Overlays and btrfs show other devices in maps than on files. The inode is the same, or the kernel
    /// says that this is mapped there.
    Unsure,
}

/// Why none was opened.
#[derive(Debug, thiserror::Error)]
pub enum MappedFileError {
    /// Reading it might take forever.
    #[error("it is on a {kind} file system, which may never answer")]
    Unreliable {
        /// What is mounted there.
        kind: String,
    },
    /// What is there is another file.
    #[error(
        "another file is at its path now; it is opened when CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE is granted"
    )]
    Replaced,
    /// A device, a pipe, a folder.
    #[error("it is not a regular file")]
    NotRegular,
    /// The kernel refused.
    #[error("cannot open it: {0}")]
    Refused(#[source] std::io::Error),
}

// === impl OpenedFile ===

impl OpenedFile {
    /// A path that leads to this very file as long as `self` lives, in this process only.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.handle.as_raw_fd()))
    }
}

/// Opens a file that the process has mapped: by its mapping, which works for deleted files too, or else by
/// its path below the process's root.
pub fn open(proc: &Path, pid: u32, mapped: &MappedFile) -> Result<OpenedFile, MappedFileError> {
    let folder = proc.join(pid.to_string());
    refuse_unreliable(&folder, mapped.file.device)?;
    let first = match by_mapping(&folder, mapped) {
        Ok(opened) => return Ok(opened),
        Err(error) => error,
    };
    match by_path(&folder, mapped) {
        Ok(opened) => Ok(opened),
        // Of two reasons the one that says more than that a capability is missing.
        Err(MappedFileError::Refused(_)) => Err(first),
        Err(error) => Err(error),
    }
}

fn by_mapping(folder: &Path, mapped: &MappedFile) -> Result<OpenedFile, MappedFileError> {
    let range = format!("{:x}-{:x}", mapped.range.start, mapped.range.end);
    let path = folder.join("map_files").join(range);
    let handle = rustix::fs::open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let identity = identify(&handle)?;
    // Whatever is there is what the kernel has mapped; the file systems that show another inode on files
    // than in maps are why it need not be the same.
    let certainty = if identity == mapped.file { Certainty::Sure } else { Certainty::Unsure };
    Ok(OpenedFile { handle, found_at: path, certainty })
}

fn by_path(folder: &Path, mapped: &MappedFile) -> Result<OpenedFile, MappedFileError> {
    let root = folder.join("root");
    let folder_flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let inside = rustix::fs::openat(CWD, &root, folder_flags, Mode::empty())?;
    let relative = mapped.path.strip_prefix("/").unwrap_or(&mapped.path);
    let handle = open_inside(&inside, relative)?;
    let identity = identify(&handle)?;
    let certainty = match identity {
        _ if identity == mapped.file => Certainty::Sure,
        _ if identity.inode == mapped.file.inode => Certainty::Unsure,
        _ => return Err(MappedFileError::Replaced),
    };
    Ok(OpenedFile { handle, found_at: root.join(relative), certainty })
}

/// No link is followed: the kernel shows paths without any. And nothing is looked up that is not in memory
/// already, as everything mapped is: a container's own file system might keep us waiting.
fn open_inside(root: &OwnedFd, path: &Path) -> Result<OwnedFd, MappedFileError> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let rules = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::CACHED;
    let mut attempts = 0;
    loop {
        attempts += 1;
        match rustix::fs::openat2(root, path, flags, Mode::empty(), rules) {
            Ok(handle) => return Ok(handle),
            Err(Errno::AGAIN) if attempts < ATTEMPTS => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// What it is, without asking the file system's server, if it has one.
fn identify(handle: &OwnedFd) -> Result<FileId, MappedFileError> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let status = rustix::fs::statx(handle, "", flags, StatxFlags::TYPE | StatxFlags::INO)?;
    if FileType::from_raw_mode(status.stx_mode.into()) != FileType::RegularFile {
        return Err(MappedFileError::NotRegular);
    }
    let device = Device { major: status.stx_dev_major, minor: status.stx_dev_minor };
    Ok(FileId { device, inode: status.stx_ino })
}

/// File systems that are served by a program or over a network: a container may serve one itself and let
/// every reader wait.
fn refuse_unreliable(folder: &Path, device: Device) -> Result<(), MappedFileError> {
    let Ok(text) = read_bounded(&folder.join("mountinfo"), mounts::MAX_BYTES) else {
        return Ok(());
    };
    let kind = mounts::parse(&text).find(|mount| mount.device == device).map(|mount| mount.kind);
    match kind {
        Some(kind) if is_unreliable(&kind) => Err(MappedFileError::Unreliable { kind }),
        _ => Ok(()),
    }
}

fn is_unreliable(kind: &str) -> bool {
    // Of block devices (`fuseblk`) too it is a program that serves the files.
    kind.starts_with("fuse")
        || kind.starts_with("nfs")
        || matches!(kind, "9p" | "cifs" | "smb3" | "ceph" | "afs")
}

// === impl MappedFileError ===

impl From<Errno> for MappedFileError {
    fn from(error: Errno) -> Self {
        Self::Refused(error.into())
    }
}
