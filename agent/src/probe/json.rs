//! The report as JSON lines. The shapes are a contract, and apart from the values.

use super::hazard::Hazard;
use super::outcome::ProbeResult;
use super::parity::{About, Disagreement, ParitySide};
use super::report::ProbeReport;
use crate::text::json_line;
use serde::Serialize;

/// All lines: servers, probes, hazards, disagreements, the summary.
pub(crate) fn lines(report: &ProbeReport<'_>) -> impl Iterator<Item = Vec<u8>> {
    let servers = report.results.servers.iter().map(|(server, probe_error)| {
        json_line(&ServerLine {
            kind: "server",
            server: server.to_string(),
            outcome: probe_error.as_ref().map_or("connected", |probe_error| &probe_error.kind),
            error: probe_error.as_ref().map(|probe_error| probe_error.detail.as_str()),
        })
    });
    let probes = report.results.found.iter().map(|found| json_line(&ProbeLine::new(found)));
    let hazards = report.hazards.iter().map(|hazard| json_line(&HazardLine::new(hazard)));
    let disagreements =
        report.disagreements.iter().map(|found| json_line(&DisagreementLine::new(found)));
    let counts = report.counts();
    let summary = json_line(&SummaryLine {
        kind: "summary",
        servers: report.results.servers.len(),
        unreachable: counts.unreachable,
        probes: report.results.found.len(),
        unanswered: counts.unanswered,
        misdirected: counts.misdirected,
        hazards: report.hazards.len(),
        disagreements: report.disagreements.len(),
    });
    servers.chain(probes).chain(hazards).chain(disagreements).chain([summary])
}

#[derive(Serialize)]
struct ServerLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    server: String,
    outcome: &'a str,
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct ProbeLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    test: &'static str,
    server: String,
    protocol: &'static str,
    sni: Option<&'a str>,
    first_authority: Option<&'a str>,
    authority: String,
    authority_raw: &'a str,
    tls_version: Option<&'static str>,
    alpn: Option<&'a str>,
    http_version: Option<&'static str>,
    first_status: Option<u16>,
    status: Option<u16>,
    outcome: &'a str,
    error: Option<&'a str>,
    certificate_names: Option<Vec<String>>,
    certificate_covers: Option<bool>,
    verification: Option<&'static str>,
}

#[derive(Serialize)]
struct HazardLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    hazard: &'static str,
    server: String,
    sni: Option<&'a str>,
    first_authority: Option<&'a str>,
    authority: &'a str,
    certificate_names: Option<Vec<String>>,
    status: Option<u16>,
    outcome: &'a str,
    own_status: Option<u16>,
    own_outcome: &'a str,
    advice: &'static str,
}

#[derive(Serialize)]
struct DisagreementLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    about: &'static str,
    test: Option<&'static str>,
    protocol: Option<&'static str>,
    sni: Option<&'a str>,
    first_authority: Option<&'a str>,
    authority: Option<&'a str>,
    sides: Vec<SidePart<'a>>,
}

#[derive(Serialize)]
struct SidePart<'a> {
    outcome: &'a str,
    status_class: Option<u16>,
    certificate_names: Option<&'a [String]>,
    verification: Option<&'static str>,
    servers: Vec<String>,
}

#[derive(Serialize)]
struct SummaryLine {
    #[serde(rename = "type")]
    kind: &'static str,
    servers: usize,
    unreachable: usize,
    probes: usize,
    unanswered: usize,
    misdirected: usize,
    hazards: usize,
    disagreements: usize,
}

// === impl ProbeLine ===

impl<'a> ProbeLine<'a> {
    fn new(found: &'a ProbeResult) -> Self {
        let (probe, handshake) = (&found.probe, &found.handshake);
        Self {
            kind: "probe",
            test: probe.test.as_str(),
            server: found.server.to_string(),
            protocol: probe.protocol.alpn(),
            sni: probe.sni.as_deref(),
            first_authority: probe.first.as_ref().map(|name| name.raw.as_str()),
            authority: probe.authority.host.to_string(),
            authority_raw: &probe.authority.raw,
            tls_version: handshake.version,
            alpn: handshake.alpn.as_deref(),
            http_version: found.answer().map(|answer| answer.version),
            first_status: found.first.as_ref().map(|answer| answer.status),
            status: found.status(),
            outcome: found.outcome(),
            error: found.probe_error().map(|probe_error| probe_error.detail.as_str()),
            certificate_names: handshake.names(),
            certificate_covers: found.covers(),
            verification: handshake.verification.map(|verification| verification.as_str()),
        }
    }
}

// === impl HazardLine ===

impl<'a> HazardLine<'a> {
    fn new(hazard: &Hazard<'a>) -> Self {
        let probe = &hazard.reused.probe;
        Self {
            kind: "hazard",
            hazard: hazard.kind.as_str(),
            server: hazard.reused.server.to_string(),
            sni: probe.sni.as_deref(),
            first_authority: probe.first.as_ref().map(|name| name.raw.as_str()),
            authority: &probe.authority.raw,
            certificate_names: hazard.reused.handshake.names(),
            status: hazard.reused.status(),
            outcome: hazard.reused.outcome(),
            own_status: hazard.own.status(),
            own_outcome: hazard.own.outcome(),
            advice: hazard.kind.advice(),
        }
    }
}

// === impl DisagreementLine ===

impl<'a> DisagreementLine<'a> {
    fn new(found: &'a Disagreement) -> Self {
        let (protocol, sni, probe) = match &found.about {
            About::Reachability => (None, None, None),
            About::Handshake { protocol, sni } => (Some(*protocol), sni.as_deref(), None),
            About::Answer(probe) => (Some(probe.protocol), probe.sni.as_deref(), Some(probe)),
        };
        let first = probe.and_then(|probe| probe.first.as_ref());
        Self {
            kind: "disagreement",
            about: found.about.as_str(),
            test: probe.map(|probe| probe.test.as_str()),
            protocol: protocol.map(|protocol| protocol.alpn()),
            sni,
            first_authority: first.map(|name| name.raw.as_str()),
            authority: probe.map(|probe| probe.authority.raw.as_str()),
            sides: found.sides.iter().map(|(side, servers)| SidePart::new(side, servers)).collect(),
        }
    }
}

// === impl SidePart ===

impl<'a> SidePart<'a> {
    fn new(side: &'a ParitySide, servers: &[std::net::SocketAddr]) -> Self {
        Self {
            outcome: &side.outcome,
            status_class: side.class,
            certificate_names: side.names.as_deref(),
            verification: side.verification.map(|verification| verification.as_str()),
            servers: servers.iter().map(ToString::to_string).collect(),
        }
    }
}
