//! The sans-IO engine of wrongdoor: packets in, exchanges and verdicts out.
//!
//! Deterministic by construction: no I/O, no clock, no threads, no unsafe code. Time and bytes
//! are arguments; everything that is learnt comes out as values. All bytes are hostile: nothing
//! here panics on them, and every table and buffer has a named bound.
#![forbid(unsafe_code)]

pub mod cause;
pub mod connection;
mod content;
pub mod counters;
pub mod engine;
mod event;
pub mod exchange;
mod http1;
pub mod http2;
pub mod judge;
pub mod live;
pub mod name;
pub mod net;
pub mod quic;
pub mod reader;
pub mod reassembly;
pub mod recovery;
pub mod seen;
pub mod side;
pub mod signals;
#[cfg(test)]
mod testing;
pub mod time;
pub mod tls;
pub mod trace_context;
pub mod verdict;
