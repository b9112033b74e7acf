//! Where packets and plaintext come from.

pub(crate) mod ebpf;
pub mod file;
pub(crate) mod libraries;
pub(crate) mod processes;
pub(crate) mod scope;
pub(crate) mod source;
