//! The sans-IO engine of wrongdoor: packets in, exchanges and verdicts out.
//!
//! No I/O, no clock, no threads, no unsafe code: time and bytes are arguments, and everything that is learnt comes out as
//! values. The same input gives the same observations, but for [`http_facts::RequestSignals::path`], a digest under a key
//! that each process draws anew, so that it reveals nothing of a path elsewhere.
//!
//! All bytes are hostile: nothing here panics on them, and every table and buffer has a named bound.
//!
//! Read [`engine::Engine`] and [`observation::Event`] first: packets and probe events go into the one, and the other
//! comes out. [`explain::correlator::Correlator`] joins events with what other connections show.
#![forbid(unsafe_code)]

pub mod bounded_map;
pub mod connection;
pub mod counters;
pub mod engine;
pub mod explain;
pub mod http;
pub mod http_facts;
pub mod layer;
pub mod name;
pub mod observation;
pub mod seen;
pub mod side;
#[cfg(test)]
mod testing;
pub mod time;
pub mod trace_context;
pub mod wire;
