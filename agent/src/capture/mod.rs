//! Where packets and plaintext come from.

pub mod file;
mod live;
pub(crate) mod source;

pub(crate) use live::{ScopeArguments, has_probes, open_live};
