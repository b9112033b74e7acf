//! Why a command failed, and the exit status that says so.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use wrongdoor_pcap::{OpenError, ReadError};

/// `--fail-on` matched.
pub const MATCHED: u8 = 1;
/// The command line is not one (`EX_USAGE`).
pub const USAGE: u8 = 64;
/// An input is not a capture, or damaged beyond use (`EX_DATAERR`).
pub const DATA: u8 = 65;
/// An input cannot be opened (`EX_NOINPUT`).
pub const INPUT: u8 = 66;
/// Something that is needed is not there (`EX_UNAVAILABLE`).
pub const UNAVAILABLE: u8 = 69;
/// The output cannot be written (`EX_IOERR`).
pub const OUTPUT: u8 = 74;
/// A privilege is missing (`EX_NOPERM`).
pub const PRIVILEGE: u8 = 77;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A capture cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A capture cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A key log cannot be read.
    #[error("cannot read key log `{name}`")]
    KeyLog {
        /// The path as given.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The configuration cannot be read.
    #[error("cannot read the configuration `{}`", path.display())]
    ConfigFile {
        /// The path as given.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file that says what to do cannot be read.
    #[error("cannot read {what} from `{name}`")]
    Input {
        /// What it is.
        what: &'static str,
        /// The path as given, or what stands for standard input.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Standard input is named more than once.
    #[error("`-` (standard input) is named more than once; it can be read only once")]
    StandardInputTwice,
    /// The output would overwrite an input.
    #[error("the output `{name}` is one of the inputs; name another file")]
    OutputIsInput {
        /// The path as given.
        name: String,
    },
    /// The output cannot be written.
    #[error("cannot write {name}")]
    Output {
        /// The path, or what stands for standard output.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The output takes nothing.
    #[error("the last events were not written: their reader takes nothing")]
    OutputStalled,
    /// An address cannot be listened on.
    #[error("cannot listen on {address} (name another address with `--listen`)")]
    Listen {
        /// The address as given.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// A thread or its runtime cannot be started.
    #[error("cannot start {what}")]
    Start {
        /// What was to be started.
        what: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something that is needed is not there.
    #[error("{what}")]
    Unavailable {
        /// What is not there, and what to do about it.
        what: String,
    },
    /// A privilege is missing.
    #[error("{what}")]
    Privilege {
        /// Which one, for what, and how to get it.
        what: String,
    },
    /// The command line asks for something that does not exist.
    #[error("{what}")]
    Usage {
        /// What is wrong, and what would be right.
        what: String,
    },
}

impl Error {
    /// The exit status.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Open(_) | Self::KeyLog { .. } | Self::ConfigFile { .. } | Self::Input { .. } => {
                INPUT
            }
            Self::Read(ReadError::Failed { .. }) => INPUT,
            Self::Read(_) => DATA,
            Self::StandardInputTwice | Self::OutputIsInput { .. } | Self::Usage { .. } => USAGE,
            Self::Output { .. } | Self::OutputStalled => OUTPUT,
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                PRIVILEGE
            }
            Self::Listen { .. } | Self::Start { .. } | Self::Unavailable { .. } => UNAVAILABLE,
            Self::Privilege { .. } => PRIVILEGE,
        }
    }

    /// Neither of two ways works: both reasons, and a missing privilege above all.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let (one, another) = (self.to_string(), other.to_string());
        let what = if one == another { one } else { format!("{one}; and {another}") };
        match (self, other) {
            (_, Self::Usage { .. }) => Self::Usage { what: other.to_string() },
            (Self::Privilege { .. }, _) | (_, Self::Privilege { .. }) => Self::Privilege { what },
            _ => Self::Unavailable { what },
        }
    }

    /// The reader of our output went away, as `head` does: no error of anybody's.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
