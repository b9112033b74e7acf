//! The sans-IO engine of wrongdoor: packets in, exchanges and verdicts out.
//!
//! Deterministic by construction: no I/O, no clock, no threads, no unsafe code. Time and bytes
//! are arguments; everything that is learnt comes out as values. All bytes are hostile: nothing
//! here panics on them, and every table and buffer has a named bound.
#![forbid(unsafe_code)]

pub mod name;
pub mod net;
pub mod quic;
pub mod reader;
pub mod seen;
pub mod time;
pub mod tls;
