//! Why a command failed, and the exit status that says so.

use crate::capture::CaptureError;
use crate::enrich::ClusterError;
use crate::exit_status::{DATA, INPUT, OUTPUT, PRIVILEGE, UNAVAILABLE, USAGE};
use crate::export::{OutputError, TracesError};
use crate::pipeline::live::LiveError;
use crate::probe::{ProbeSetupError, TrustError};
use crate::service::{ConfigError, ServiceError};
use std::io;
use std::path::PathBuf;
use wrongdoor_pcap::{CaptureOpenError, ReadError};

/// Why a command failed: what a module reports, or what the command itself finds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Open(#[from] CaptureOpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Probe(#[from] ProbeSetupError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("cannot read key log `{}`", path.display())]
    KeyLog { path: PathBuf, source: io::Error },
    #[error("cannot start {what}")]
    Start { what: &'static str, source: io::Error },
    #[error("`-` (standard input) is named more than once; it can be read only once")]
    StandardInputTwice,
    #[error("the output `{}` is one of the inputs; name another file", path.display())]
    OutputIsInput { path: PathBuf },
    #[error("`--report` needs a file: standard output is for `--format`")]
    ReportOnStandardOutput,
    #[error("`--report` and `--output` are both `{}`; name another file", path.display())]
    ReportIsOutput { path: PathBuf },
    #[error("--test fixed-sni needs --sni")]
    NoFixedSni,
    #[error("--path `{shown}` is not a path such as `/` or `/healthz?full=1`")]
    NotAPath { shown: String },
    #[error(
        "no address could be reached: {servers}; check address, port and firewall, or raise --timeout"
    )]
    AllUnreachable { servers: String },
    #[error(
        "no finding, verdict, cause or recovery has the name `{name}`; {}`wrongdoor explain` lists all names",
        if similar.is_empty() { String::new() } else { format!("similar: `{similar}`; ") }
    )]
    NothingToExplain { name: String, similar: String },
    #[error(transparent)]
    NothingAsked(#[from] NothingAsked),
}

/// No handshake of a probe came about.
#[derive(Debug, thiserror::Error)]
#[error("no request was sent because no TLS handshake succeeded ({why}): {}", self.remedy())]
pub(crate) struct NothingAsked {
    /// What was wrong with the handshakes, as in JSON.
    pub(crate) why: String,
}

impl Error {
    /// The exit status.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Open(_) | Self::KeyLog { .. } => INPUT,
            Self::Read(ReadError::Failed { .. }) => INPUT,
            Self::Read(_) => DATA,
            Self::Output(OutputError::WriterDied) => UNAVAILABLE,
            Self::Output(_) => OUTPUT,
            Self::Capture(error) if error.is_usage() => USAGE,
            Self::Capture(error) if error.is_privilege() => PRIVILEGE,
            Self::Capture(CaptureError::KeyLog { .. }) => INPUT,
            Self::Capture(CaptureError::Copy(_)) => OUTPUT,
            Self::Capture(_) | Self::Cluster(_) => UNAVAILABLE,
            Self::Probe(ProbeSetupError::ListUnreadable { .. }) => INPUT,
            Self::Probe(ProbeSetupError::UnknownHost { .. }) => UNAVAILABLE,
            Self::Probe(ProbeSetupError::Runtime(_)) => UNAVAILABLE,
            Self::Probe(_) => USAGE,
            Self::Trust(TrustError::Unreadable { .. }) => INPUT,
            Self::Trust(TrustError::Tls(_)) => UNAVAILABLE,
            Self::Trust(_) => USAGE,
            Self::Config(ConfigError::Unreadable { .. }) => INPUT,
            Self::Config(ConfigError::Traces(TracesError::Tls(_))) => UNAVAILABLE,
            Self::Config(_) => USAGE,
            Self::Service(error) if error.is_privilege() => PRIVILEGE,
            Self::Service(_) | Self::Start { .. } => UNAVAILABLE,
            Self::AllUnreachable { .. } | Self::NothingAsked(_) => UNAVAILABLE,
            Self::StandardInputTwice
            | Self::OutputIsInput { .. }
            | Self::ReportOnStandardOutput
            | Self::ReportIsOutput { .. }
            | Self::NoFixedSni
            | Self::NothingToExplain { .. }
            | Self::NotAPath { .. } => USAGE,
        }
    }

    /// The reader of the output has closed it, as `head` does: that is no error.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Output(error) => error.is_closed_pipe(),
            Self::Capture(CaptureError::Copy(error)) => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

impl From<LiveError> for Error {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Capture(error) => Self::Capture(error),
            LiveError::Output(error) => Self::Output(error),
        }
    }
}

impl NothingAsked {
    fn remedy(&self) -> &'static str {
        match self.why.as_str() {
            "certificate_required" => {
                "the server requires a client certificate, and probe has none"
            }
            why if why.starts_with("certificate_") => {
                "trust its issuer with --ca, or skip verification with --insecure"
            }
            _ => "see `error` in the output of --format json",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddr};

    #[test]
    fn the_exit_status_tells_whose_fault_it_is() {
        let io = |kind: io::ErrorKind| io::Error::from(kind);
        let (gone, refused) = (io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied);
        let path = || PathBuf::from("file");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let failed = |kind| OutputError::Failed { name: "`file`".to_owned(), source: io(kind) };
        let listen = |kind| ServiceError::Listen { address, source: io(kind) };
        let cases: [(Error, u8); 14] = [
            (failed(refused).into(), OUTPUT),
            (OutputError::Stalled.into(), OUTPUT),
            (OutputError::WriterDied.into(), UNAVAILABLE),
            (CaptureError::RingBytes.into(), USAGE),
            (CaptureError::KeyLog { path: path(), source: io(gone) }.into(), INPUT),
            (CaptureError::Copy(io(gone)).into(), OUTPUT),
            (LiveError::Output(OutputError::Stalled).into(), OUTPUT),
            (ConfigError::Unreadable { path: path(), source: io(gone) }.into(), INPUT),
            (ConfigError::HalfOfTls.into(), USAGE),
            (ConfigError::Unusable { path: path(), why: "gone".to_owned() }.into(), USAGE),
            (listen(io::ErrorKind::AddrInUse).into(), UNAVAILABLE),
            (listen(refused).into(), PRIVILEGE),
            (TrustError::NoRoots.into(), USAGE),
            (ProbeSetupError::Runtime(io(gone)).into(), UNAVAILABLE),
        ];
        for (error, expected) in cases {
            assert_eq!(error.exit_code(), expected, "{error}");
        }
        assert!(Error::from(failed(io::ErrorKind::BrokenPipe)).is_closed_pipe());
        assert!(!Error::from(failed(gone)).is_closed_pipe());
    }
}
