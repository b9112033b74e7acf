//! A conversation full of a marker, in every place where content can be.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Ground;
use super::process::{self, Running};
use crate::report::number;
use crate::server::Server;
use crate::tools;

/// What stands in bodies, again and again. Short, so that a few leaked bytes are enough to find it.
pub const MARKER: &str = "bOdYmArK";

/// A value of header fields.
pub const HEADER: &str = "header-that-is-told";

const SERVER: &str = include_str!("scripts/bodies_server.js");
const CLIENT_1: &str = include_str!("scripts/bodies_client.py");
const CLIENT_2: &str = include_str!("scripts/bodies_client.js");

/// Starts Node with answers full of the marker.
pub fn server(ground: &Ground) -> Result<Server> {
    Server::start("bodies", ground.folder(), |port| {
        let mut command = tools::command("node")?;
        command.args(["--eval", SERVER]).env_remove("NODE_OPTIONS");
        command.env("SCENE", scene(ground, port));
        Ok(command)
    })
}

/// Talks to it over HTTP/1.1 (OpenSSL on a socket) and HTTP/2 (on memory buffers); how many exchanges that were.
pub fn talk(ground: &Ground, port: u16) -> Result<usize> {
    let mut python = tools::command("python3")?;
    python.args(["-c", CLIENT_1]);
    let mut node = tools::command("node")?;
    node.args(["--eval", CLIENT_2]).env_remove("NODE_OPTIONS");
    let mut count = 0;
    for mut command in [python, node] {
        let said = process::run(command.env("SCENE", scene(ground, port)))?.stdout;
        let said: Value = serde_json::from_str(&said)?;
        count += usize::try_from(number(&said, "exchanges").context("no count")?)?;
    }
    Ok(count)
}

/// Asks nginx, which reads and writes through sockets, for a file full of the marker, and sends it one.
pub fn talk_to_files(ground: &Ground, port: u16) -> Result<()> {
    let file = ground.folder().join("upload");
    // Within HTTP/2's first window: nginx answers an upload to a file before it is complete, and gives no more.
    std::fs::write(&file, MARKER.repeat(7_000))?;
    for http in [crate::curl::Http::One, crate::curl::Http::Two] {
        for upload in [None, Some(file.display().to_string())] {
            let url = format!("https://a.test:{port}/");
            let mut curl = crate::curl::Curl::new(&url, http)?.trust(ground.root());
            curl = curl.arg("--header").arg(format!("X-Told: {HEADER}"));
            if let Some(upload) = upload {
                curl = curl.arg("--data-binary").arg(format!("@{upload}"));
            }
            process::run(&mut curl.into_command())?;
        }
    }
    Ok(())
}

/// Two ends that speak no HTTP, through OpenSSL's own programs.
pub fn talk_otherwise(ground: &Ground) -> Result<()> {
    let log = ground.folder().join("s_server.log");
    let server = Server::start("s_server", ground.folder(), |port| {
        let mut command = tools::command("openssl")?;
        command.args(["s_server", "-quiet", "-rev", "-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(&ground.cert.chain).arg("-key").arg(&ground.cert.key);
        Ok(command)
    })?;
    let mut command: Command = tools::command("openssl")?;
    command.args(["s_client", "-quiet", "-connect", &format!("127.0.0.1:{}", server.port())]);
    let mut client = Running::spawn(command.arg("-ign_eof").stdin(Stdio::piped()))?;
    let reversed: String = MARKER.chars().rev().collect();
    for round in 1..=5 {
        writeln!(client.input()?, "{MARKER}")?;
        // Its echo is the line turned around.
        crate::wait::until("the echo", || {
            Ok((client.said()?.matches(&reversed).count() == round).then_some(()))
        })
        .with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
    }
    Ok(())
}

/// Requires that no content is in what left the kernel. `MARKER` turned around counts too.
pub fn require_absent(record: &[u8]) -> Result<()> {
    let reversed: Vec<u8> = MARKER.bytes().rev().collect();
    for marker in [MARKER.as_bytes(), &reversed] {
        let at = record.windows(marker.len()).position(|bytes| bytes == marker);
        let around = at.map(|at| {
            let near = record.get(at.saturating_sub(200)..(at + 100).min(record.len()));
            String::from_utf8_lossy(near.unwrap_or_default()).into_owned()
        });
        ensure!(at.is_none(), "content left the kernel, at {at:?}: {around:?}");
    }
    Ok(())
}

fn scene(ground: &Ground, port: u16) -> String {
    let (chain, key) = (&ground.cert.chain, &ground.cert.key);
    json!({
        "port": port, "root": ground.root(), "chain": chain, "key": key, "marker": MARKER, "header": HEADER,
    })
    .to_string()
}
