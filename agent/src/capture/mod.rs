//! Sources of packets.

pub mod file;
