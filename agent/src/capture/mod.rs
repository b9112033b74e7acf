//! Live sources: where packets and plaintext come from.

mod both;
pub(crate) mod ebpf;
mod error;
mod open;
mod packets;
pub(crate) mod scope;
pub(crate) mod source;

pub(crate) use error::CaptureError;
pub(crate) use open::{LiveArguments, open_live};
