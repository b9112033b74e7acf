//! How much a capture may make us hold. Every length in a capture is somebody else's claim.

/// Bytes of a capture handed out at a time.
///
/// Large enough that the cost per window (a channel send, a page release) vanishes, small enough
/// that some dozens of them in flight are no burden.
pub const WINDOW_BYTES: usize = 4 << 20;

/// The longest captured packet that is handed out, the snapshot length of tcpdump and Wireshark.
///
/// Longer ones are passed over and counted: nothing that carries HTTP on a network is longer.
pub const MAX_PACKET_BYTES: usize = 256 << 10;

/// The longest pcapng block that is held whole; longer ones are passed over without buffering.
///
/// A stream without this limit would let one length field claim 4 GiB of memory.
pub const MAX_BLOCK_BYTES: usize = 16 << 20;

/// The most interfaces remembered per pcapng section. A description takes 20 bytes of file, so a
/// hostile section could otherwise grow the table without end.
pub const MAX_INTERFACES: usize = 1 << 16;

/// The largest key log kept from one Decryption Secrets Block.
pub const MAX_SECRETS_BYTES: usize = 8 << 20;

/// The most key log text kept from all Decryption Secrets Blocks of one capture.
pub const MAX_SECRETS_TOTAL_BYTES: usize = 64 << 20;

/// What one kept key log counts for beside its text, so that millions of empty ones are bounded too.
pub const SECRETS_OVERHEAD_BYTES: usize = 64;

/// The largest zstd window accepted: what `zstd --long` (27 bits) writes. A frame header may ask
/// for terabytes.
pub const MAX_ZSTD_WINDOW_BYTES: u64 = 128 << 20;

/// The most unread link types that are counted one by one in a capture.
pub const MAX_UNREAD_LINKS: usize = 32;
