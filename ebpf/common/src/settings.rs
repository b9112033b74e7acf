//! What the agent tells the kernel side before it runs: where the running kernel keeps what no helper gives.

/// Offsets from the running kernel's BTF; 0 where it has no such member.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `sock_common.skc_daddr`.
    pub remote4: u32,
    /// `sock_common.skc_rcv_saddr`.
    pub local4: u32,
    /// `sock_common.skc_dport`.
    pub remote_port: u32,
    /// `sock_common.skc_num`.
    pub local_port: u32,
    /// `sock_common.skc_family`.
    pub family: u32,
    /// `sock_common.skc_v6_daddr`.
    pub remote6: u32,
    /// `sock_common.skc_v6_rcv_saddr`.
    pub local6: u32,
    /// `sock_common.skc_net`.
    pub net: u32,
    /// `net.ns.inum`.
    pub namespace: u32,
    /// `task_struct.thread.fsbase`: where Go keeps its goroutine.
    pub thread_pointer: u32,
    /// The ring wakes the agent when more than this many bytes wait in it.
    pub wake_at: u32,
    /// The agent's own process, which is never traced.
    pub agent: u32,
}
