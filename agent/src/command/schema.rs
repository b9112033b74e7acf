//! `wrongdoor schema`: the JSON Schema of the JSON lines.

use crate::error::Error;
use crate::export::{Output, schema};
use crate::text::json_document;
use std::process::ExitCode;

/// Runs the command.
pub(super) fn run() -> Result<ExitCode, Error> {
    let mut output = Output::open(None)?;
    output.write(&json_document(&schema()))?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
