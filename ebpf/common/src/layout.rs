//! Numbers and names that the kernel side and the agent must agree on.

/// `AF_INET` of the kernel.
pub const AF_INET: u16 = 2;
/// `AF_INET6` of the kernel.
pub const AF_INET6: u16 = 10;
/// Examined files that can be told apart.
pub const MAX_LIBRARIES: u16 = 1_024;
/// Scratch buffers a processor: a program may be preempted by another task's, and that by an interrupt's.
pub const SLOTS_PER_CPU: u32 = 4;

/// The places of programs in the table of tail calls.
pub mod tail_call {
    /// Finds the socket of a TLS object.
    pub const IDENTIFY: u32 = 0;
    /// Walks HTTP/2's frames.
    pub const HTTP2: u32 = 1;
    /// Walks HTTP/1's messages.
    pub const HTTP1: u32 = 2;
    /// How many there are room for.
    pub const COUNT: u32 = 4;
}

/// The names of the tables that the agent opens.
pub mod table {
    /// From the kernel to the agent.
    pub const RING: &str = "RING";
    /// Scratch buffers.
    pub const SLOTS: &str = "SLOTS";
    /// What the kernel side counts.
    pub const COUNTERS: &str = "COUNTERS";
    /// What the agent says before it attaches anything.
    pub const SETTINGS: &str = "SETTINGS";
    /// The programs that tail calls reach.
    pub const TAIL_CALLS: &str = "TAIL_CALLS";
    /// Where a library's objects hold the ClientHello's random.
    pub const RANDOM_PLACES: &str = "RANDOM_PLACES";
    /// Connections that lost records.
    pub const LOST: &str = "LOST";
}
