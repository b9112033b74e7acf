//! How it can go.

use crate::name::Host;
use crate::observation::probe_event::Observer;
use crate::wire::net::Endpoint;
use std::time::Duration;

/// How it went.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// Asked again on another connection, and answered otherwise.
    RecoveredNewConnection,
    /// Asked again on the same connection, and answered otherwise: the server changes its mind.
    RecoveredSameConnection,
    /// Asked again on another connection: 421 again.
    #[strum(serialize = "retried_still_421")]
    RetriedStill421,
    /// Asked again on the same connection: 421 again, as it must be.
    #[strum(serialize = "retried_same_connection_421")]
    RetriedSameConnection421,
    /// Another connection was opened for the host; what was asked for on it was not seen.
    OtherConnectionOpened,
    /// Asked again over HTTP/1.1, or over TCP after QUIC, and answered otherwise.
    ProtocolFallback,
    /// Not asked again.
    NotRetried,
}

impl Outcome {
    /// All of them.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name in the output.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the client got an answer that is not 421.
    pub fn is_recovered(self) -> bool {
        matches!(
            self,
            Self::RecoveredNewConnection | Self::RecoveredSameConnection | Self::ProtocolFallback
        )
    }
}

/// What became of a request that was answered with 421.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How it went.
    pub outcome: Outcome,
    /// The number of the connection that it was asked on again, or that was opened for it.
    pub connection: Option<u64>,
    /// The answer there.
    pub status: Option<u16>,
    /// From the 421 to the answer there.
    pub after: Option<Duration>,
    /// How many connections the client opened for the host in the meantime.
    pub handshakes: u32,
    /// Whether clients of its class ask again by themselves; unknown where the class is.
    pub is_expected: Option<bool>,
}

/// A window that ended.
#[derive(Clone, Debug)]
pub struct RecoveryReport {
    /// The number of the connection, and the stream, of the 421.
    pub connection: u64,
    /// The stream.
    pub stream: u64,
    /// Recovery.
    pub recovery: Recovery,
    /// The host asked for.
    pub host: Host,
    /// Who saw the 421.
    pub observer: Observer,
    /// Who answered with it.
    pub server: Option<Endpoint>,
}
