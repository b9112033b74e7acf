//! The files that tell what the machine is.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most that is read of one; mount tables are the longest.
const MAX_FILE: u64 = 8 << 20;

/// Where `/proc` and `/sys` are.
#[derive(Clone, Debug)]
pub(crate) struct System {
    pub(super) proc: PathBuf,
    pub(super) sys: PathBuf,
}

// === impl System ===

impl System {
    /// This machine.
    pub(crate) fn here() -> Self {
        Self { proc: PathBuf::from("/proc"), sys: PathBuf::from("/sys") }
    }

    /// A file in `/proc`.
    pub(super) fn proc(&self, path: &str) -> Option<String> {
        text(&self.proc.join(path))
    }

    /// A file in `/sys`.
    pub(super) fn sys(&self, path: &str) -> Option<String> {
        text(&self.sys.join(path))
    }

    /// Whether a file in `/sys` could be opened.
    pub(super) fn sys_opens(&self, path: &str) -> io::Result<()> {
        File::open(self.sys.join(path)).map(drop)
    }

    /// The inode of one of our namespaces.
    pub(super) fn namespace(&self, kind: &str) -> Option<u64> {
        let link = std::fs::read_link(self.proc.join("self/ns").join(kind)).ok()?;
        link.to_str()?.strip_prefix(kind)?.strip_prefix(":[")?.strip_suffix(']')?.parse().ok()
    }
}

fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}
