//! The filter that follows flows, in eBPF: see `ebpf/src/bin/packets.rs`.

use super::super::sys::PacketSocket;
use crate::text::chain;
use aya::maps::Array;
use aya::programs::SocketFilter;
use aya::{Ebpf, EbpfLoader};
use std::io;
use wrongdoor_ebpf_common::packet::ports as port_table;
use wrongdoor_ebpf_common::{program, table};

/// The object file; empty where there was no toolchain.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/filter.o"));

/// The loaded program. Sockets that it is attached to keep it.
pub(in super::super) struct Extended(Ebpf);

impl Extended {
    /// Loads it. The error is what the kernel said.
    pub(super) fn load(cleartext: &[u16]) -> Result<Self, String> {
        if OBJECT.is_empty() {
            return Err("it is not in this build".to_owned());
        }
        let mut ebpf = EbpfLoader::new().btf(None).load(OBJECT).map_err(|error| chain(&error))?;
        let map = ebpf.map_mut(table::PORTS).ok_or("its table of ports is missing")?;
        let mut ports: Array<_, u64> = Array::try_from(map).map_err(|error| chain(&error))?;
        for port in cleartext {
            let (word, bit) = port_table::place(*port);
            let others = ports.get(&word, 0).map_err(|error| chain(&error))?;
            ports.set(word, others | bit, 0).map_err(|error| chain(&error))?;
        }
        let program = ebpf.program_mut(program::PACKETS).ok_or("it is not in its object")?;
        let program: &mut SocketFilter = program.try_into().map_err(|error| chain(&error))?;
        program.load().map_err(|error| chain(&error))?;
        Ok(Self(ebpf))
    }

    pub(super) fn attach(&self, socket: &PacketSocket) -> io::Result<()> {
        let program = self.0.program(program::PACKETS).ok_or(io::ErrorKind::NotFound)?;
        let program: &SocketFilter = program.try_into().map_err(io::Error::other)?;
        program.attach(socket).map_err(io::Error::other)
    }
}
