//! `wrongdoor doctor`: what live capture can see here.

use crate::capture;
use crate::cli::{Doctor, Format};
use crate::doctor::{self, Condition, System};
use crate::export::Output;
use crate::failure::{self, Failure};
use std::process::ExitCode;
use std::time::Instant;

/// Runs the command.
pub(super) fn run(arguments: &Doctor) -> Result<ExitCode, Failure> {
    let mut output = Output::open(None)?;
    let report = doctor::examine(&System::here(), capture::report(), Instant::now());
    let text = match arguments.format {
        Format::Table => doctor::table(&report, output.wants_colour()).into_bytes(),
        Format::Json => doctor::json(&report),
    };
    output.write(&text)?;
    output.flush()?;
    Ok(match report.condition() {
        Condition::Works | Condition::Partly => ExitCode::SUCCESS,
        Condition::Unprivileged => ExitCode::from(failure::PRIVILEGE),
        Condition::Unavailable => ExitCode::from(failure::UNAVAILABLE),
    })
}
