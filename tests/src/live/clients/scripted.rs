//! Clients of our own making, in Node, Go and Python.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Ask, Told, command};
use crate::live::installed::{self, Symbols};
use crate::live::process::{Finished, Running};
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

/// Node's client, running: it pauses behind the first `pause` requests, until [`Paused::go_on`].
#[derive(Debug)]
pub struct Paused {
    running: Running,
    count: usize,
}

impl Paused {
    /// Starts it and waits for its pause.
    pub fn start(ground: &Ground, port: u16, ask: &Ask, pause: usize) -> Result<Self> {
        let mut command = node()?;
        command.env("SCENE", scene(ground, port, ask, Some(pause)));
        let mut running = Running::spawn(command.stdin(Stdio::piped()))?;
        running.wait_until_it_says("paused")?;
        Ok(Self { running, count: ask.authorities.len() })
    }

    /// Lets it go on.
    pub fn go_on(&mut self) -> Result<()> {
        Ok(self.running.input()?.write_all(b"\n")?)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// What it told so far.
    pub fn rows(&self) -> Result<Vec<Truth>> {
        let said = self.running.said()?;
        Truth::parse(said.rfind('\n').map_or("", |end| said.get(..=end).unwrap_or_default()))
    }

    /// Waits for its end.
    pub fn finish(self) -> Result<Told> {
        told(&self.running.finish()?, self.count)
    }
}

/// Runs a client that reads what to do from `SCENE` and tells each exchange.
pub(super) fn ask(mut command: Command, ground: &Ground, port: u16, ask: &Ask) -> Result<Told> {
    let finished = process::run(command.env("SCENE", scene(ground, port, ask, None)))?;
    told(&finished, ask.authorities.len())
}

fn told(finished: &Finished, count: usize) -> Result<Told> {
    let rows = Truth::parse(&finished.stdout)?;
    ensure!(rows.len() == count, "{} of {count} were told: {}", rows.len(), finished.stderr);
    Ok(Told { pid: finished.pid, count, rows: Some(rows) })
}

fn scene(ground: &Ground, port: u16, ask: &Ask, pause: Option<usize>) -> String {
    let scene = json!({
        "port": port,
        "sni": ask.sni,
        "root": ground.root(),
        "http": ask.http.version(),
        "authorities": ask.authorities,
        "concurrent": ask.concurrent,
        "pause": pause,
    });
    scene.to_string()
}
