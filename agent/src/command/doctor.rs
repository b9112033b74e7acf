//! `wrongdoor doctor`: what live capture can see here.

use crate::cli::{Doctor, Format};
use crate::doctor::{self, Condition, System};
use crate::error::Error;
use crate::exit_status;
use crate::export::Output;
use std::process::ExitCode;
use std::time::Instant;

/// Runs the command.
pub(super) fn run(arguments: &Doctor) -> Result<ExitCode, Error> {
    let mut output = Output::open(None)?;
    let report = doctor::examine(&System::here(), doctor::probes(), Instant::now());
    let text = match arguments.format {
        Format::Table => doctor::table(&report, output.wants_colour()).into_bytes(),
        Format::Json => doctor::json(&report),
    };
    output.write(&text)?;
    output.flush()?;
    Ok(match report.condition() {
        Condition::Works | Condition::Partly => ExitCode::SUCCESS,
        Condition::Unprivileged => ExitCode::from(exit_status::PRIVILEGE),
        Condition::Unavailable => ExitCode::from(exit_status::UNAVAILABLE),
    })
}
