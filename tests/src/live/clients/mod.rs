//! Clients that ask one server for several authorities, and most of which tell what they saw.

mod curl;
mod load;
mod raw;
mod scripted;

use std::process::Command;

use anyhow::Result;

pub use load::{Answers, Load};
pub use scripted::Paused;

use super::ground::Ground;
use super::installed::Symbols;
use super::process::{self, Finished};
use super::truth::Truth;
use crate::curl::Http;
use crate::tools;

/// What a client is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// curl; OpenSSL.
    Curl,
    /// Node's clients; OpenSSL linked in, on memory buffers.
    Node,
    /// Go's `net/http`.
    Go(Symbols),
    /// Python's asyncio; OpenSSL on memory buffers. HTTP/1.1 only.
    Asyncio,
    /// Python's `requests`; OpenSSL. HTTP/1.1 only.
    Requests,
    /// `gnutls-cli`, with HTTP by hand; GnuTLS. HTTP/1.1 only; tells nothing.
    GnutlsCli,
    /// wget; GnuTLS. HTTP/1.1 only; its SNI is always `localhost`, and it tells nothing.
    Wget,
    /// nghttp; OpenSSL. HTTP/2 only; its SNI is its authority, and it tells nothing.
    Nghttp,
    /// h2load; OpenSSL. Its authority is its SNI; tells nothing.
    H2load,
}

/// What is to be asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The server name; `None`: none is sent.
    pub sni: Option<String>,
    /// The authority of each request, in order.
    pub authorities: Vec<String>,
    /// The version of HTTP.
    pub http: Http,
    /// How many requests may be open at once, over HTTP/2.
    pub concurrent: usize,
}

/// What a client did.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its process.
    pub pid: u32,
    /// How many requests it made.
    pub count: usize,
    /// What it saw, if it is one that tells.
    pub rows: Option<Vec<Truth>>,
}

// ===== impl Ask =====

impl Ask {
    /// Each of `authorities` once, over one connection for `sni`, one after the other.
    pub fn new(sni: Option<&str>, authorities: &[&str], http: Http) -> Self {
        let authorities = authorities.iter().map(|&authority| authority.to_owned()).collect();
        Self { sni: sni.map(ToOwned::to_owned), authorities, http, concurrent: 1 }
    }

    /// `count` requests that take turns among `authorities`, up to `concurrent` at once.
    pub fn many(sni: &str, authorities: &[&str], count: usize, concurrent: usize) -> Self {
        let authorities =
            authorities.iter().cycle().take(count).map(|&name| name.to_owned()).collect();
        Self { sni: Some(sni.to_owned()), authorities, http: Http::Two, concurrent }
    }
}

// ===== impl Client =====

impl Client {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Curl,
        Self::Node,
        Self::Go(Symbols::Kept),
        Self::Go(Symbols::Stripped),
        Self::Asyncio,
        Self::Requests,
        Self::GnutlsCli,
        Self::Wget,
        Self::Nghttp,
        Self::H2load,
    ];

    /// Whether it speaks this version.
    pub fn speaks(self, http: Http) -> bool {
        match self {
            Self::Curl | Self::Node | Self::Go(_) | Self::H2load => true,
            Self::Nghttp => http == Http::Two,
            Self::Asyncio | Self::Requests | Self::GnutlsCli | Self::Wget => http == Http::One,
        }
    }

    /// Asks, and comes back when all is answered.
    pub fn ask(self, ground: &Ground, port: u16, ask: &Ask) -> Result<Told> {
        let scripted = |command| scripted::ask(command, ground, port, ask);
        match self {
            Self::Curl => curl::ask(ground, port, ask),
            Self::Node => scripted(scripted::node()?),
            Self::Go(symbols) => scripted(scripted::go(symbols)?),
            Self::Asyncio => scripted(scripted::asyncio()?),
            Self::Requests => scripted(scripted::requests()?),
            Self::GnutlsCli => raw::gnutls_cli(port, ask),
            Self::Wget => raw::wget(port, ask),
            Self::Nghttp => raw::nghttp(port, ask),
            Self::H2load => raw::h2load(port, ask),
        }
    }
}

// ===== impl Told =====

impl Told {
    /// What it saw: as it tells, or else as the server does.
    pub fn truth(&self, seen: &[Truth]) -> Vec<Truth> {
        let told = self.rows.clone();
        told.unwrap_or_else(|| seen.iter().map(|row| row.from_other_end(Some(self.pid))).collect())
    }

    fn silent(finished: &Finished, count: usize) -> Self {
        Self { pid: finished.pid, count, rows: None }
    }
}

/// Runs a client that is silent.
fn run_silent(command: &mut Command, count: usize) -> Result<Told> {
    Ok(Told::silent(&process::run(command)?, count))
}

/// A command that no configuration of the user's changes.
fn command(program: &str) -> Result<Command> {
    let mut command = tools::command(program)?;
    for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    command.env_remove("SSLKEYLOGFILE");
    Ok(command)
}

/// h2load, with a connection for each request.
pub fn connections(port: u16, ask: &Ask) -> Result<Told> {
    raw::load(port, ask, ask.authorities.len())
}
