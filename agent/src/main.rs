//! The `wrongdoor` command.

use std::process::ExitCode;
use wrongdoor::cli::Cli;
use wrongdoor::command;

fn main() -> ExitCode {
    match Cli::from_command_line() {
        Ok(cli) => command::run(cli.command),
        Err(usage) => usage.print_and_exit_code(),
    }
}
