//! Where a live test is played: a folder, a certificate authority, five names.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;

use crate::certs::{Authority, Cert};

/// The names that servers are asked for.
pub const NAMES: [&str; 5] = ["a.test", "b.test", "c.test", "d.test", "e.test"];

/// Those of them that the certificate covers, and that are served with 200; the others get 421.
pub const SERVED: [&str; 3] = ["a.test", "b.test", "c.test"];

/// A folder, a certificate authority and two certificates.
#[derive(Debug)]
pub struct Ground {
    folder: TempDir,
    root: PathBuf,
    /// Covers [`SERVED`], `localhost` and `127.0.0.1`.
    pub cert: Cert,
    /// Covers the other names.
    pub other: Cert,
}

impl Ground {
    /// A new one.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("wrongdoor-live-").tempdir()?;
        // Servers give up root and read what is theirs as somebody else.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        let authority = Authority::new(folder.path())?;
        let mut covered = SERVED.to_vec();
        covered.extend(["localhost", "127.0.0.1"]);
        let cert = authority.issue("served", &covered)?;
        let other = authority.issue("other", &["d.test", "e.test"])?;
        Ok(Self { root: authority.root(), folder, cert, other })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What clients are told to trust.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder in it, made if need be.
    pub fn subfolder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder().join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}
