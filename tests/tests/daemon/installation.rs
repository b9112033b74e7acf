use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use wrongdoor_tests::live::process::Running;
use wrongdoor_tests::{binary, tools};

#[test]
fn every_shell_can_read_its_completions() -> Result<()> {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = binary::run(&["completions", shell])?;
        let script = String::from_utf8(output.stdout)?;
        ensure!(output.status.success() && script.contains("print-config"), "{shell}: {script}");
        if shell == "bash" {
            let mut check = tools::command("bash")?;
            Running::start_with(check.args(["-n"]), script.as_bytes())?.finish()?;
        }
    }
    Ok(())
}

#[test]
fn the_manual_page_tells_of_every_option() -> Result<()> {
    let page = String::from_utf8(binary::run(&["man"])?.stdout)?;
    for command in ["run", "analyze", "doctor"] {
        let help = String::from_utf8(binary::run(&[command, "--help"])?.stdout)?;
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-';
        let words = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
        for word in words {
            let option = word.split(|character| !is_part(character)).next().unwrap_or_default();
            let escaped = option.replace('-', "\\-");
            ensure!(page.contains(&escaped), "{command} {option} is not in the page");
        }
    }
    Ok(())
}

#[test]
fn systemd_understands_the_unit() -> Result<()> {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/systemd/wrongdoor.service");
    // As it will be installed, but with a program that is there.
    let folder = tempfile::tempdir()?;
    let installed = folder.path().join("wrongdoor.service");
    let text = fs::read_to_string(unit)?;
    let here = text.replace("/usr/local/bin/wrongdoor", &binary::path().display().to_string());
    ensure!(here != text, "the unit runs something else");
    fs::write(&installed, here.replace("Documentation=", "#Documentation="))?;
    let mut verify = tools::command("systemd-analyze")?;
    let said = Running::start(verify.arg("verify").arg(&installed))?.finish()?;
    ensure!(said.stdout.is_empty() && said.stderr.is_empty(), "{said:?}");
    Ok(())
}
