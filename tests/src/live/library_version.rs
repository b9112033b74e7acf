//! TLS libraries of other makes, as shared files, driven through their C functions by one script.

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

/// Whose library it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// OpenSSL 1.1.1, under the name that a Python package gave it.
    OpenSsl111,
    /// BoringSSL, as Android has it.
    BoringSsl,
}

/// A process that has loaded the library, and waits.
#[derive(Debug)]
pub struct Loaded {
    running: Running,
    count: usize,
}

impl Make {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::OpenSsl111, Self::BoringSsl];

    /// A client that has loaded it and will ask.
    pub fn load(self, port: u16, ask: &Ask) -> Result<Loaded> {
        let folder = self.folder()?;
        let scene = json!({
            "port": port, "sni": ask.sni, "authorities": ask.authorities,
            "libssl": file(&folder, "libssl")?, "libcrypto": file(&folder, "libcrypto")?,
        });
        let mut command = tools::command("python3")?;
        command.args(["-c", SCRIPT]).env("SCENE", scene.to_string());
        let mut running = Running::spawn(command.stdin(Stdio::piped()))?;
        running.wait_until_it_says("loaded")?;
        Ok(Loaded { running, count: ask.authorities.len() })
    }

    fn folder(self) -> Result<PathBuf> {
        match self {
            Self::OpenSsl111 => installed::openssl_111(),
            Self::BoringSsl => {
                let path = tools::path(tools::BORINGSSL)?;
                Ok(path.parent().context("no folder")?.to_owned())
            }
        }
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
