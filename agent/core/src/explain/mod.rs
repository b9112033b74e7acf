//! Explanations: what other connections add to an exchange, why it was refused, and what became of the client.

pub mod cause;
pub mod classifier;
pub mod correlator;
pub mod recovery;
