//! How an engine works, and its bounds.

use crate::observation::Source;

/// The most connections that are followed at a time; at the limit the longest idle are dropped and counted.
pub const MAX_CONNECTIONS: usize = 100_000;
/// The most bytes that all connections together hold for order, decryption and decoding.
pub const MAX_HELD_BYTES: usize = 64 * 1024 * 1024;
/// The most connections that have ended and wait for secrets that may still come.
pub const MAX_PARKED: usize = 4096;
/// Which flows an engine is for, where several share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// This engine's number.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

/// How much of TLS the packets that are handed in show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsInPackets {
    /// All of it.
    #[default]
    Whole,
    /// The handshakes: what is missing behind them was left out on purpose, and is no loss.
    Handshakes,
    /// It is told by probes, so that a connection that turns out to be TLS is not told from packets.
    ToldByProbes,
}

/// How an engine works.
#[derive(Clone, Copy, Debug)]
pub struct EngineConfig {
    /// Which flows are its own.
    pub shard: Shard,
    /// More secrets may arrive while packets do.
    pub keys_may_come: bool,
    /// At most this many connections; [`MAX_CONNECTIONS`] by default.
    pub max_connections: usize,
    /// At most this many bytes held; [`MAX_HELD_BYTES`] by default.
    pub max_held_bytes: usize,
    /// Where its packets come from: a file, by default.
    pub source: Source,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            shard: Shard { index: 0, count: 1 },
            keys_may_come: false,
            max_connections: MAX_CONNECTIONS,
            max_held_bytes: MAX_HELD_BYTES,
            source: Source::File,
        }
    }
}

impl EngineConfig {
    /// The defaults, for one of several engines that share the bounds.
    pub fn for_shard(shard: Shard) -> Self {
        let share = usize::try_from(shard.count).unwrap_or(1).max(1);
        Self {
            shard,
            max_connections: MAX_CONNECTIONS / share,
            max_held_bytes: MAX_HELD_BYTES / share,
            ..Self::default()
        }
    }
}
