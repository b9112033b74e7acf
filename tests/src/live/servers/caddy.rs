//! Caddy, a large program in Go.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::refused;
use crate::live::{Ground, Truth};
use crate::server::Server;
use crate::tools;

pub(super) fn start(ground: &Ground) -> Result<(Server, PathBuf)> {
    let folder = ground.subfolder("caddy")?;
    let log = folder.join("truth.log");
    let file = folder.join("Caddyfile");
    let server = Server::start("caddy", ground.folder(), |port| {
        let text = format!(
            "{{\n\
             admin off\n\
             auto_https off\n\
             servers {{\nprotocols h1 h2\n}}\n\
             }}\n\
             https://:{port} {{\n\
             bind 127.0.0.1\n\
             tls {} {}\n\
             log {{\noutput file {}\nformat json\n}}\n\
             @refused host {}\n\
             respond @refused 421\n\
             respond served 200\n\
             }}\n",
            ground.cert.chain.display(),
            ground.cert.key.display(),
            log.display(),
            refused().join(" "),
        );
        fs::write(&file, text)?;
        let mut command = tools::command("caddy")?;
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
        command.env("HOME", &folder).env("XDG_DATA_HOME", &folder).env("XDG_CONFIG_HOME", &folder);
        Ok(command)
    })?;
    Ok((server, log))
}

/// Caddy's access log has a shape of its own.
pub(super) fn parse(log: &str, port: u16, pid: u32) -> Result<Vec<Truth>> {
    let row = |line: &str| {
        let entry: Value = serde_json::from_str(line)?;
        let request = entry.get("request").with_context(|| format!("no request in {line}"))?;
        let of = |field: &str| request.get(field).cloned().unwrap_or_default();
        let text = |field: &str| of(field).as_str().unwrap_or_default().to_owned();
        Truth::from_value(&json!({
            "client": format!("{}:{}", text("remote_ip"), text("remote_port")),
            "server": format!("127.0.0.1:{port}"),
            "sni": request.pointer("/tls/server_name"),
            "host": of("host"),
            "status": entry.get("status"),
            "method": of("method"),
            "protocol": of("proto"),
            "pid": pid,
        }))
    };
    log.lines().map(row).collect()
}
