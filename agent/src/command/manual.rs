//! `wrongdoor completions` and `wrongdoor man`: made of the command line's definitions.

use crate::cli::{Cli, Completions};
use crate::error::Error;
use crate::export::{Output, OutputError};
use clap::CommandFactory;
use std::io;
use std::process::ExitCode;

const NAME: &str = "wrongdoor";

/// What completes the command in a shell.
pub(super) fn completions(arguments: &Completions) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), NAME, &mut script);
    print(&script)
}

/// One page for all commands.
pub(super) fn page() -> Result<ExitCode, Error> {
    let mut page = Vec::new();
    let written = render(&mut page);
    written.map_err(|source| OutputError::Failed { name: "the manual page".to_owned(), source })?;
    print(&page)
}

fn render(page: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Cli::command();
    // Gives subcommands their whole name.
    command.build();
    clap_mangen::Man::new(command.clone()).render(page)?;
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help")
    {
        let man = clap_mangen::Man::new(subcommand.clone());
        page.extend_from_slice(format!(".SH \"{NAME} {}\"\n", subcommand.get_name()).as_bytes());
        man.render_description_section(page)?;
        man.render_synopsis_section(page)?;
        man.render_options_section(page)?;
        man.render_extra_section(page)?;
    }
    Ok(())
}

fn print(text: &[u8]) -> Result<ExitCode, Error> {
    let mut output = Output::open(None)?;
    output.write(text)?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
