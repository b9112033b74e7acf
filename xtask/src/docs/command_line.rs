//! The page of the command line: the help of each command.

use std::fmt::Write;

use anyhow::Result;

use super::Program;

const COMMANDS: [&str; 9] =
    ["analyze", "run", "probe", "doctor", "explain", "metrics", "schema", "completions", "man"];

pub(super) fn page(program: &Program) -> Result<String> {
    let mut page =
        "# Command line\n\nThis page has the help of each command, as the program prints it. \
                    [Exit status](exit-status.md) lists the exit statuses of all commands.\n\n"
            .to_owned();
    write!(page, "```text\n{}```\n", help(&program.text(&["--help"])?))?;
    for command in COMMANDS {
        let text = program.text(&[command, "--help"])?;
        write!(page, "\n## `wrongdoor {command}`\n\n```text\n{}```\n", help(&text))?;
    }
    Ok(page)
}

/// Without blanks at the ends of lines.
fn help(text: &str) -> String {
    text.lines().fold(String::new(), |lines, line| lines + line.trim_end() + "\n")
}
