//! A running `wrongdoor run` on the kernel of this machine.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::kernel::Turn;
use super::metrics::Metrics;
use super::{Software, nobody};
use crate::ports::Port;
use crate::report::Report;
use crate::{binary, server, tools, wait};

/// How long it may take to examine every library of a busy machine, or to drain.
pub const TIMEOUT: Duration = Duration::from_mins(2);

/// How long one HTTP answer of it may take, whatever it is busy with.
pub const ANSWER: Duration = Duration::from_secs(10);

/// What an agent writes beside its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// A line for everything.
    All,
    /// Nothing.
    None,
}

/// An agent that is ready. It is stopped when this is dropped.
#[derive(Debug)]
pub struct Agent {
    process: Child,
    port: Port,
    folder: TempDir,
}

impl Agent {
    /// Starts one that tells everything, and waits until it is ready. Having the turn is what allows it.
    pub fn start(turn: &Turn) -> Result<Self> {
        Self::start_with(turn, &[])
    }

    /// The same with more arguments.
    pub fn start_with(turn: &Turn, arguments: &[&str]) -> Result<Self> {
        Self::start_source(turn, "ebpf", arguments)
    }

    /// The same with another `--source`.
    pub fn start_source(turn: &Turn, source: &str, arguments: &[&str]) -> Result<Self> {
        let command = |_folder: &Path| Ok(binary::command(&[]));
        Self::start_by(turn, command, source, Events::All, arguments)
    }

    /// The same, but what it tells is left to the arguments.
    pub fn start_silent(turn: &Turn, arguments: &[&str]) -> Result<Self> {
        Self::start_by(turn, |_folder| Ok(binary::command(&[])), "ebpf", Events::None, arguments)
    }

    /// One that answers over TLS only, with a certificate of this authority.
    pub fn start_guarded(turn: &Turn, authority: &Path, arguments: &[&str]) -> Result<Self> {
        let mut agent =
            Self::spawn(turn, |_folder| Ok(binary::command(&[])), "ebpf", Events::None, arguments)?;
        let mut ask = tools::command("curl")?;
        ask.args(["--disable", "--silent", "--fail", "--noproxy", "*", "--cacert"]).arg(authority);
        ask.arg(format!("https://localhost:{}/readyz", agent.port()));
        wait::within(TIMEOUT, "the agent to be ready", || {
            agent.require_running()?;
            Ok(ask.output()?.status.success().then_some(()))
        })
        .with_context(|| agent.log())?;
        Ok(agent)
    }

    /// The same with more in its environment.
    pub fn start_in(
        turn: &Turn,
        environment: &[(&str, String)],
        events: Events,
        arguments: &[&str],
    ) -> Result<Self> {
        let command = |_folder: &Path| {
            let mut command = binary::command(&[]);
            command.envs(environment.iter().map(|(name, value)| (*name, value)));
            Ok(command)
        };
        Self::start_by(turn, command, "ebpf", events, arguments)
    }

    /// Starts one with another `--source` as the user `nobody`, with these capabilities and no others.
    pub fn start_source_as_nobody(
        turn: &Turn,
        source: &str,
        capabilities: &[&str],
        arguments: &[&str],
    ) -> Result<Self> {
        let command = |folder: &Path| nobody::command(folder, capabilities);
        Self::start_by(turn, command, source, Events::All, arguments)
    }

    /// Starts one that writes no events but those of `arguments`, by a command that executes the program with the
    /// arguments that follow.
    pub fn start_wrapped(
        turn: &Turn,
        command: Command,
        source: &str,
        arguments: &[&str],
    ) -> Result<Self> {
        Self::start_by(turn, |_folder| Ok(command), source, Events::None, arguments)
    }

    /// Starts the agent that `program` is.
    pub fn start_binary(
        turn: &Turn,
        program: &Path,
        events: Events,
        arguments: &[&str],
    ) -> Result<Self> {
        Self::start_by(turn, |_folder| Ok(Command::new(program)), "ebpf", events, arguments)
    }

    fn start_by(
        turn: &Turn,
        command: impl FnOnce(&Path) -> Result<Command>,
        source: &str,
        events: Events,
        arguments: &[&str],
    ) -> Result<Self> {
        Self::spawn(turn, command, source, events, arguments)?.ready()
    }

    /// Waits until it has attached to this server, where a search has to find its functions first.
    pub fn wait_for_server(&self, software: Software) -> Result<()> {
        match software {
            Software::Envoy(_) => self.wait_for_library("boringssl"),
            _ => Ok(()),
        }
    }

    /// Waits until it has attached to a file that its search has to find: a program without symbols.
    pub fn wait_for_library(&self, kind: &str) -> Result<()> {
        self.wait_for_traced(&format!("library=\"{kind}\""))
    }

    /// The same of the file whose path ends so.
    pub fn wait_for_file(&self, end: &str) -> Result<()> {
        self.wait_for_traced(&format!("{end}\" library="))
    }

    fn wait_for_traced(&self, attached: &str) -> Result<()> {
        wait::within(TIMEOUT, &format!("the agent to attach to {attached}"), || {
            Ok(self.log().lines().any(|line| line.contains(attached)).then_some(()))
        })
        .with_context(|| self.log())
    }

    fn ready(mut self) -> Result<Self> {
        wait::within(TIMEOUT, "the agent to be ready", || {
            self.require_running()?;
            Ok(self.get("/readyz").ok().filter(|(status, _)| *status == 200))
        })
        .with_context(|| self.log())?;
        Ok(self)
    }

    fn spawn(
        _turn: &Turn,
        command: impl FnOnce(&Path) -> Result<Command>,
        source: &str,
        events: Events,
        arguments: &[&str],
    ) -> Result<Self> {
        Self::spawn_at(Port::find()?, command, source, events, arguments)
    }

