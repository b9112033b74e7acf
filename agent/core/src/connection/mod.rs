//! A connection: two streams of bytes, the layers above them, and what they showed.

mod context;
mod facts;
mod live;
mod quic;
mod reopening;
mod tcp;

pub use context::MAX_AUTHORITIES;
pub(crate) use context::{Context, Ended, Observed, Scratch, raw_text};
pub use facts::{
    ConnectionId, Decryption, Facts, MAX_ORIGINS, OriginSet, Source, Tls, TransportKind,
};
pub(crate) use live::{LiveConnection, Piece, Segment};
pub(crate) use quic::QuicConnection;
pub(crate) use reopening::{Opening, Proposal};
pub(crate) use tcp::{Ends, Input, TcpConnection};
