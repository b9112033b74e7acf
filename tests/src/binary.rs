//! The program under test.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use crate::report::Report;
use crate::scenario::Scene;

/// Where the built `wrongdoor` is: `WRONGDOOR_BIN`, or beside the running test.
///
/// # Panics
///
/// Where it is in neither place.
pub fn path() -> PathBuf {
    if let Some(path) = env::var_os("WRONGDOOR_BIN") {
        return PathBuf::from(path);
    }
    let beside = env::current_exe().ok().and_then(|test| {
        // target/PROFILE/deps/TEST
        let profile = test.parent()?.parent()?;
        Some(profile.join("wrongdoor")).filter(|file| file.is_file())
    });
    beside.unwrap_or_else(|| {
        panic!("there is no wrongdoor beside the tests; run: cargo build -p wrongdoor")
    })
}

/// A command for `wrongdoor` with `arguments`.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(path());
    command.args(arguments);
    command
}

/// Runs `wrongdoor` with `arguments`.
pub fn run(arguments: &[&str]) -> Result<Output> {
    command(arguments).output().context("cannot run wrongdoor")
}

/// `wrongdoor analyze --format json` of a scene, with its keys.
pub fn analyze(scene: &Scene) -> Result<Report> {
    let mut command = command(&["analyze", "--format", "json", "--keylog"]);
    command.arg(scene.keylog()).arg(scene.capture());
    report(&mut command)
}

/// Runs a command that writes JSON lines and exits with 0.
pub fn report(command: &mut Command) -> Result<Report> {
    let output = command.output().context("cannot run wrongdoor")?;
    ensure!(
        output.status.success(),
        "wrongdoor ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Report::parse(&output.stdout)
}
