//! Why no packets are captured.

use super::filter::MAX_PORTS;
use crate::error::Error;
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(
        "packet capture needs CAP_NET_RAW: run it as root, or grant that (setpriv, setcap, AmbientCapabilities=, or \
         the container's securityContext)"
    )]
    Privilege,
    #[error("the kernel refuses a packet socket {what}: {source}")]
    Socket { what: String, source: io::Error },
    #[error("there is no interface `{name}`; there are: {others}")]
    NoInterface { name: String, others: String },
    #[error("cannot enter the network namespace `{}`: {source}{}", path.display(), hint(source))]
    Namespace { path: PathBuf, source: io::Error },
    #[error("more than {MAX_PORTS} cleartext ports")]
    Ports,
    #[error("more than {0} interfaces; without any all are watched")]
    Interfaces(usize),
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

fn hint(error: &io::Error) -> &'static str {
    if is_refused(error) { " (it takes CAP_SYS_ADMIN)" } else { "" }
}

fn is_refused(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES))
}

impl OpenError {
    /// What failed with a socket for `what`.
    pub(super) fn socket(what: &str, source: io::Error) -> Self {
        if is_refused(&source) {
            Self::Privilege
        } else {
            Self::Socket { what: what.to_owned(), source }
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        let what = error.to_string();
        match error {
            OpenError::Privilege => Self::Privilege { what },
            OpenError::Namespace { source, .. } if is_refused(&source) => Self::Privilege { what },
            OpenError::Ports | OpenError::Interfaces(_) => Self::Usage { what },
            _ => Self::Unavailable { what },
        }
    }
}
