//! h2load, which counts its answers.

use std::process::Command;

use anyhow::{Context, Result};

use super::command;
use crate::live::process;

/// Many requests for one authority.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    /// The server name of the connections.
    pub sni: &'a str,
    /// Whom all requests are for.
    pub authority: &'a str,
    /// How many.
    pub requests: usize,
    /// Over so many connections.
    pub connections: usize,
    /// Each with so many open at a time.
    pub concurrent: usize,
    /// Each making so many a second; as fast as it can where that is not said.
    pub rate: Option<usize>,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answers {
    /// 2xx.
    pub successes: usize,
    /// 4xx.
    pub client_errors: usize,
}

impl Load<'_> {
    /// Makes them, over HTTP/2 and TLS.
    pub fn run(&self, port: u16) -> Result<Answers> {
        let mut command = self.command(port)?;
        command.arg(format!("--header=:authority: {}", self.authority));
        self.finish(command.arg(format!("https://{}:{port}/", self.sni)))
    }

    /// Makes them, over HTTP/1.1 and without TLS.
    pub fn run_in_cleartext(&self, port: u16) -> Result<Answers> {
        let mut command = self.command(port)?;
        self.finish(command.args(["--h1", &format!("http://{}:{port}/", self.authority)]))
    }

    fn command(&self, port: u16) -> Result<Command> {
        let mut command = command("h2load")?;
        command.arg(format!("--requests={}", self.requests));
        command.arg(format!("--clients={}", self.connections));
        command.arg(format!("--max-concurrent-streams={}", self.concurrent));
        command.args(self.rate.map(|rate| format!("--rps={rate}")));
        command.arg(format!("--connect-to=127.0.0.1:{port}"));
        Ok(command)
    }

    fn finish(&self, command: &mut Command) -> Result<Answers> {
        let said = process::run(command)?.stdout;
        Answers::parse(&said).with_context(|| said)
    }
}

impl Answers {
    /// How many there were.
    pub fn total(&self) -> usize {
        self.successes + self.client_errors
    }

    /// `status codes: 1 2xx, 2 3xx, 3 4xx, 4 5xx`
    fn parse(said: &str) -> Option<Self> {
        let line = said.lines().find_map(|line| line.strip_prefix("status codes: "))?;
        let count = |class: &str| {
            let mut parts = line.split(", ").filter_map(|part| part.split_once(' '));
            parts.find(|(_, name)| *name == class)?.0.parse().ok()
        };
        Some(Self { successes: count("2xx")?, client_errors: count("4xx")? })
    }
}
