use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::binary;
use wrongdoor_tests::documentation::pages_in;

/// A command of the documentation, and the output that follows it there.
#[derive(Debug)]
struct Example {
    page: PathBuf,
    command: String,
    output: Option<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages() -> Result<Vec<PathBuf>> {
    let mut pages = pages_in(&root().join("docs/src"))?;
    pages.push(root().join("README.md"));
    Ok(pages)
}

/// All commands of the program in blocks of shell, without `sudo` and without what the shell does with their output.
fn examples() -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    for page in pages()? {
        let text = fs::read_to_string(&page)?;
        let mut blocks = blocks(&text).into_iter().peekable();
        while let Some((language, block)) = blocks.next() {
            if language != "sh" {
                continue;
            }
            let commands = commands(&block);
            let mut output = None;
            if let [_] = commands[..] {
                let next = blocks.peek().filter(|(language, _)| language == "text");
                output = next.map(|(_, text)| text.clone());
            }
            let page = &page;
            examples.extend(commands.into_iter().map(|command| Example {
                page: page.clone(),
                command,
                output: output.take(),
            }));
        }
    }
    Ok(examples)
}

/// The blocks of code, with their languages.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((_, block)) = &mut open {
            if line.trim_start().starts_with("```") {
                blocks.extend(open.take());
            } else {
                block.push_str(line);
                block.push('\n');
            }
        } else if let Some(language) = line.trim_start().strip_prefix("```") {
            open = Some((language.to_owned(), String::new()));
        }
    }
    blocks
}

fn commands(block: &str) -> Vec<String> {
    let joined = block.replace("\\\n", " ");
    let lines = joined.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("sudo ");
        let arguments = line
            .strip_prefix("wrongdoor ")
            .or_else(|| line.strip_prefix("./target/release/wrongdoor "))?;
        let end = arguments.find([';', '|', '>', '#', '&']).unwrap_or(arguments.len());
        Some(arguments[..end].trim().to_owned())
    });
    lines.collect()
}

/// Runs the program as a shell would, in the root of the repository; an option may write into the folder.
fn run(command: &str, more: &str, folder: &Path) -> Result<(Option<i32>, String)> {
    let command = command.replace("incident.html", &folder.join("incident.html").to_string_lossy());
    let mut shell = Command::new("sh");
    let script = format!("exec \"$0\" {command} {more}");
    let output = shell.args(["-c", &script]).arg(binary::path()).current_dir(root()).output()?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8(said)?))
}

#[test]
fn commands_about_captures_of_the_repository_print_what_the_pages_show() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (mut count, mut compared) = (0, 0);
    for Example { page, command, output } in examples()? {
        let is_here = command.contains("tests/captures/");
        if !(is_here && command.starts_with("analyze") || command.starts_with("explain")) {
            continue;
        }
        count += 1;
        let (code, said) = run(&command, "", folder.path())?;
        ensure!(code == Some(0), "{}: {command}: {code:?}\n{said}", page.display());
        let Some(expected) = output else { continue };
        compared += 1;
        // A page may show a part of the output.
        let mut lines = said.lines();
        for line in expected.lines() {
            let found = lines.any(|printed| printed == line);
            ensure!(found, "{}: `{command}` does not print\n{line}\nbut\n{said}", page.display());
        }
    }
    ensure!(count >= 5 && compared >= 3, "only {count} commands, {compared} with their output");
    Ok(())
}

#[test]
fn commands_of_a_live_run_have_options_that_exist() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut count = 0;
    for Example { page, command, .. } in examples()? {
        if !command.starts_with("run") || command.contains('…') {
            continue;
        }
        count += 1;
        let check = if command.contains("--print-config") { "" } else { "--print-config" };
        let (code, said) = run(&command, check, folder.path())?;
        // A file that the reader is to have may be missing here.
        let is_good = matches!(code, Some(0 | 66));
        ensure!(is_good, "{}: {command}: {code:?}\n{said}", page.display());
    }
    ensure!(count >= 5, "only {count} commands");
    Ok(())
}

#[test]
fn the_readme_fits_on_a_few_screens() -> Result<()> {
    let readme = fs::read_to_string(root().join("README.md")).context("no README")?;
    ensure!(readme.lines().count() <= 200, "{} lines", readme.lines().count());
    Ok(())
}
