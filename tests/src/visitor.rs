//! A client that uses the connection that each step says, as a browser does that coalesces, and that asks again.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::curl::Http;
use crate::{door, tools};

const VISITOR: &str = include_str!("programs/visitor.js");

/// A request, and the connection that it goes over.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Which connection; the first step that says it opens it.
    pub connection: u32,
    /// The server's port.
    pub port: u16,
    /// The SNI that the connection is opened with.
    pub sni: Option<&'a str>,
    /// The authority, without port.
    pub authority: &'a str,
    /// The path.
    pub path: &'a str,
    /// The version of HTTP.
    pub http: Http,
    /// What the answer has to be; 0 for a stream that is reset.
    pub status: u16,
}

/// Does all steps, one after the other, in one process that connects from the address `from` and says that it is
/// `agent`; returns the statuses.
pub fn visit(
    steps: &[Step<'_>],
    agent: &str,
    from: &str,
    root: &Path,
    keylog: &Path,
) -> Result<Vec<u16>> {
    let steps: Vec<Value> = steps.iter().map(|step| step.told(agent)).collect();
    let scene = json!({ "root": root, "from": from, "steps": steps });
    let mut command = tools::command("node")?;
    command.arg(format!("--tls-keylog={}", keylog.display())).args(["--eval", VISITOR]);
    door::statuses(command.env_remove("NODE_OPTIONS").env("SCENE", scene.to_string()))
}

// ===== impl Step =====

impl Step<'_> {
    fn told(&self, agent: &str) -> Value {
        json!({
            "connection": self.connection,
            "port": self.port,
            "sni": self.sni,
            "authority": format!("{}:{}", self.authority, self.port),
            "path": self.path,
            "http": self.http.version(),
            "agent": agent,
        })
    }
}
