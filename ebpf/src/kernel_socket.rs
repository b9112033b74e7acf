//! The kernel's sockets: their ends and their network namespace, at offsets that the running kernel's BTF gave.

use aya_ebpf::helpers::bpf_probe_read_kernel;
use wrongdoor_ebpf_common::{AF_INET6, Settings, Tuple};

/// Both ends of a kernel socket.
#[inline(always)]
pub fn tuple(socket: *const u8, cookie: u64, settings: &Settings) -> Tuple {
    let mut tuple = Tuple { cookie, ..Tuple::default() };
    let at = |offset: u32| socket.wrapping_add(offset as usize);
    // SAFETY: reads that may fail, at offsets that the running kernel's type information gave.
    unsafe {
        tuple.family = bpf_probe_read_kernel(at(settings.family).cast()).unwrap_or(0);
        tuple.local_port = bpf_probe_read_kernel(at(settings.local_port).cast()).unwrap_or(0);
        let remote: u16 = bpf_probe_read_kernel(at(settings.remote_port).cast()).unwrap_or(0);
        tuple.remote_port = u16::from_be(remote);
        if tuple.family == AF_INET6 {
            tuple.local = bpf_probe_read_kernel(at(settings.local6).cast()).unwrap_or([0; 16]);
            tuple.remote = bpf_probe_read_kernel(at(settings.remote6).cast()).unwrap_or([0; 16]);
        } else {
            let local: [u8; 4] =
                bpf_probe_read_kernel(at(settings.local4).cast()).unwrap_or([0; 4]);
            let remote: [u8; 4] =
                bpf_probe_read_kernel(at(settings.remote4).cast()).unwrap_or([0; 4]);
            let mut byte = 0;
            while byte < 4 {
                tuple.local[byte] = local[byte];
                tuple.remote[byte] = remote[byte];
                byte += 1;
            }
        }
    }
    tuple.namespace = namespace(socket, settings);
    tuple
}

/// The inode of the network namespace of a kernel socket; 0 where that is not known.
#[inline(always)]
pub fn namespace(socket: *const u8, settings: &Settings) -> u32 {
    if settings.net == 0 {
        return 0;
    }
    // SAFETY: reads that may fail, at offsets that the running kernel's type information gave.
    unsafe {
        let net: *const u8 =
            match bpf_probe_read_kernel(socket.wrapping_add(settings.net as usize).cast()) {
                Ok(net) => net,
                Err(_) => return 0,
            };
        bpf_probe_read_kernel(net.wrapping_add(settings.namespace as usize).cast()).unwrap_or(0)
    }
}
