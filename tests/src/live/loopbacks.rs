//! Network namespaces with nothing but their loopback: containers that use the same addresses and ports at the same
//! time.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::Ground;
use super::process::{self, Running};
use crate::{tools, wait};

/// Where each server listens: each namespace is its own.
pub const SERVER: &str = "127.0.0.1:443";
/// The port of each client.
const CLIENT_PORT: u16 = 40_000;
/// `TCP_ESTABLISHED` in a table of sockets.
const ESTABLISHED: &str = "01";

/// A namespace with nginx in it, which waits for data before it accepts. It goes when this is dropped.
#[derive(Debug)]
pub struct Loopback {
    name: String,
    server: Option<Running>,
}

impl Loopback {
    /// Makes a namespace called `name` and starts nginx in it.
    pub fn start(ground: &Ground, name: &str) -> Result<Self> {
        let mut loopback =
            Self { name: format!("wrongdoor-{}-{name}", std::process::id()), server: None };
        ip(&["netns", "add", &loopback.name])?;
        ip(&["-n", &loopback.name, "link", "set", "lo", "up"])?;
        let folder = ground.subfolder(name)?;
        let file = folder.join("nginx.conf");
        fs::write(&file, config(ground, &folder.display().to_string()))?;
        let mut command = loopback.inside("nginx")?;
        command.args(["-e", "stderr", "-c"]).arg(&file);
        let server = Running::start(&mut command)?;
        wait::until("nginx on the loopback", || Ok(sockets(server.pid(), "0A")?.then_some(())))?;
        loopback.server = Some(server);
        Ok(loopback)
    }

    /// The server's process.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.server.as_ref().context("no server")?.pid())
    }

    /// Halts the server.
    pub fn halt(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// A client that asks for `host`. Returns once the kernel has accepted its first segment; the server may be
    /// halted.
    pub fn ask(&self, ground: &Ground, host: &str) -> Result<Running> {
        let mut curl = self.inside("curl")?;
        curl.args(["--disable", "--noproxy", "*", "--silent", "--show-error", "--max-time", "60"]);
        curl.args(["--output", "/dev/null", "--local-port", &CLIENT_PORT.to_string()]);
        curl.args(["--resolve", &format!("{host}:443:127.0.0.1"), "--cacert"]).arg(ground.root());
        let client = Running::start(curl.arg(format!("https://{host}/")))?;
        let server = self.pid()?;
        wait::until("the connection", || Ok(sockets(server, ESTABLISHED)?.then_some(())))?;
        Ok(client)
    }

    fn inside(&self, program: &str) -> Result<Command> {
        let mut command = tools::command("nsenter")?;
        command.arg(format!("--net=/run/netns/{}", self.name)).arg(tools::path(program)?);
        Ok(command)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.pid()?.cast_signed()).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        // One that is halted dies all the same.
        drop(self.server.take());
        // Nothing is left to do where it does not work.
        drop(ip(&["netns", "delete", &self.name]));
    }
}

/// Whether a socket on the server's port is in this state, in the namespace of a process.
fn sockets(pid: u32, state: &str) -> Result<bool> {
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp"))?;
    let is_one = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, _, is) = (fields.next(), fields.next(), fields.next());
        local.is_some_and(|local| local.ends_with(":01BB")) && is == Some(state)
    };
    Ok(table.lines().any(is_one))
}

fn ip(arguments: &[&str]) -> Result<()> {
    process::run(tools::command("ip")?.args(arguments))?;
    Ok(())
}

fn config(ground: &Ground, folder: &str) -> String {
    let (chain, key) = (ground.cert.chain.display(), ground.cert.key.display());
    format!(
        "daemon off;\nmaster_process off;\nerror_log stderr error;\npid {folder}/pid;\nevents {{ }}\n\
         http {{\naccess_log off;\nclient_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/fastcgi;\nuwsgi_temp_path {folder}/uwsgi;\nscgi_temp_path {folder}/scgi;\n\
         server {{\nlisten {SERVER} ssl deferred;\nssl_certificate {chain};\nssl_certificate_key {key};\n\
         location / {{ return 200; }}\n}}\n}}\n"
    )
}
