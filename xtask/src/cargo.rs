//! Running cargo, and what it builds.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// The cargo that runs this.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs cargo with `arguments`.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    run_to_end(command().args(arguments))
}

/// Runs a command whose output is for whoever watches.
pub(crate) fn run_to_end(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let status = command.status().with_context(|| format!("cannot run {}", shown(command)))?;
    ensure!(status.success(), "{} failed: {status}", shown(command));
    Ok(())
}

/// Builds the program and returns where it is. It is linked statically, as in the image. Only the last step differs from
/// `cargo build`'s, so that both share all that they compile.
pub(crate) fn build(release: bool) -> Result<PathBuf> {
    let what = ["rustc", "--locked", "--package", "wrongdoor", "--bin", "wrongdoor"];
    let profile: &[&str] = if release { &["--release"] } else { &[] };
    run(&[&what[..], profile, &["--", "-Ctarget-feature=+crt-static"]].concat())?;
    Ok(target()?.join(if release { "release" } else { "debug" }).join("wrongdoor"))
}

/// Where cargo builds, however it is configured.
pub(crate) fn target() -> Result<PathBuf> {
    let mut metadata = command();
    metadata.args(["metadata", "--locked", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_slice(&wrongdoor_tests::tools::output(&mut metadata)?)?;
    let target = metadata.get("target_directory").and_then(Value::as_str);
    Ok(PathBuf::from(target.context("cargo knows no target folder")?))
}

fn shown(command: &Command) -> String {
    let mut words = vec![wrongdoor_tests::tools::program_name(command)];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
