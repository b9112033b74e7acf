//! Why no packets are captured.

use super::filter::MAX_PORTS;
use std::io;
use std::path::PathBuf;

/// Why packet sockets cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PacketsError {
    #[error(
        "packet capture needs CAP_NET_RAW: run as root, or grant it (setpriv, setcap, AmbientCapabilities=, or \
         the container's securityContext)"
    )]
    Privilege,
    #[error("the kernel refuses a packet socket {what}: {source}")]
    Socket { what: String, source: io::Error },
    #[error("there is no interface `{name}`; existing interfaces: {others}")]
    NoInterface { name: String, others: String },
    #[error("cannot enter the network namespace `{}`: {source}{}", path.display(), hint(source))]
    Namespace { path: PathBuf, source: io::Error },
    #[error("more than {MAX_PORTS} cleartext ports")]
    Ports,
    #[error("more than {0} interfaces; without --interface all are captured")]
    Interfaces(usize),
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

fn hint(error: &io::Error) -> &'static str {
    if is_refused(error) { " (it needs CAP_SYS_ADMIN)" } else { "" }
}

fn is_refused(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES))
}

impl PacketsError {
    /// What failed with a socket for `what`.
    pub(super) fn socket(what: &str, source: io::Error) -> Self {
        if is_refused(&source) {
            Self::Privilege
        } else {
            Self::Socket { what: what.to_owned(), source }
        }
    }

    /// The options are wrong.
    pub(in crate::capture) fn is_usage(&self) -> bool {
        matches!(self, Self::Ports | Self::Interfaces(_))
    }

    /// A privilege is missing.
    pub(in crate::capture) fn is_privilege(&self) -> bool {
        match self {
            Self::Privilege => true,
            Self::Namespace { source, .. } => is_refused(source),
            _ => false,
        }
    }
}
