//! How uprobes attach: by `uprobe_multi` links where the kernel has them, else by perf events.

use super::load_error::{LoadError, is_privilege};
use super::permission;
use super::uprobe_multi::UprobeMulti;

/// How uprobes attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttachKind {
    /// By one link for many places of a file (kernel 6.6). Asks for `CAP_BPF` and `CAP_PERFMON`.
    Multi,
    /// By a perf event for each place. Asks for `CAP_SYS_ADMIN`.
    PerfEvents,
}

impl AttachKind {
    /// The better one that the kernel has.
    ///
    /// # Errors
    ///
    /// This process lacks a privilege for it.
    pub(super) fn of_kernel() -> Result<Self, LoadError> {
        match UprobeMulti::is_supported() {
            Ok(true) => Ok(Self::Multi),
            Err(error) if is_privilege(&error) => Err(LoadError::Refused {
                program: "uprobe programs",
                reason: error.to_string(),
                is_privilege: true,
            }),
            Ok(false) | Err(_) => Self::perf_events(),
        }
    }

    /// Perf events.
    ///
    /// # Errors
    ///
    /// This process may not open them.
    pub(super) fn perf_events() -> Result<Self, LoadError> {
        match permission::check_perf_events() {
            Ok(()) => Ok(Self::PerfEvents),
            Err(error) => Err(LoadError::PerfEvents(error)),
        }
    }

    /// For logs and reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Multi => "uprobe_multi",
            Self::PerfEvents => "perf events",
        }
    }
}
