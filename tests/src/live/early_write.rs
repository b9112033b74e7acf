//! A client of our own that makes connections and says nothing on them, and sends its request with the end of the
//! handshake on the others.

use anyhow::{Result, ensure};
use serde_json::json;

use std::process::Command;

use super::installed::{self, Symbols};
use super::{Ground, Peer, Truth, process, truth};
use crate::tools;

const CLIENT: &str = include_str!("scripts/early_write_client.py");

/// Asks for each of `authorities` on a connection of its own. What the server saw; both ends must agree.
pub fn play(ground: &Ground, peer: &Peer, authorities: &[&str]) -> Result<Vec<Truth>> {
    let mut command = tools::command("python3")?;
    told(ground, peer, authorities, command.args(["-c", CLIENT]).env_remove("SSLKEYLOGFILE"))
}

/// Asks for each of `authorities` on one connection, from Go, where the handshake is the first write's.
pub fn write(ground: &Ground, peer: &Peer, authorities: &[&str]) -> Result<Vec<Truth>> {
    let mut command = Command::new(installed::go_peer(Symbols::Kept)?);
    told(ground, peer, authorities, command.arg("writer"))
}

fn told(
    ground: &Ground,
    peer: &Peer,
    authorities: &[&str],
    command: &mut Command,
) -> Result<Vec<Truth>> {
    let scene = json!({
        "port": peer.port(), "root": ground.root(), "sni": "a.test", "authorities": authorities,
    });
    command.env("SCENE", scene.to_string());
    let client = Truth::parse(&process::run(command)?.stdout)?;
    ensure!(client.len() == authorities.len(), "{} exchanges", client.len());
    let server = peer.truth(client.len())?;
    truth::agree(&server, &client)?;
    Ok(server)
}
