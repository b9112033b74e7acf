//! Why a file was not examined.

use std::io;

/// A file that is not traced, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot find the TLS functions in `{file}`: {reason}")]
pub struct FileRefusal {
    /// The path it was opened by.
    pub file: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// The operating system refused.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// A FIFO, a device, a directory.
    #[error("it is not a regular file")]
    NotRegular,
    /// Larger than the limit.
    #[error("its size of {size} bytes is above the limit of {limit}; strip its debug information")]
    TooLarge {
        /// Of the file.
        size: u64,
        /// The largest accepted.
        limit: u64,
    },
    /// One of its tables is larger than the limit.
    #[error("it has {count} {what}, above the limit of {limit}, so it is not searched")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// As the file says.
        count: u64,
        /// The most accepted.
        limit: u64,
    },
    /// More was to be read than the limit.
    #[error("its tables have more than {limit} bytes, so it is not searched")]
    ReadsTooMuch {
        /// The most read.
        limit: u64,
    },
    /// The file contradicts itself.
    #[error("the file is damaged: {0}; install it anew")]
    Damaged(&'static str),
    /// For another processor.
    #[error("it is for another processor architecture than this node's")]
    Foreign,
    /// A Go program without what is needed.
    #[error("the Go program in it cannot be traced: {0}")]
    Go(&'static str),
    /// TLS is linked in without symbols, and its functions are not all found.
    #[error("its TLS has no symbols, and {0}")]
    Stripped(&'static str),
    /// Not the same file before and after.
    #[error("it changed while it was read; the agent reads it again at its next use")]
    Changed,
    /// Its file system did not answer.
    #[error("its file system did not answer in time")]
    Silent,
    /// Too many file systems did not answer.
    #[error("{0} other files' file systems have not answered yet; find the mounts that hang")]
    Busy(usize),
}

// === impl Reason ===

impl Reason {
    /// As in the metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::NotRegular => "not_regular",
            Self::TooLarge { .. } | Self::TooMany { .. } | Self::ReadsTooMuch { .. } => "too_large",
            Self::Damaged(_) => "damaged",
            Self::Foreign => "foreign",
            Self::Go(_) => "go",
            Self::Stripped(_) => "stripped",
            Self::Changed => "changed",
            Self::Silent => "silent",
            Self::Busy(_) => "busy",
        }
    }

    pub(super) fn of(self, file: &str) -> FileRefusal {
        FileRefusal { file: file.to_owned(), reason: self }
    }
}
