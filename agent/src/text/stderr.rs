//! Warnings of commands that have no log.

use std::io::{self, Write};

/// Writes one line to standard error. A failure to write has no place to be reported, and is ignored.
pub(crate) fn warn(message: &str) {
    drop(writeln!(io::stderr().lock(), "{message}"));
}
