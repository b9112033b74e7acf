//! The kit of the live tests: the agent on the running kernel, peers that log what they saw, and the comparison
//! of both.
//!
//! Every server and most clients tell each exchange as a [`Truth`]; [`compare`](compare::compare) holds the agent's
//! lines against them. An agent sees the whole machine, other tests' traffic included, so everything is looked up by
//! the ports and processes of the test at hand. Tests that start an agent begin with [`kernel::begin`], which lets
//! one of them run at a time.

pub mod agent;
pub mod bodies;
pub mod clients;
pub mod compare;
pub mod container;
pub mod early_write;
pub mod edges;
pub mod fragile;
pub mod ground;
pub mod hostile;
pub mod installed;
pub mod kernel;
pub mod ledger;
pub mod legality;
pub mod library;
pub mod library_version;
pub mod loopbacks;
pub mod metrics;
pub mod namespaces;
pub mod network;
pub mod nobody;
pub mod process;
pub mod residents;
pub mod scale;
pub mod scene;
pub mod servers;
pub mod storm;
pub mod truth;
pub mod veth;

pub use agent::Agent;
pub use clients::{Ask, Client};
pub use ground::Ground;
pub use residents::Residents;
pub use servers::{Peer, Software};
pub use truth::Truth;
