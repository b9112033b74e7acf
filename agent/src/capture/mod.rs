//! Where packets and plaintext come from.

pub mod file;
pub(crate) mod source;
