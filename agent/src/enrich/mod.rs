//! What the cluster calls the ends of a connection: pods, what runs them, services.
//!
//! Filled by a thread of its own that follows the API server, and asked by the capture thread between two turns: a
//! lookup never asks anybody and never waits. Without a cluster there is nothing here, and nothing is looked up.

mod cluster_ends;
mod directory;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod open;
mod ttl_map;

pub(crate) use cluster_ends::{ClusterEnds, Container, Peer, Pod, Workload};
pub(crate) use directory::{Directory, SyncState, View, WatchStats};
pub(crate) use open::{ClusterError, NODE_NAMES, open};
