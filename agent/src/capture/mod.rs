//! Where packets and plaintext come from.

mod choice;
pub(crate) mod ebpf;
mod live;
mod packets;
pub(crate) mod scope;
pub(crate) mod source;
mod sources;

pub(crate) use choice::{LiveArguments, open_live};
pub(crate) use ebpf::{RING_BYTES, has_probes};
pub(crate) use live::report;
pub(crate) use packets::RING_BYTES as PACKET_RING_BYTES;
