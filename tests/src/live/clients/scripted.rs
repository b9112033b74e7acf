//! Clients of our own making, in Node, Go and Python.

use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Ask, Told, command};
use crate::live::installed::{self, Symbols};
use crate::live::{Ground, Truth, process};

const NODE: &str = include_str!("../scripts/client.js");
const ASYNCIO: &str = include_str!("../scripts/asyncio_client.py");
const REQUESTS: &str = include_str!("../scripts/requests_client.py");

pub(super) fn node() -> Result<Command> {
    let mut command = command("node")?;
    command.args(["--eval", NODE]).env_remove("NODE_OPTIONS");
    Ok(command)
}

pub(super) fn go(symbols: Symbols) -> Result<Command> {
    let mut command = Command::new(installed::go_peer(symbols)?);
    command.arg("client");
    Ok(command)
}

pub(super) fn asyncio() -> Result<Command> {
    python(ASYNCIO)
}

pub(super) fn requests() -> Result<Command> {
    let mut command = python(REQUESTS)?;
    command.env("PYTHONPATH", installed::python_packages()?);
    Ok(command)
}

fn python(script: &str) -> Result<Command> {
    let mut command = command("python3")?;
    command.args(["-c", script]).env_remove("PYTHONPATH");
    Ok(command)
}

/// Runs a client that reads what to do from `SCENE` and tells each exchange.
pub(super) fn ask(mut command: Command, ground: &Ground, port: u16, ask: &Ask) -> Result<Told> {
    let scene = json!({
        "port": port,
        "sni": ask.sni,
        "root": ground.root(),
        "http": ask.http.version(),
        "authorities": ask.authorities,
        "concurrent": ask.concurrent,
    });
    let finished = process::run(command.env("SCENE", scene.to_string()))?;
    let rows = Truth::parse(&finished.stdout)?;
    let count = ask.authorities.len();
    ensure!(rows.len() == count, "{} of {count} were told: {}", rows.len(), finished.stderr);
    Ok(Told { pid: finished.pid, count, rows: Some(rows) })
}
