//! What the agent tells the kernel side of the running kernel.

use super::btf::{Btf, BtfError};
use wrongdoor_ebpf_common::Settings;

/// The offsets that the kernel side needs.
pub(super) fn of_kernel(ring_bytes: u32) -> Result<Settings, BtfError> {
    let btf = Btf::of_kernel()?;
    let required = |name: &str| btf.offset("sock_common", &[name]).ok_or(BtfError::Damaged);
    let optional = |structure: &str, path: &[&str]| btf.offset(structure, path).unwrap_or(0);
    Ok(Settings {
        remote4: required("skc_daddr")?,
        local4: required("skc_rcv_saddr")?,
        remote_port: required("skc_dport")?,
        local_port: required("skc_num")?,
        family: required("skc_family")?,
        // Kernels without IPv6 have no such members.
        remote6: optional("sock_common", &["skc_v6_daddr"]),
        local6: optional("sock_common", &["skc_v6_rcv_saddr"]),
        net: optional("sock_common", &["skc_net"]),
        namespace: optional("net", &["ns", "inum"]),
        thread_pointer: thread_pointer(&btf),
        // A quarter: what comes until the agent is awake must find room.
        wake_at: ring_bytes / 4,
        agent: std::process::id(),
    })
}

fn thread_pointer(btf: &Btf) -> u32 {
    let member = if cfg!(target_arch = "aarch64") { "uw" } else { "fsbase" };
    btf.offset("task_struct", &["thread", member]).unwrap_or(0)
}
