//! A process of each library and program, so that an agent finds them all when it starts. What is first met when it
//! starts is a subject of its own.

use std::process::{Command, Stdio};

use anyhow::Result;

use super::installed::{self, Symbols};
use super::process::Running;
use crate::tools;

/// Maps what it is given, and waits for the end of its input.
const HOLD: &str = "import ctypes, ssl, sys; ctypes.CDLL('libgnutls.so.30'); print('holding', flush=True); sys.stdin.read()";

const HOLD_NODE: &str = "require('node:tls'); console.log('holding'); process.stdin.resume();";

/// They end when this is dropped.
#[derive(Debug)]
pub struct Residents {
    _all: Vec<Running>,
}

impl Residents {
    /// Starts them: OpenSSL and GnuTLS in Python, Node, both Go peers.
    pub fn start() -> Result<Self> {
        let mut all = Vec::new();
        let mut python = tools::command("python3")?;
        let mut node = tools::command("node")?;
        python.args(["-c", HOLD]);
        node.args(["--eval", HOLD_NODE]).env_remove("NODE_OPTIONS");
        for command in [&mut python, &mut node] {
            let mut running = Running::spawn(command.stdin(Stdio::piped()))?;
            running.wait_until_it_says("holding")?;
            all.push(running);
        }
        for symbols in [Symbols::Kept, Symbols::Stripped] {
            let mut go = Command::new(installed::go_peer(symbols)?);
            all.push(Running::spawn(go.arg("hold").stdin(Stdio::piped()))?);
        }
        Ok(Self { _all: all })
    }
}
