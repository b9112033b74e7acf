//! Where packets and plaintext come from.

pub mod file;
pub(crate) mod processes;
pub(crate) mod scope;
pub(crate) mod source;
