//! What came of a probe.

use super::plan::PlannedProbe;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use wrongdoor_core::name::{CertificateNames, Coverage, Host};

/// One probe, at one server.
#[derive(Clone, Debug)]
pub(crate) struct ProbeResult {
    /// Where.
    pub(crate) server: SocketAddr,
    /// What was asked.
    pub(crate) probe: Arc<PlannedProbe>,
    /// What the handshake showed, as far as it went.
    pub(crate) handshake: HandshakeResult,
    /// The answer to the request before, where there was one.
    pub(crate) first: Option<ProbeAnswer>,
    /// How it ended.
    pub(crate) end: ProbeEnd,
}

/// What a handshake showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HandshakeResult {
    /// `1.2`, `1.3`.
    pub(crate) version: Option<&'static str>,
    /// What was negotiated by ALPN.
    pub(crate) alpn: Option<String>,
    /// The names in the certificate, if one came that can be read.
    pub(crate) certificate: Option<Arc<CertificateNames>>,
    /// What came of checking it, if one came.
    pub(crate) verification: Option<Verification>,
}

/// What came of checking a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verification {
    /// By an authority that is trusted, of this time, for this name.
    Valid,
    /// Nobody asked.
    Skipped,
    /// Nobody who is trusted has issued it.
    UnknownIssuer,
    /// It is for other names.
    NameMismatch,
    /// Whoever issued it has the name of an authority that is trusted, and another key.
    BadSignature,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It was taken back.
    Revoked,
    /// Something else is wrong with it.
    Invalid,
}

/// How a probe ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProbeEnd {
    /// With an answer.
    Answered(ProbeAnswer),
    /// Without one.
    Failed(ProbeError),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProbeAnswer {
    /// Its status.
    pub(crate) status: u16,
    /// `1.0`, `1.1`, `2`.
    pub(crate) version: &'static str,
    /// By what one answer is told from another; none where there is nothing to tell by.
    pub(crate) fingerprint: Option<u64>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProbeError {
    /// How far it came.
    pub(crate) stage: ProbeStage,
    /// What happened, in snake case.
    pub(crate) kind: Cow<'static, str>,
    /// What the library or the operating system said.
    pub(crate) detail: String,
}

/// How far a probe came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ProbeStage {
    /// There was no connection.
    Connect,
    /// TLS or ALPN did not come about.
    Handshake,
    /// The connection was not for a second request: no fault of that one.
    Reuse,
    /// The request got no answer.
    Request,
}

impl ProbeResult {
    /// `served`, `misdirected`, `rejected`, `failed`, or why there is no answer.
    pub(crate) fn outcome(&self) -> &str {
        match &self.end {
            ProbeEnd::Answered(answer) => answer.outcome(),
            ProbeEnd::Failed(probe_error) => &probe_error.kind,
        }
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> Option<u16> {
        self.answer().map(|answer| answer.status)
    }

    /// The answer.
    pub(crate) fn answer(&self) -> Option<&ProbeAnswer> {
        match &self.end {
            ProbeEnd::Answered(answer) => Some(answer),
            ProbeEnd::Failed(_) => None,
        }
    }

    /// Why there is none.
    pub(crate) fn probe_error(&self) -> Option<&ProbeError> {
        match &self.end {
            ProbeEnd::Answered(_) => None,
            ProbeEnd::Failed(probe_error) => Some(probe_error),
        }
    }

    /// Whether a connection came about on which something could be asked.
    pub(crate) fn is_connected(&self) -> bool {
        self.probe_error().is_none_or(|probe_error| probe_error.stage > ProbeStage::Handshake)
    }

    /// It was answered with 421.
    pub(crate) fn is_misdirected(&self) -> bool {
        self.status() == Some(MISDIRECTED)
    }

    /// Whether the certificate of the connection speaks for what was asked for.
    pub(crate) fn covers(&self) -> Option<bool> {
        self.handshake.covers(&self.probe.authority.host)
    }
}

const MISDIRECTED: u16 = 421;

impl HandshakeResult {
    /// Whether its certificate speaks for `host`; none where that is not known.
    pub(crate) fn covers(&self, host: &Host) -> Option<bool> {
        match self.certificate.as_ref()?.covers(host) {
            Coverage::Covered => Some(true),
            Coverage::Uncovered => Some(false),
            Coverage::Unknown => None,
        }
    }

    /// The names in its certificate, sorted: their order means nothing.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        let mut names: Vec<_> = self.certificate.as_ref()?.iter().collect();
        names.sort();
        Some(names)
    }
}

impl ProbeAnswer {
    /// The same words as in the metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self.status {
            MISDIRECTED => "misdirected",
            400..500 => "rejected",
            500.. => "failed",
            _ => "served",
        }
    }
}

impl Verification {
    /// As it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Skipped => "skipped",
            Self::UnknownIssuer => "certificate_unknown_issuer",
            Self::NameMismatch => "certificate_name_mismatch",
            Self::BadSignature => "certificate_bad_signature",
            Self::Expired => "certificate_expired",
            Self::NotYetValid => "certificate_not_yet_valid",
            Self::Revoked => "certificate_revoked",
            Self::Invalid => "certificate_invalid",
        }
    }
}

impl ProbeError {
    pub(crate) fn new(
        stage: ProbeStage,
        kind: impl Into<Cow<'static, str>>,
        detail: impl ToString,
    ) -> Self {
        Self { stage, kind: kind.into(), detail: detail.to_string() }
    }
}
