//! Numbers and names that the kernel side and the agent must agree on.

/// `AF_INET` of the kernel.
pub const AF_INET: u16 = 2;
/// `AF_INET6` of the kernel.
pub const AF_INET6: u16 = 10;
/// The most files that are traced at the same time.
pub const MAX_LIBRARIES: u16 = 1_024;
/// Scratch buffers a processor: a program may be preempted by another task's, and that by an interrupt's.
pub const SLOTS_PER_CPU: u32 = 4;
/// A direction's bytes beyond this are no handshake: certificates fit many times over.
pub const MAX_HANDSHAKE: u32 = 64 * 1024;

/// The names of the programs.
pub mod program {
    /// A library function is entered.
    pub const TLS_ENTRY: &str = "tls_entry";
    /// A library function returns: a uprobe.
    pub const TLS_RETURN: &str = "tls_return";
    /// A library function has returned: a uretprobe.
    pub const TLS_RETURNED: &str = "tls_returned";
    /// A library takes a message of a handshake into its transcript.
    pub const TLS_MESSAGE: &str = "tls_message";
    /// Finds the socket of a TLS object.
    pub const STEP_IDENTIFY: &str = "step_identify";
    /// Walks HTTP/2's frames.
    pub const STEP_HTTP2: &str = "step_http2";
    /// Walks HTTP/1's messages.
    pub const STEP_HTTP1: &str = "step_http1";
    /// A packet comes in at a socket.
    pub const PACKET_IN: &str = "packet_in";
    /// A packet leaves a socket.
    pub const PACKET_OUT: &str = "packet_out";
    /// Something is sent over a socket (kernel 6.3).
    pub const SOCKET_SENDS: &str = "socket_sends";
    /// Something is received from a socket (kernel 6.3).
    pub const SOCKET_RECEIVES: &str = "socket_receives";
    /// The same as [`SOCKET_SENDS`] before 6.3.
    pub const TCP_SENDS: &str = "tcp_sends";
    /// The same as [`SOCKET_RECEIVES`] before 6.3.
    pub const TCP_RECEIVES: &str = "tcp_receives";
    /// The same as [`TCP_RECEIVES`] where fentry may not be used.
    pub const TCP_RECEIVED: &str = "tcp_received";
    /// A socket changes its state.
    pub const SOCKET_STATE: &str = "socket_state";
    /// A process runs another program.
    pub const PROCESS_EXEC: &str = "process_exec";
    /// The filter of packet sockets, in an object of its own.
    pub const PACKETS: &str = "packets";
}

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
    /// The cleartext ports, of the filter of packet sockets.
    pub const PORTS: &str = "PORTS";
}
