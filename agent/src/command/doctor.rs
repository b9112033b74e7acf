//! `wrongdoor doctor`: what of this node can be seen, and what stands in the way.

use crate::cli::Doctor;
use crate::failure::Failure;
use std::process::ExitCode;

/// Runs the command.
pub(super) fn run(_arguments: &Doctor) -> Result<ExitCode, Failure> {
    Err(Failure::Unavailable { what: "`doctor` is not part of this build yet".to_owned() })
}
