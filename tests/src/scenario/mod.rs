//! Ready-made scenes: servers, clients, and the capture of what they said.
//!
//! Each function plays one scene from start to end and returns what the demo and the tests look
//! at. A scene checks what servers answered against what they are known to answer, so that a
//! changed server is not taken for a fault of the program.

mod proxy;
pub mod reproductions;
mod stage;
mod suites;
mod vhosts;

pub use proxy::{Upstream, proxy_chain};
pub use stage::{Scene, Sent, Stage, Watch};
pub use suites::{SUITES, Suite, tls_suite};
pub use vhosts::{apache_two_hosts, client_certificates, coalescing, demo, no_sni, odd_requests};
