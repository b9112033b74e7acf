//! HTTP/1.1 as few write it, by a client and a server of our own, over OpenSSL on sockets.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Ground, Truth, process, truth};
use crate::server::Server;
use crate::{tools, wait};

const CLIENT: &str = include_str!("scripts/edges_client.py");
const SERVER: &str = include_str!("scripts/edges_server.py");

/// What is done on a connection, and how many exchanges that is.
pub const EDGES: [(&str, usize); 9] = [
    ("pipelined", 7),
    ("continued", 2),
    ("chunked", 2),
    ("empty", 4),
    ("until_close", 2),
    ("early", 2),
    ("large", 3),
    ("bytewise", 3),
    ("pieces", 5),
];

/// The server.
#[derive(Debug)]
pub struct Edges {
    server: Server,
    log: PathBuf,
    seen: usize,
}

/// What both ends saw.
#[derive(Clone, Debug)]
pub struct Done {
    /// The client.
    pub client: Vec<Truth>,
    /// The server.
    pub server: Vec<Truth>,
}

impl Edges {
    /// Starts it.
    pub fn start(ground: &Ground) -> Result<Self> {
        let log = ground.folder().join("edges-truth.log");
        let server = Server::start("edges", ground.folder(), |port| {
            let (chain, key) = (&ground.cert.chain, &ground.cert.key);
            let scene = json!({ "port": port, "chain": chain, "key": key, "log": log });
            let mut command = tools::command("python3")?;
            command.args(["-c", SERVER]).env("SCENE", scene.to_string());
            Ok(command)
        })?;
        Ok(Self { server, log, seen: 0 })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// One of [`EDGES`]; both ends must agree.
    pub fn play(&mut self, ground: &Ground, (edge, count): (&str, usize)) -> Result<Done> {
        let scene = json!({ "port": self.port(), "root": ground.root(), "edge": edge });
        let mut command = tools::command("python3")?;
        command.args(["-c", CLIENT]).env_remove("SSLKEYLOGFILE").env("SCENE", scene.to_string());
        let client = Truth::parse(&process::run(&mut command)?.stdout)?;
        let seen = wait::until("the server's log", || {
            let rows = Truth::parse(&fs::read_to_string(&self.log).unwrap_or_default());
            Ok(rows.ok().filter(|rows| rows.len() >= self.seen + count))
        })?;
        let server = seen.get(self.seen..).unwrap_or_default().to_vec();
        self.seen = seen.len();
        ensure!(client.len() == count, "{} exchanges, not {count}", client.len());
        truth::agree(&server, &client)?;
        Ok(Done { client, server })
    }
}
