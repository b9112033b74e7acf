//! Programs of our own in Go, Node and Python: servers that compare names, a reverse proxy, clients.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::certs::Cert;
use crate::live::installed;
use crate::server::Server;
use crate::tools;

const NODE_SERVER: &str = include_str!("programs/door.js");
const PYTHON_REQUESTS: &str = include_str!("programs/requests.py");
const NODE_FETCH: &str = include_str!("programs/fetch.js");

/// Go's server. It answers 421 where the authority is not the SNI, and for two paths whatever the names are:
/// `/cluster/write` and `/tenant/elsewhere`.
pub fn go_server(folder: &Path, cert: &Cert) -> Result<Server> {
    go("go-server", folder, "server", |port| served(cert, port))
}

/// The same, where only `names` are served, and keys are logged: those of clients that do not.
pub fn go_server_of(folder: &Path, cert: &Cert, names: &[&str], keylog: &Path) -> Result<Server> {
    go("go-server", folder, "server", |port| {
        json!({
            "port": port, "chain": cert.chain, "key": cert.key, "names": names, "keylog": keylog,
        })
    })
}

/// Go's reverse proxy in front of `target`, to which it connects from the address `from`: made as most are, with
/// `NewSingleHostReverseProxy`, or as they should be.
pub fn go_proxy(
    folder: &Path,
    cert: &Cert,
    target: &str,
    from: &str,
    fixed: bool,
) -> Result<Server> {
    go("go-proxy", folder, "proxy", |port| {
        json!({
            "port": port, "chain": cert.chain, "key": cert.key,
            "target": target, "from": from, "fixed": fixed,
        })
    })
}

/// Node's server. It answers 421 where the authority is not the SNI.
pub fn node_server(folder: &Path, cert: &Cert) -> Result<Server> {
    Server::start("node-server", folder, |port| {
        let mut command = tools::command("node")?;
        command.args(["--eval", NODE_SERVER]).env_remove("NODE_OPTIONS");
        command.env("SCENE", served(cert, port).to_string());
        Ok(command)
    })
}

/// Go's client, told by `scene` what to ask for and how many times; the statuses of the answers.
pub fn go_client(scene: &Value) -> Result<Vec<u16>> {
    let mut command = Command::new(installed::go_door()?);
    statuses(command.arg("client").env("SCENE", scene.to_string()))
}

/// Node's `fetch`: each step is a URL and a body, which is `none`, a `text` or a `stream`. What it comes back with.
pub fn node_fetch(steps: &[(String, &str)], root: &Path, keylog: &Path) -> Result<Vec<u16>> {
    let step = |(url, body): &(String, &str)| json!({ "url": url, "body": body });
    let steps: Vec<Value> = steps.iter().map(step).collect();
    let mut command = tools::command("node")?;
    command.arg(format!("--tls-keylog={}", keylog.display())).args(["--eval", NODE_FETCH]);
    command.env_remove("NODE_OPTIONS").env("NODE_EXTRA_CA_CERTS", root);
    statuses(command.env("SCENE", json!({ "steps": steps }).to_string()))
}

/// Python's `requests`: each step is a URL, a `Host`, and whether the certificate is verified.
pub fn python_requests(
    steps: &[(String, String, bool)],
    root: &Path,
    keylog: &Path,
) -> Result<Vec<u16>> {
    let step = |(url, host, verify): &(String, String, bool)| json!({ "url": url, "host": host, "verify": verify });
    let steps: Vec<Value> = steps.iter().map(step).collect();
    let mut command = tools::command("python3")?;
    command.args(["-c", PYTHON_REQUESTS]).env("PYTHONPATH", installed::python_packages()?);
    command.env("SSLKEYLOGFILE", keylog);
    for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    statuses(command.env("SCENE", json!({ "steps": steps, "root": root }).to_string()))
}

/// Runs a client that writes the statuses that it got as a list of JSON.
pub(crate) fn statuses(command: &mut Command) -> Result<Vec<u16>> {
    let output = tools::output(command)?;
    let list: Value = serde_json::from_slice(&output).context("an odd answer from a client")?;
    let list = list.as_array().context("a client answered without a list")?;
    let status = |value: &Value| {
        let status = value.as_u64().and_then(|status| u16::try_from(status).ok());
        status.context("a client answered without a status")
    };
    list.iter().map(status).collect()
}

fn go(name: &str, folder: &Path, what: &str, scene: impl Fn(u16) -> Value) -> Result<Server> {
    let program = installed::go_door()?;
    Server::start(name, folder, |port| {
        let mut command = Command::new(&program);
        command.arg(what).env("SCENE", scene(port).to_string());
        Ok(command)
    })
}

fn served(cert: &Cert, port: u16) -> Value {
    json!({ "port": port, "chain": cert.chain, "key": cert.key })
}