    fn spawn_at(
        port: Port,
        command: impl FnOnce(&Path) -> Result<Command>,
        source: &str,
        events: Events,
        arguments: &[&str],
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("wrongdoor-agent-").tempdir()?;
        let listen = format!("{}:{}", Ipv4Addr::LOCALHOST, port.number());
        let mut command = command(folder.path())?;
        command.args(["run", "--source", source, "--listen", &listen]);
        if events == Events::All {
            command.args(["--events-of", "all", "--events"]).arg(folder.path().join(EVENTS));
        }
        let said = File::create(folder.path().join(LOG))?;
        let process = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()
            .context("cannot run wrongdoor")?;
        Ok(Self { process, port, folder })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Where it answers.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// What it said on standard error.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }

    /// The status and body of one of its pages.
    pub fn get(&self, path: &str) -> Result<(u16, String)> {
        self.get_accepting(path, "*/*")
    }

    /// The body of one of its pages, in this format.
    pub fn get_as(&self, path: &str, format: &str) -> Result<String> {
        let (status, body) = self.get_accepting(path, format)?;
        ensure!(status == 200, "{path} answers {status}: {body}");
        Ok(body)
    }

    fn get_accepting(&self, path: &str, format: &str) -> Result<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port.number()))?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: agent.test\r\nAccept: {format}\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).with_context(|| format!("no end to {path}"))?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no head")?;
        ensure!(!head.to_ascii_lowercase().contains("\r\ntransfer-encoding"), "chunks: {head}");
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok((status, body.to_owned()))
    }

    /// What it counts.
    pub fn metrics(&self) -> Result<Metrics> {
        let (status, body) = self.get("/metrics")?;
        ensure!(status == 200, "/metrics answers {status}: {body}");
        Metrics::parse(&body)
    }

    /// Requires that it is alive and ready.
    pub fn require_well(&mut self) -> Result<()> {
        self.require_running()?;
        for page in ["/healthz", "/readyz"] {
            let (status, body) = self.get(page)?;
            ensure!(status == 200, "{page} answers {status}: {body}\n{}", self.log());
        }
        Ok(())
    }

    /// All lines that it wrote so far.
    pub fn lines(&self) -> Result<Report> {
        let bytes = fs::read(self.events()).unwrap_or_default();
        let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        Report::parse(bytes.get(..end).unwrap_or_default())
    }

    /// Waits until it has told at least `count` exchanges of which `wanted` is true.
    pub fn wait_for(
        &mut self,
        what: &str,
        count: usize,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<()> {
        let mut found = 0;
        wait::within(TIMEOUT, &format!("{count} exchanges of {what} to be told"), || {
            self.require_running()?;
            found = self.lines()?.exchanges.iter().filter(|line| wanted(line)).count();
            Ok((found >= count).then_some(()))
        })
        .with_context(|| format!("{found} were; it said:\n{}", self.log()))
    }

    /// Waits until what it counts is as `wanted`.
    pub fn wait_for_metrics(
        &mut self,
        what: &str,
        wanted: impl Fn(&Metrics) -> bool,
    ) -> Result<()> {
        wait::within(TIMEOUT, what, || {
            self.require_running()?;
            Ok(wanted(&self.metrics()?).then_some(()))
        })
        .with_context(|| format!("{:#?}\n{}", self.metrics(), self.log()))
    }

    /// Asks it to end, requires that it does so with 0, and returns all that it told.
    pub fn stop(self) -> Result<Report> {
        Ok(self.stop_with_log()?.0)
    }

    /// The same with its log, whose end has what was lost.
    pub fn stop_with_log(mut self) -> Result<(Report, String)> {
        self.terminate()?;
        let report = self.lines()?;
        ensure!(!report.summary.is_null(), "no summary at the end of {}", self.log());
        Ok((report, self.log()))
    }

    /// Asks it to end, and requires that it does so with 0.
    pub fn end(mut self) -> Result<()> {
        self.terminate()
    }

    fn terminate(&mut self) -> Result<()> {
        self.require_running()?;
        self.signal(Signal::TERM)?;
        let ended = wait::within(TIMEOUT, "the agent to end", || Ok(self.process.try_wait()?));
        let status = ended.with_context(|| self.log())?;
        ensure!(status.code() == Some(0), "the agent ended with {status}:\n{}", self.log());
        Ok(())
    }

    /// Has it read its configuration again.
    pub fn reload(&self) -> Result<()> {
        self.signal(Signal::HUP)
    }

    /// Halts it: what the kernel has to tell waits for it.
    pub fn halt(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Ends it as no program can prevent.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Ends it as no program can prevent, and starts another at the same port.
    pub fn kill_and_replace(mut self, _turn: &Turn) -> Result<Self> {
        self.process.kill()?;
        self.process.wait()?;
        let port = std::mem::replace(&mut self.port, Port::find()?);
        let command = |_folder: &Path| Ok(binary::command(&[]));
        Self::spawn_at(port, command, "ebpf", Events::All, &[])?.ready()
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.pid().cast_signed()).context("no process")?;
        Ok(kill_process(pid, signal)?)
    }

    fn events(&self) -> PathBuf {
        self.folder.path().join(EVENTS)
    }

    fn require_running(&mut self) -> Result<()> {
        if let Some(status) = self.process.try_wait()? {
            bail!("the agent ended ({status}):\n{}", self.log());
        }
        Ok(())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            // One that is halted would not hear anything else.
            drop(self.resume());
            server::stop(&mut self.process, Signal::TERM);
        }
    }
}

const EVENTS: &str = "events.jsonl";
const LOG: &str = "agent.log";
