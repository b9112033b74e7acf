//! Why the agent cannot run as it is configured.

use crate::capture::scope::ScopeError;
use crate::export::{NotANamePattern, TracesError};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What is wrong with the configuration, or with a file that it names.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration `{}`", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("`{}`: {why}", path.display())]
    Malformed { path: PathBuf, why: String },
    #[error("cannot print the configuration: {why}")]
    Unprintable { why: String },
    #[error("TLS needs both --tls-certificate and --tls-key")]
    HalfOfTls,
    #[error(
        "{listen} is not loopback and unauthenticated: set --tls-certificate, --tls-key and --bearer-token, or pass \
         --allow-plain if the network is trusted"
    )]
    Unguarded { listen: SocketAddr },
    #[error("packets.cleartext_ports: 0 is not a port")]
    PortZero,
    #[error("events.max_bytes: must be at least 1")]
    NoRoomForEvents,
    #[error("scope: {0}")]
    Scope(#[from] ScopeError),
    #[error("names: {0}")]
    Names(#[from] NotANamePattern),
    #[error(transparent)]
    Traces(#[from] TracesError),
    #[error("cannot use `{}`: {why}", path.display())]
    Unusable { path: PathBuf, why: String },
}

/// Why HTTP is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    #[error("cannot listen on {address} (name another address with `--listen`)")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot start the service thread")]
    Thread(#[source] io::Error),
}

impl ServiceError {
    /// A privilege is missing, as for a port below 1024.
    pub(crate) fn is_privilege(&self) -> bool {
        matches!(self, Self::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }
}
