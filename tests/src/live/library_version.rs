//! TLS libraries of other makes: as shared files, driven through their C functions by one script, and without symbols.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::process::Running;
use super::{Ask, Truth, installed};
use crate::tools;

const SCRIPT: &str = include_str!("scripts/ctypes_client.py");
const PYOPENSSL: &str = include_str!("scripts/pyopenssl_client.py");

/// Whose library it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// OpenSSL 1.1.1, under the name that a Python package gave it.
    OpenSsl111,
    /// BoringSSL, as Android has it.
    BoringSsl,
    /// OpenSSL 4, linked into Python's `cryptography` and stripped.
    Stripped,
}

/// A process that has loaded the library, and waits.
#[derive(Debug)]
pub struct Loaded {
    running: Running,
    count: usize,
}

impl Make {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OpenSsl111, Self::BoringSsl, Self::Stripped];

    /// A client that has loaded it and will ask.
    pub fn load(self, port: u16, ask: &Ask) -> Result<Loaded> {
        let mut command = tools::command("python3")?;
        let folder = match self {
            Self::OpenSsl111 => Some(installed::openssl_111()?),
            Self::BoringSsl => tools::path(tools::BORINGSSL)?.parent().map(Path::to_owned),
            Self::Stripped => None,
        };
        let library = |name| folder.as_deref().map(|folder| file(folder, name)).transpose();
        let scene = json!({
            "port": port, "sni": ask.sni, "authorities": ask.authorities,
            "libssl": library("libssl")?, "libcrypto": library("libcrypto")?,
        });
        command.args(["-c", if folder.is_some() { SCRIPT } else { PYOPENSSL }]);
        if self == Self::Stripped {
            command.env("PYTHONPATH", installed::pyopenssl()?);
        }
        command.env("SCENE", scene.to_string());
        let mut running = Running::spawn(command.stdin(Stdio::piped()))?;
        running.wait_until_it_says("loaded")?;
        Ok(Loaded { running, count: ask.authorities.len() })
    }
}

impl Loaded {
    /// Lets it ask; what it saw.
    pub fn ask(mut self) -> Result<Vec<Truth>> {
        self.running.input()?.write_all(b"\n")?;
        let finished = self.running.finish()?;
        let rows = Truth::parse(&finished.stdout)?;
        ensure!(rows.len() == self.count, "{} of {}: {}", rows.len(), self.count, finished.stderr);
        Ok(rows)
    }
}

/// The one file in `folder` whose name begins so.
fn file(folder: &Path, name: &str) -> Result<PathBuf> {
    let files =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let files: Vec<PathBuf> = files.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    let is_it = |path: &&PathBuf| {
        path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name))
    };
    files.iter().find(is_it).cloned().with_context(|| format!("no {name} in {files:?}"))
}
