//! The `wrongdoor` command.

use std::process::ExitCode;
use wrongdoor::cli::Cli;
use wrongdoor::command;

fn main() -> ExitCode {
    let cli = match Cli::from_command_line() {
        Ok(cli) => cli,
        Err(usage) => return usage.print_and_exit_code(),
    };
    match command::run(cli.command) {
        Ok(code) => code,
        Err(error) => command::report(&error),
    }
}
