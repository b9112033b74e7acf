//! The TLS libraries that were found, for `doctor`.

use super::libraries::Libraries;
use wrongdoor_procfs::FileId;

/// One TLS library, or a program that contains one.
#[derive(Clone, Debug)]
pub(crate) struct LibraryReport {
    /// As one of its users shows it.
    pub(crate) path: String,
    /// `openssl`, `gnutls`, `go` …
    pub(crate) kind: String,
    /// Where it says so.
    pub(crate) version: Option<String>,
    /// Which file.
    pub(crate) file: FileId,
    /// Who has it mapped: number and command.
    pub(crate) users: Vec<(u32, String)>,
    /// In how many places it is trapped.
    pub(crate) attach_points: usize,
    /// Functions that it should have and that could not be trapped.
    pub(crate) missing: Vec<String>,
    /// Why it is not looked into at all.
    pub(crate) refused: Option<String>,
}

impl LibraryReport {
    /// Nothing of it goes unseen.
    pub(crate) fn is_whole(&self) -> bool {
        self.refused.is_none() && self.missing.is_empty()
    }
}

impl Libraries {
    pub(super) fn reports(&self) -> Vec<LibraryReport> {
        let traced = self.traced().map(|(file, traced)| LibraryReport {
            path: traced.path.clone(),
            kind: traced.examined.kind.as_str().to_owned(),
            version: traced.examined.version.clone(),
            file: *file,
            users: traced.users.iter().map(|(key, name)| (key.pid, name.clone())).collect(),
            attach_points: traced.attach_points,
            missing: traced
                .examined
                .missing
                .iter()
                .map(|(symbol, why)| format!("{symbol}: {why}"))
                .chain(traced.refused.iter().cloned())
                .collect(),
            refused: None,
        });
        let refused = self.refused().map(|(file, refused)| LibraryReport {
            path: refused.path.clone(),
            kind: String::new(),
            version: None,
            file: *file,
            users: Vec::new(),
            attach_points: 0,
            missing: Vec::new(),
            refused: Some(refused.why.clone()),
        });
        traced.chain(refused).collect()
    }
}
