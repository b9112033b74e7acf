//! What the cluster calls the ends of a connection: pods, what runs them, services.
//!
//! Filled by a thread of its own that follows the API server, and asked by the capture thread between two turns: a
//! lookup never asks anybody and never waits. Without a cluster there is nothing here, and nothing is looked up.

mod directory;
mod kept;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod open;
mod place;

pub(crate) use directory::{Directory, Following, Standing, View};
pub(crate) use open::{NODE_NAMES, open};
pub(crate) use place::{Container, Peer, Place, Pod, Workload};
