//! A connection: two streams of bytes, the layers above them, and what they showed.

mod quic;
mod reopening;
mod tcp;
mod tls_object;

pub(crate) use quic::QuicConnection;
pub(crate) use reopening::{Opening, Proposal};
pub(crate) use tcp::{Resources, SequenceEnds, TcpConnection};
pub(crate) use tls_object::{HelloSegment, PlaintextPiece, TlsObject};
