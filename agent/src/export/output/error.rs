//! Why output did not arrive.

use std::io;
use std::path::Path;

/// Why something was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    #[error("cannot write {name}")]
    Failed {
        /// The path between backticks, or what stands for standard output.
        name: String,
        source: io::Error,
    },
    #[error("the last events were not written: their reader does not accept them")]
    Stalled,
    #[error("the thread that writes events has stopped unexpectedly")]
    WriterDied,
}

impl OutputError {
    /// What failed with the file at `path`.
    pub(in crate::export) fn of_file(path: &Path, source: io::Error) -> Self {
        Self::Failed { name: format!("`{}`", path.display()), source }
    }

    /// The reader of the output has closed it, as `head` does: that is no error.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Failed { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
