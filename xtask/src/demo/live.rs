//! `wrongdoor run` beside the scene.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use tempfile::TempDir;
use wrongdoor_tests::ports::Port;
use wrongdoor_tests::{server, wait};

const EVENTS: &str = "events.jsonl";
const LOG: &str = "agent.log";
/// How long it may take to look at every library of a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running agent. It is stopped when this is dropped.
pub(super) struct Watch {
    agent: Child,
    folder: TempDir,
}

impl Watch {
    /// Starts one, and waits until it watches.
    pub(super) fn start(wrongdoor: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("wrongdoor-demo-").tempdir()?;
        let port = Port::find()?;
        let mut command = Command::new(wrongdoor);
        command.args(["run", "--source", "ebpf", "--events-of", "all", "--listen"]);
        command.arg(format!("{}:{}", Ipv4Addr::LOCALHOST, port.number()));
        command.arg("--events").arg(folder.path().join(EVENTS)).stdin(Stdio::null());
        let log = folder.path().join(LOG);
        let agent = command.stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        let mut watch = Self { agent, folder };
        wait::within(TIMEOUT, "the agent to watch", || {
            let ended = watch.agent.try_wait()?;
            ensure!(ended.is_none(), "{}", last_words(&log));
            Ok(is_ready(port.number()).unwrap_or(false).then_some(()))
        })?;
        Ok(watch)
    }

    /// Ends it, and returns what it told.
    pub(super) fn finish(mut self) -> Result<String> {
        let log = self.folder.path().join(LOG);
        server::stop(&mut self.agent, Signal::TERM);
        let status = self.agent.wait()?;
        ensure!(status.success(), "{}", last_words(&log));
        fs::read_to_string(self.folder.path().join(EVENTS)).context("no events")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if matches!(self.agent.try_wait(), Ok(None)) {
            server::stop(&mut self.agent, Signal::TERM);
        }
    }
}

fn is_ready(port: u16) -> Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: demo.test\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}

/// What a program said that ended before its time.
fn last_words(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default().trim().to_owned()
}
