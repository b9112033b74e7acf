//! The commands.

mod analyze;
mod doctor;
mod manual;
mod probe;
mod run;

use crate::cli::Command;
use crate::failure::Failure;
use std::process::ExitCode;

/// Does what was asked for.
pub fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Analyze(arguments) => analyze::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man => manual::page(),
    }
}
