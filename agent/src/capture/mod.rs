//! Where packets and plaintext come from.

pub mod file;
pub(crate) mod libraries;
pub(crate) mod source;
