//! What a run is to do: every option of `wrongdoor run`, with its default.
//!
//! The shape is that of the YAML file, and of `--print-config`. What was typed, and the `WRONGDOOR_*` variables,
//! override what is in the file, which overrides the defaults.

mod duration;
mod file_mode;
mod options;
mod otlp;
mod reload;

pub use duration::{Length, NotALength};
pub use file_mode::{FileMode, NotAFileMode};
pub use options::{EventsOf, LogFormat, LogLevel, OtlpProtocol, PodSource, SourceKind};
pub(crate) use otlp::{OtlpConfig, PREFIX as OTLP_PREFIX};
pub(crate) use reload::changes;

/// The commented example, with every option and its default.
#[cfg(test)]
pub(crate) const EXAMPLE: &str = include_str!("../../../deploy/wrongdoor.yaml");

use serde::{Deserialize, Deserializer, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use wrongdoor_core::explain::recovery::Windows;

/// The port of a run's metrics.
pub(crate) const PORT: u16 = 9421;
/// The ring of the probes, in bytes.
pub(crate) const RING_BYTES: u32 = 8 * 1024 * 1024;
/// All rings of packet sockets together, in bytes.
pub(crate) const PACKET_RING_BYTES: u32 = 32 * 1024 * 1024;
/// The largest size of an events file, by default.
const MAX_EVENTS_BYTES: u64 = 100 * 1024 * 1024;
/// So many full ones are kept.
const KEPT_EVENTS_FILES: u32 = 4;
/// So long the last lines and spans may take.
const DRAIN: Duration = Duration::from_secs(5);

/// Everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) source: SourceKind,
    #[serde(deserialize_with = "address")]
    pub(crate) listen: SocketAddr,
    pub(crate) http: HttpConfig,
    pub(crate) scope: Scope,
    pub(crate) packets: Packets,
    pub(crate) names: Names,
    pub(crate) events: Events,
    pub(crate) recovery: RecoveryConfig,
    pub(crate) otlp: OtlpConfig,
    pub(crate) kubernetes: Kubernetes,
    pub(crate) log: Log,
    #[serde(rename = "for")]
    pub(crate) length: Option<Length>,
    pub(crate) drain: Length,
}

/// Who may read what is answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpConfig {
    pub(crate) tls_certificate: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) bearer_token: Option<PathBuf>,
    pub(crate) allow_plain: bool,
}

/// What is traced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Scope {
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
}

/// What is captured on interfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Packets {
    pub(crate) interfaces: Vec<String>,
    pub(crate) netns: Option<PathBuf>,
    pub(crate) cleartext_ports: Vec<u16>,
    pub(crate) keylogs: Vec<PathBuf>,
}

/// Which names are label values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Names {
    pub(crate) only: Vec<String>,
    pub(crate) groups: Vec<String>,
}

/// The JSON lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Events {
    pub(crate) path: Option<PathBuf>,
    pub(crate) of: EventsOf,
    pub(crate) mode: FileMode,
    pub(crate) max_bytes: u64,
    pub(crate) keep: u32,
}

/// How long clients have to come again after a 421.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RecoveryConfig {
    pub(crate) browsers: Length,
    pub(crate) others: Length,
}

/// Who is who in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Kubernetes {
    pub(crate) pods: PodSource,
    pub(crate) node: Option<String>,
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: LogLevel,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || format!("listen: `{text}` is not an address and a port, like 127.0.0.1:{PORT}");
    text.parse().map_err(|_not_an_address| serde::de::Error::custom(wrong()))
}

impl Default for Config {
    fn default() -> Self {
        Self {
            source: SourceKind::Auto,
            listen: (Ipv4Addr::LOCALHOST, PORT).into(),
            http: HttpConfig::default(),
            scope: Scope::default(),
            packets: Packets::default(),
            names: Names::default(),
            events: Events::default(),
            recovery: RecoveryConfig::default(),
            otlp: OtlpConfig::default(),
            kubernetes: Kubernetes::default(),
            log: Log::default(),
            length: None,
            drain: Length(DRAIN),
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        let (max_bytes, keep) = (MAX_EVENTS_BYTES, KEPT_EVENTS_FILES);
        Self { path: None, of: EventsOf::Mismatched, mode: FileMode::default(), max_bytes, keep }
    }
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        let Windows { browser, other } = Windows::default();
        Self { browsers: Length(browser), others: Length(other) }
    }
}

impl Default for Kubernetes {
    fn default() -> Self {
        Self { pods: PodSource::Auto, node: None, kubeconfig: None }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogLevel::Info }
    }
}
