//! The commands.

mod analyze;
mod doctor;
mod explain;
mod manual;
mod metrics;
mod probe;
mod run;
mod schema;

use crate::cli::Command;
use crate::error::Error;
use crate::{log, text};
use std::process::ExitCode;

/// Does what was asked for, and reports why where that fails. Gives the exit status.
pub fn run(command: Command) -> ExitCode {
    run_or_fail(command).unwrap_or_else(|error| report(&error))
}

fn run_or_fail(command: Command) -> Result<ExitCode, Error> {
    match command {
        Command::Analyze(arguments) => analyze::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Metrics(arguments) => metrics::run(&arguments),
        Command::Schema => schema::run(),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man => manual::page(),
    }
}

/// Prints the chain of causes, once, and gives the exit status.
fn report(error: &Error) -> ExitCode {
    if error.is_closed_pipe() {
        return ExitCode::SUCCESS;
    }
    let message = text::chain(error);
    // A program that reads the log reads its last line too.
    if log::is_for_programs() {
        tracing::error!("{message}");
    } else {
        text::warn(&format!("wrongdoor: {message}"));
    }
    ExitCode::from(error.exit_code())
}
