//! Servers that log each exchange as one line of JSON.

mod apache;
mod caddy;
pub mod envoy;
mod haproxy;
pub mod nginx;
mod scripted;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::ground::{Ground, NAMES, SERVED};
use super::installed::{EnvoyVersion, Symbols};
use super::truth::{self, Truth};
use crate::server::Server;
use crate::wait;

/// What a server is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// nginx with worker processes; OpenSSL.
    Nginx,
    /// Apache, whose 421 is its own: virtual hosts with different certificates; OpenSSL.
    Apache,
    /// HAProxy; OpenSSL on buffers of its own.
    Haproxy,
    /// Caddy; Go.
    Caddy,
    /// Node; OpenSSL linked in, on memory buffers.
    Node,
    /// Go's `net/http`.
    Go(Symbols),
    /// Envoy; BoringSSL linked in, without symbols.
    Envoy(EnvoyVersion),
}

/// A running server and where it tells what it saw.
#[derive(Debug)]
pub struct Peer {
    server: Server,
    log: PathBuf,
    software: Software,
}

// ===== impl Software =====

impl Software {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Nginx,
        Self::Apache,
        Self::Haproxy,
        Self::Caddy,
        Self::Node,
        Self::Go(Symbols::Kept),
        Self::Go(Symbols::Stripped),
        Self::Envoy(EnvoyVersion::NEW),
    ];

    /// Starts it: it serves [`SERVED`] with 200 and refuses the other [`NAMES`] with 421.
    pub fn start(self, ground: &Ground) -> Result<Peer> {
        let (server, log) = match self {
            Self::Nginx => nginx::start(ground, "nginx", &[])?,
            Self::Apache => apache::start(ground)?,
            Self::Haproxy => haproxy::start(ground)?,
            Self::Caddy => caddy::start(ground)?,
            Self::Node => scripted::node(ground)?,
            Self::Go(symbols) => scripted::go(ground, symbols)?,
            Self::Envoy(version) => envoy::start(ground, version)?,
        };
        Ok(Peer { server, log, software: self })
    }
}

// ===== impl Peer =====

impl Peer {
    /// nginx with more in its environment. Its files are in the folder called `name`.
    pub fn nginx_with(ground: &Ground, name: &str, environment: &[(&str, &Path)]) -> Result<Self> {
        let (server, log) = nginx::start(ground, name, environment)?;
        Ok(Self { server, log, software: Software::Nginx })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Its first process.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// What it saw so far.
    pub fn seen(&self) -> Result<Vec<Truth>> {
        // Some make it when they have something to tell.
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        // The last line may be half written.
        let whole = log.rfind('\n').map_or("", |end| log.get(..=end).unwrap_or_default());
        match self.software {
            Software::Caddy => caddy::parse(whole, self.port(), self.pid()),
            Software::Envoy(_) => envoy::parse(whole, self.pid()),
            _ => Truth::parse(whole),
        }
    }

    /// What it saw, when it has seen `count` exchanges; that it saw no more is for others to find.
    pub fn truth(&self, count: usize) -> Result<Vec<Truth>> {
        let mut seen = Vec::new();
        wait::until(&format!("{count} exchanges in the log of {:?}", self.software), || {
            seen = self.seen()?;
            Ok((seen.len() >= count).then_some(()))
        })
        .with_context(|| format!("there are {}: {:?}", seen.len(), seen.last()))?;
        ensure!(seen.len() == count, "{} exchanges, not {count}: {seen:#?}", seen.len());
        Ok(seen)
    }

    /// What it saw, when that is what the clients say that they did.
    pub fn agreed(&self, told: &[Truth]) -> Result<Vec<Truth>> {
        let seen = self.truth(told.len())?;
        truth::agree(&seen, told)
            .with_context(|| format!("{:?} and its clients", self.software))?;
        Ok(seen)
    }
}

/// The names that are refused.
fn refused() -> Vec<&'static str> {
    NAMES.into_iter().filter(|name| !SERVED.contains(name)).collect()
}
