//! Why traces cannot be sent as they are asked for.

use crate::config::OTLP_PREFIX;

/// What is wrong with the settings of traces.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TracesError {
    #[error("{name} {why}; {remedy}")]
    Refused {
        /// The option or the variable.
        name: String,
        /// With its value, where that is no secret.
        why: String,
        remedy: String,
    },
    #[error(
        "this machine has no trusted certificates for the OTLP collector; install them, or name a file in {variable}"
    )]
    NoRoots { variable: String },
    #[error("TLS cannot be set up: {0}")]
    Tls(rustls::Error),
}

impl TracesError {
    pub(super) fn no_roots() -> Self {
        Self::NoRoots { variable: format!("{OTLP_PREFIX}CERTIFICATE") }
    }

    /// The same, with other names for the variables in it.
    pub(crate) fn renamed(self, rename: impl Fn(String) -> String) -> Self {
        match self {
            Self::Refused { name, why, remedy } => {
                Self::Refused { name: rename(name), why: rename(why), remedy: rename(remedy) }
            }
            Self::NoRoots { variable } => Self::NoRoots { variable: rename(variable) },
            Self::Tls(error) => Self::Tls(error),
        }
    }
}
