//! Explanations: what other connections add to an exchange, why it was refused, and what became of the client.

pub mod cause;
mod certificates;
pub mod classifier;
pub mod correlator;
mod finding;
pub mod recovery;

pub use finding::Finding;
