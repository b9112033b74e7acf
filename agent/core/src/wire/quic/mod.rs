//! QUIC as a passive observer sees it: versions 1 (RFC 9000, RFC 9001) and 2 (RFC 9369).
//!
//! Initial packets are sealed with keys that anybody can derive, so both hellos are read without
//! help; with a key log the server's Handshake packets are read too. 0-RTT and 1-RTT packets are
//! passed over and counted. Nothing is taken for QUIC before the AEAD says so.

mod connection;
mod crypto_stream;
mod error;
mod frame;
mod handshake;
mod header;
mod learnt;
mod protection;
mod space;
#[cfg(test)]
mod tests;
mod version;

pub use connection::Connection;
pub use error::{ErrorCounts, QuicError};
pub use handshake::QuicDecryption;
pub use header::{looks_like_initial, unread_version};
pub use version::QuicVersion;
