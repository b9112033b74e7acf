//! Why the kernel refuses the probes.

use super::btf::BtfError;
use crate::text::chain;
use aya::programs::ProgramError;
use std::error::Error;
use std::io;

/// Why the probes cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(
        "this build has no eBPF probes; install a BPF toolchain (cargo xtask setup) and build again"
    )]
    NoProbes,
    #[error(transparent)]
    Types(#[from] BtfError),
    #[error("the kernel refuses the probes' tables: {0}")]
    Maps(String, bool),
    #[error("the kernel refuses `{program}`: {reason}")]
    Refused { program: &'static str, reason: String, is_privilege: bool },
    #[error(
        "this kernel has no uprobe_multi links (Linux 6.6), and refuses uprobes by perf events, which need \
         CAP_SYS_ADMIN: {0}"
    )]
    PerfEvents(io::Error),
}

impl LoadError {
    /// Only a privilege is missing.
    pub(crate) fn is_privilege(&self) -> bool {
        match self {
            Self::Maps(_, is_privilege) | Self::Refused { is_privilege, .. } => *is_privilege,
            Self::PerfEvents(_) => true,
            Self::Types(BtfError::Unreadable(error)) => {
                error.kind() == io::ErrorKind::PermissionDenied
            }
            Self::NoProbes | Self::Types(BtfError::Damaged) => false,
        }
    }
}

/// The most lines of the verifier's log in an error: its end has the reason.
const MAX_LOG_LINES: usize = 6;

/// An error with its causes, in one line. Of a program that the verifier rejects, the end of the verifier's log.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> String {
    let Some(ProgramError::LoadError { io_error, verifier_log }) = error.downcast_ref() else {
        return chain(error);
    };
    let log = verifier_log.to_string();
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    match lines.get(lines.len().saturating_sub(MAX_LOG_LINES)..).unwrap_or_default() {
        [] => io_error.to_string(),
        last => format!("{io_error}; the verifier says: {}", last.join(" / ")),
    }
}

/// Whether the kernel said that it may not be done, rather than that it cannot.
pub(super) fn is_privilege(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = match error.downcast_ref::<ProgramError>() {
            Some(ProgramError::LoadError { io_error, .. }) => Some(io_error),
            _ => error.downcast_ref::<io::Error>(),
        };
        if io.is_some_and(|error| error.raw_os_error() == Some(libc::EPERM)) {
            return true;
        }
        cause = error.source();
    }
    false
}
