//! A server process of our own: started, known to accept, stopped by its id.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::ports::Port;
use crate::{tools, wait};

/// How often a server may find its port taken before that is an error.
const ATTEMPTS: usize = 5;

/// A running server. It is stopped when this is dropped.
#[derive(Debug)]
pub struct Server {
    name: String,
    process: Child,
    port: Port,
}

impl Server {
    /// Starts what `command` makes for a free port, and waits until it accepts connections there.
    ///
    /// What the server says goes to `NAME.log` in `folder`, and into the error if it does not
    /// come up.
    pub fn start(
        name: &str,
        folder: &Path,
        mut command: impl FnMut(u16) -> Result<Command>,
    ) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        for _ in 0..ATTEMPTS {
            let port = Port::find()?;
            let mut command = command(port.number())?;
            let said = File::create(&log)?;
            let process = command
                .stdin(Stdio::null())
                .stdout(said.try_clone()?)
                .stderr(said)
                .spawn()
                .with_context(|| format!("cannot run {}", tools::program_name(&command)))?;
            let mut server = Self { name: name.to_owned(), process, port };
            if server.accepts(&log)? {
                return Ok(server);
            }
        }
        bail!("{name} found its port taken {ATTEMPTS} times:\n{}", read(&log));
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Its process; the first, where it has several.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits for it to accept; false if its port was taken by another.
    fn accepts(&mut self, log: &PathBuf) -> Result<bool> {
        let name = self.name.clone();
        wait::until(&format!("{name} to accept connections"), || {
            if let Some(status) = self.process.try_wait()? {
                let said = read(log);
                if said.contains("in use") {
                    return Ok(Some(false));
                }
                bail!("{name} ended at once ({status}):\n{said}");
            }
            let accepted = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port())).is_ok();
            Ok(accepted.then_some(true))
        })
        .with_context(|| read(log))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked first: a server stops its own workers, which a killed one would leave behind.
        stop(&mut self.process, Signal::TERM);
    }
}

/// Ends a process that we started, waits for it, and kills it if it does not listen.
pub fn stop(process: &mut Child, signal: Signal) {
    let asked = Pid::from_raw(process.id().cast_signed())
        .is_some_and(|id| kill_process(id, signal).is_ok());
    let ended = asked && wait::until("a process to end", || Ok(process.try_wait()?)).is_ok();
    if !ended {
        // It cannot be helped, and the next wait would hang.
        drop(process.kill());
        drop(process.wait());
    }
}

fn read(log: &PathBuf) -> String {
    fs::read_to_string(log).unwrap_or_default()
}
