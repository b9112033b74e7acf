//! Captures with the output that is expected of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::tools;

/// A committed capture, `NAME.pcap` or another kind, with `NAME.keys` beside it where there are
/// keys, and `NAME.expected.jsonl`.
#[derive(Clone, Debug)]
pub struct Golden {
    /// The capture.
    pub capture: PathBuf,
}

/// How captures end.
const KINDS: [&str; 4] = [".pcap", ".pcapng", ".pcap.gz", ".pcap.zst"];

// ===== impl Golden =====

impl Golden {
    /// Where they are.
    pub fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
    }

    /// All of them, by name.
    pub fn all() -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(Self::folder()).context("there is no folder of captures")? {
            let capture = entry?.path();
            if KINDS.iter().any(|kind| capture.to_string_lossy().ends_with(kind)) {
                all.push(Self { capture });
            }
        }
        all.sort_by(|a, b| a.capture.cmp(&b.capture));
        Ok(all)
    }

    /// Its name, without the kind.
    pub fn name(&self) -> String {
        let name = self.capture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kind = KINDS.iter().filter_map(|kind| name.strip_suffix(kind)).next();
        kind.map_or_else(|| name.clone(), ToOwned::to_owned)
    }

    /// The expected output.
    pub fn expected(&self) -> PathBuf {
        self.beside("expected.jsonl")
    }

    /// The text of its key log; empty where there is none.
    pub fn keys(&self) -> Vec<u8> {
        fs::read(self.beside("keys")).unwrap_or_default()
    }

    fn beside(&self, kind: &str) -> PathBuf {
        self.capture.with_file_name(format!("{}.{kind}", self.name()))
    }

    /// What `wrongdoor` makes of the capture.
    pub fn analyze(&self, wrongdoor: &Path) -> Result<String> {
        let mut command = Command::new(wrongdoor);
        command.args(["analyze", "--format", "json"]);
        let keys = self.beside("keys");
        if keys.is_file() {
            command.arg("--keylog").arg(keys);
        }
        let output = tools::output(command.arg(&self.capture))
            .with_context(|| format!("in {}", self.capture.display()))?;
        Ok(String::from_utf8(output)?)
    }

    /// What differs between the expected and the real output; nothing when they agree.
    pub fn difference(&self, wrongdoor: &Path) -> Result<Option<String>> {
        let real = self.analyze(wrongdoor)?;
        let expected = fs::read_to_string(self.expected()).unwrap_or_default();
        if real == expected {
            return Ok(None);
        }
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), &real)?;
        let mut diff = tools::command("diff")?;
        diff.args(["-u", "-N", "--label", "expected", "--label", "real"]);
        let shown = diff.arg(self.expected()).arg(file.path()).output()?;
        Ok(Some(format!("{}:\n{}", self.name(), String::from_utf8_lossy(&shown.stdout))))
    }
}
