//! Processes that a careless tracer would harm.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Ground, library, process};
use crate::tools;

/// What such a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragile {
    /// Loads and unloads libraries while it talks, forks, and execs.
    Restless,
    /// Is under a seccomp filter that kills.
    Confined,
}

/// Runs it against a server that serves `a.test` with 200; it must come to a good end.
pub fn run(ground: &Ground, port: u16, fragile: Fragile) -> Result<()> {
    let libraries = ground.subfolder("libraries")?;
    library::copy_openssl(&libraries)?;
    let script = match fragile {
        Fragile::Restless => include_str!("scripts/restless.py"),
        Fragile::Confined => include_str!("scripts/confined.py"),
    };
    let finished = process::run(&mut python(script, ground, port, &libraries)?)?;
    ensure!(finished.stdout.contains("unharmed"), "{fragile:?}: {finished:?}");
    Ok(())
}

fn python(script: &str, ground: &Ground, port: u16, libraries: &Path) -> Result<Command> {
    let scene = json!({ "port": port, "root": ground.root(), "libraries": libraries });
    let mut command = tools::command("python3")?;
    command.args(["-c", script]).env("SCENE", scene.to_string());
    Ok(command)
}
