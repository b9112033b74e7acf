//! Every way to a 421 that real servers and clients can be brought to here, with what it comes from.
//!
//! An expectation says what happened, not what a program that watches makes of it. Where the bytes of two different
//! happenings are the same, so that nobody could tell them apart, what else may be said is listed too, and how sure
//! one may be of it.

mod actors;
mod apart;
mod applications;
mod browser;
mod chains;
mod comparing;
mod finding;
mod policies;
mod pools;
mod proxies;
mod resets;
mod retries;
mod sharing;
mod virtual_hosts;

use anyhow::Result;

use super::{Scene, Stage, Watch};

pub use finding::{Finding, may_be};

/// Where a hop can be read: at the ends that use a TLS library that probes know, and in a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The end that connects.
    pub client: bool,
    /// The end that listens.
    pub server: bool,
    /// A key log has what it takes to read a capture of it.
    pub wire: bool,
}

/// A scene that is played, and what is to be found in it.
#[derive(Clone, Copy, Debug)]
pub struct Reproduction {
    /// What happens in it.
    pub name: &'static str,
    /// Starts servers, has them watched, and lets clients ask.
    pub play: fn(&mut Stage) -> Result<()>,
    /// The ends of each server's connections, in the order of the servers' start.
    pub hops: &'static [Ends],
    /// What is to be found, in the order of the requests. None where everything is as it should be.
    pub findings: &'static [Finding],
}

/// Reproductions of one subject.
pub type Subject = &'static [Reproduction];

/// Virtual hosts with a certificate each.
pub const VIRTUAL_HOSTS: Subject = virtual_hosts::ALL;
/// Virtual hosts with TLS settings of their own.
pub const POLICIES: Subject = policies::ALL;
/// Answers that are not 421.
pub const RESETS: Subject = resets::ALL;
/// Servers that compare the names themselves.
pub const COMPARING: Subject = comparing::ALL;
/// Applications, caches and sites that answer 421 for reasons of their own.
pub const APPLICATIONS: Subject = applications::ALL;
/// Several names over one connection.
pub const SHARING: Subject = sharing::ALL;
/// A proxy in front of Apache.
pub const CHAINS: Subject = chains::ALL;
/// The same where the hops do not show that they belong together.
pub const APART: Subject = apart::ALL;
/// Proxies whose connections to the server behind are used for several names.
pub const POOLS: Subject = pools::ALL;
/// Clients that ask again.
pub const RETRIES: Subject = retries::ALL;
/// A browser.
pub const BROWSER: Subject = browser::ALL;

/// All of them.
pub const ALL: [Subject; 11] = [
    VIRTUAL_HOSTS,
    POLICIES,
    RESETS,
    COMPARING,
    APPLICATIONS,
    SHARING,
    CHAINS,
    APART,
    POOLS,
    RETRIES,
    BROWSER,
];

/// OpenSSL, Go or Node at either end.
const BOTH: Ends = Ends { client: true, server: true, wire: true };
/// The same, and neither logs keys.
const UNREADABLE: Ends = Ends { client: true, server: true, wire: false };
/// Something else at the end that listens.
const CLIENT: Ends = Ends { client: true, server: false, wire: true };
/// Something else at the end that connects.
const SERVER: Ends = Ends { client: false, server: true, wire: true };
/// Nothing for probes.
const NEITHER: Ends = Ends { client: false, server: false, wire: true };

// ===== impl Reproduction =====

impl Reproduction {
    /// Plays it, recorded.
    pub fn record(&self) -> Result<Scene> {
        let mut stage = Stage::new()?;
        (self.play)(&mut stage)?;
        stage.finish()
    }

    /// Plays it, watched; `end` is called when all is said and the servers still run.
    pub fn watch<T>(&self, watch: Watch, end: impl FnOnce(&Stage) -> Result<T>) -> Result<T> {
        let mut stage = Stage::new()?.watched(watch);
        (self.play)(&mut stage)?;
        end(&stage)
    }

    /// Whether probes see anything of it.
    pub fn is_for_probes(&self) -> bool {
        self.hops.iter().any(|ends| ends.client || ends.server)
    }
}
