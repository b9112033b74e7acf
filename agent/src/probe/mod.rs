//! Asks servers on purpose: who serves what on which connection, and which pairs of names must not share one.
//!
//! It contacts the addresses that it is given and nothing else: no redirect, alternative service or revocation
//! list is followed.

mod connection;
mod endpoint;
mod error;
mod hazard;
mod http;
mod json;
mod listed;
mod name;
mod options;
mod outcome;
mod parity;
mod plan;
mod rate;
mod report;
mod runner;
mod table;
#[cfg(test)]
mod testing;
mod tls;

pub use endpoint::{NotAnEndpoint, ProbeEndpoint};
pub use options::{ProbeFailOn, ProbeMethod, Protocol, Test};
pub use rate::{NotARate, Rate};

pub(crate) use connection::ProbeOptions;
pub(crate) use endpoint::resolve;
pub(crate) use error::ProbeSetupError;
pub(crate) use json::lines;
pub(crate) use listed::{names, not_a_name};
pub(crate) use name::{is_path, server_name};
pub(crate) use plan::{Plan, ProbeTargets};
pub(crate) use report::ProbeReport;
pub(crate) use runner::{Load, run};
pub(crate) use table::table;
pub(crate) use tls::{TrustError, TrustedRoots};
