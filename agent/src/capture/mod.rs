//! Where packets and plaintext come from.

pub(crate) mod ebpf;
pub mod file;
pub(crate) mod libraries;
mod live;
pub(crate) mod processes;
pub(crate) mod scope;
pub(crate) mod source;

pub(crate) use ebpf::{RING_BYTES, has_probes};
pub(crate) use live::{LiveArguments, open_live, report};
