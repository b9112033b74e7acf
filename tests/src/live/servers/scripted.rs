//! Servers of our own making, in Node and Go.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::refused;
use crate::live::Ground;
use crate::live::installed::{self, Symbols};
use crate::server::Server;
use crate::tools;

const NODE: &str = include_str!("../scripts/server.js");

pub(super) fn node(ground: &Ground) -> Result<(Server, PathBuf)> {
    let server = Server::start("node", ground.folder(), |port| {
        let mut command = tools::command("node")?;
        command.args(["--eval", NODE]).env_remove("NODE_OPTIONS").env("SCENE", scene(ground, port));
        Ok(command)
    })?;
    Ok((server, ground.folder().join("node.log")))
}

pub(super) fn go(ground: &Ground, symbols: Symbols) -> Result<(Server, PathBuf)> {
    let program = installed::go_peer(symbols)?;
    let server = Server::start("go", ground.folder(), |port| {
        let mut command = tools::command(&program.to_string_lossy())?;
        command.arg("server").env("SCENE", scene(ground, port));
        Ok(command)
    })?;
    Ok((server, ground.folder().join("go.log")))
}

fn scene(ground: &Ground, port: u16) -> String {
    let (chain, key) = (&ground.cert.chain, &ground.cert.key);
    json!({ "port": port, "chain": chain, "key": key, "refused": refused() }).to_string()
}
