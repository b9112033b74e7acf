//! A TLS session: the handshake as far as it shows, and with keys what is inside.

mod flow;
mod handshake;
mod keys;
mod loss;
mod open;
mod record_reader;

pub use flow::MAX_WAITING;
pub(crate) use flow::Session;
