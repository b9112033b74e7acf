//! Why nothing is captured.

use super::ebpf::LoadError;
use super::packets::PacketsError;
use super::scope::ScopeError;
use crate::kernel_release::KernelRelease;
use crate::privileges;
use std::io;
use std::path::{Path, PathBuf};

/// Why a live source does not start, or ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error("--ring-bytes: must be a power of two, at least 4096")]
    RingBytes,
    #[error("key log `{}`: not a regular file, so it cannot be followed", path.display())]
    KeyLogNotAFile { path: PathBuf },
    #[error("cannot read key log `{}`", path.display())]
    KeyLog { path: PathBuf, source: io::Error },
    #[error("{refusal}{}", remedy(refusal, missing))]
    Probes {
        refusal: LoadError,
        /// The capabilities that are missing, where that is the reason.
        missing: Vec<String>,
    },
    #[error(transparent)]
    Packets(#[from] PacketsError),
    #[error("{}", both(probes, packets))]
    Neither { probes: Box<Self>, packets: Box<Self> },
    #[error("cannot write the copy of the kernel's records")]
    Copy(#[source] io::Error),
}

impl CaptureError {
    /// Neither probes nor packets work. What is wrong with the options is all that counts then.
    pub(super) fn neither(probes: Self, packets: Self) -> Self {
        if packets.is_usage() {
            packets
        } else {
            Self::Neither { probes: Box::new(probes), packets: Box::new(packets) }
        }
    }

    /// The options are wrong.
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            Self::Scope(_) | Self::RingBytes | Self::KeyLogNotAFile { .. } => true,
            Self::Packets(error) => error.is_usage(),
            Self::KeyLog { .. } | Self::Probes { .. } | Self::Neither { .. } | Self::Copy(_) => {
                false
            }
        }
    }

    /// A privilege is missing: with it, there is a way to capture.
    pub(crate) fn is_privilege(&self) -> bool {
        match self {
            Self::Probes { refusal, .. } => refusal.is_privilege(),
            Self::Packets(error) => error.is_privilege(),
            Self::Neither { probes, packets } => probes.is_privilege() || packets.is_privilege(),
            Self::Scope(_)
            | Self::RingBytes
            | Self::KeyLogNotAFile { .. }
            | Self::KeyLog { .. }
            | Self::Copy(_) => false,
        }
    }
}

impl From<LoadError> for CaptureError {
    fn from(refusal: LoadError) -> Self {
        let missing = if refusal.is_privilege() {
            let release = KernelRelease::read(Path::new("/proc"));
            privileges::missing(release.is_some_and(KernelRelease::has_uprobe_multi))
        } else {
            Vec::new()
        };
        Self::Probes { refusal, missing }
    }
}

fn remedy(refusal: &LoadError, missing: &[String]) -> String {
    if !refusal.is_privilege() {
        return "; `wrongdoor doctor` says more".to_owned();
    }
    let missing = match missing {
        [] => String::new(),
        missing => format!("; missing: {}", missing.join(", ")),
    };
    format!("{missing}; run it as root, or see `wrongdoor doctor`")
}

/// Both reasons, or the one that both have.
fn both(probes: &CaptureError, packets: &CaptureError) -> String {
    let (probes, packets) = (probes.to_string(), packets.to_string());
    if probes == packets { probes } else { format!("{probes}; and {packets}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(is_privilege: bool) -> CaptureError {
        let refusal = LoadError::Maps("EPERM".to_owned(), is_privilege);
        CaptureError::Probes { refusal, missing: vec!["CAP_BPF".to_owned()] }
    }

    fn packets(error: PacketsError) -> CaptureError {
        CaptureError::Packets(error)
    }

    fn thread() -> PacketsError {
        PacketsError::Thread(io::Error::other("no"))
    }

    #[test]
    fn where_both_ways_fail_both_reasons_are_given() {
        let neither = CaptureError::neither(refused(false), packets(thread()));
        let expected = "the kernel refuses the probes' tables: EPERM; `wrongdoor doctor` says more; \
                        and cannot start a thread: no";
        assert_eq!(neither.to_string(), expected);
        assert!(!neither.is_privilege() && !neither.is_usage());
        let same = CaptureError::neither(packets(thread()), packets(thread()));
        assert_eq!(same.to_string(), "cannot start a thread: no");
    }

    #[test]
    fn a_missing_privilege_of_either_counts() {
        let told = refused(true).to_string();
        assert!(told.ends_with("; missing: CAP_BPF; run it as root, or see `wrongdoor doctor`"));
        assert!(CaptureError::neither(refused(true), packets(thread())).is_privilege());
        assert!(
            CaptureError::neither(refused(false), packets(PacketsError::Privilege)).is_privilege()
        );
    }

    #[test]
    fn wrong_options_are_the_only_reason() {
        let neither = CaptureError::neither(refused(true), packets(PacketsError::Ports));
        assert!(neither.is_usage() && !neither.is_privilege());
        assert_eq!(neither.to_string(), PacketsError::Ports.to_string());
    }
}
