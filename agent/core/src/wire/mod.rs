//! Formats on the wire: pure functions from bytes to values, and back to no state of a connection.

pub mod hpack;
pub mod http2_frame;
pub mod net;
pub mod quic;
pub mod reader;
pub mod reassembly;
pub mod tls;
