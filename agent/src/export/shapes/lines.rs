//! The shapes of the lines.

use super::super::{ConnectionNumber, Summary};
use super::place::{PeerPart, PodPart};
use crate::enrich::ClusterEnds;
use crate::text::{self, Clock, Time};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;
use wrongdoor_core::engine::ConnectionEnd;
use wrongdoor_core::explain::cause::Cause;
use wrongdoor_core::explain::classifier::{Classification, UpstreamHop};
use wrongdoor_core::explain::recovery::{Recovery, RecoveryReport};
use wrongdoor_core::http::Method;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::name::Host;
use wrongdoor_core::observation::probe_event::Process;
use wrongdoor_core::observation::{Decryption, Exchange, Facts, TransportKind};
use wrongdoor_core::seen::Seen;
use wrongdoor_core::side::Side;
use wrongdoor_core::wire::net::Endpoint;

/// The first fields of an exchange line.
#[derive(Serialize)]
pub(in crate::export) struct ConnectionPart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    connection: Text<ConnectionNumber>,
    client: Option<Text<Endpoint>>,
    server: Option<Text<Endpoint>>,
    client_declared: Option<Text<Endpoint>>,
    transport: &'static str,
    tls_version: Option<&'static str>,
    sni: Option<&'a str>,
    sni_state: &'static str,
    alpn: Option<&'a str>,
}

/// The fields that follow.
#[derive(Serialize)]
pub(in crate::export) struct ExchangePart<'a> {
    http_version: &'static str,
    stream: u64,
    method: Option<&'a str>,
    authority: Option<Text<&'a Host>>,
    authority_raw: Option<&'a str>,
    authority_state: &'static str,
    status: Option<u16>,
    verdict: &'static str,
    first_on_connection: Option<bool>,
    silent_misdirect: bool,
    generator: Option<&'static str>,
    cause: Option<CausePart<'a>>,
    relayed_from: Option<HopPart>,
    recovery: Option<RecoveryPart>,
    started: Time,
    responded: Option<Time>,
    source: &'static str,
    role: Option<&'static str>,
    process: Option<ProcessPart<'a>>,
    pod: Option<PodPart<'a>>,
    peer: Option<PeerPart<'a>>,
}

/// Why it was refused.
#[derive(Serialize)]
struct CausePart<'a> {
    id: &'static str,
    confidence: &'static str,
    evidence: Vec<String>,
    advice: &'a str,
}

/// The exchange that its response was handed on from.
#[derive(Serialize)]
struct HopPart {
    connection: Text<ConnectionNumber>,
    stream: u64,
    confidence: &'static str,
}

/// What became of it.
#[derive(Serialize)]
struct RecoveryPart {
    outcome: &'static str,
    connection: Option<Text<ConnectionNumber>>,
    status: Option<u16>,
    after_ms: Option<f64>,
    /// Connections that the client opened for the host in the meantime.
    handshakes: u32,
    /// Whether clients of its class ask again by themselves.
    retry_expected: Option<bool>,
}

/// The same, of an exchange whose line came before.
#[derive(Serialize)]
pub(in crate::export) struct RecoveryLine {
    #[serde(rename = "type")]
    kind: &'static str,
    connection: Text<ConnectionNumber>,
    stream: u64,
    outcome: &'static str,
    by_connection: Option<Text<ConnectionNumber>>,
    status: Option<u16>,
    after_ms: Option<f64>,
    handshakes: u32,
    retry_expected: Option<bool>,
}

/// Who used the connection at the end that it was seen at.
#[derive(Serialize)]
struct ProcessPart<'a> {
    pid: u32,
    command: &'a str,
    /// Only where it runs in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
}

#[derive(Serialize)]
pub(in crate::export) struct ConnectionLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    connection: Text<ConnectionNumber>,
    client: Option<Text<Endpoint>>,
    server: Option<Text<Endpoint>>,
    client_declared: Option<Text<Endpoint>>,
    transport: &'static str,
    tls_version: Option<&'static str>,
    sni: Option<&'a str>,
    sni_state: &'static str,
    alpn: Option<&'a str>,
    certificate_names: Option<Vec<String>>,
    decryption: &'static str,
    opened: Option<Time>,
    closed: Option<Time>,
    trace_id: String,
    role: Option<&'static str>,
    authorities: &'a [String],
    exchanges: u64,
    misdirected: u64,
    gaps: u64,
}

#[derive(Serialize)]
pub(in crate::export) struct CaptureSummaryLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    packets: u64,
    bytes: u64,
    connections: u64,
    exchanges: u64,
    misdirected: u64,
    mismatched: u64,
    unreadable: u64,
    lost: u64,
    decode_errors: &'a BTreeMap<String, u64>,
}

impl<'a> ConnectionPart<'a> {
    pub(in crate::export) fn new(number: ConnectionNumber, facts: &'a Facts) -> Self {
        Self {
            kind: "exchange",
            connection: Text(number),
            client: facts.client().map(Text),
            server: facts.server().map(Text),
            client_declared: facts.client_declared.map(Text),
            transport: transport(facts.transport),
            tls_version: tls_version(facts),
            sni: facts.sni().name(),
            sni_state: facts.sni().state(),
            alpn: alpn(facts),
        }
    }
}

impl<'a> ExchangePart<'a> {
    pub(in crate::export) fn new(
        exchange: &'a Exchange,
        classification: &'a Classification,
        place: &'a ClusterEnds,
        clock: &mut Clock,
    ) -> Self {
        let authority = &exchange.authority;
        let facts: &Facts = &exchange.connection;
        Self {
            http_version: exchange.version.as_str(),
            stream: exchange.stream,
            method: exchange.method.as_ref().known().map(Method::as_str),
            authority: exchange.host().map(Text),
            authority_raw: authority.raw.as_ref().known().map(|raw| &**raw),
            authority_state: match authority.raw {
                Seen::Known(_) => "known",
                Seen::Absent => "absent",
                Seen::Unreadable => "unreadable",
            },
            status: exchange.status(),
            verdict: classification.verdict.as_str(),
            first_on_connection: exchange.first,
            silent_misdirect: classification.silent_misdirect,
            generator: classification.generator.map(Generator::as_str),
            cause: classification.cause.as_deref().map(CausePart::new),
            relayed_from: classification.relayed_from.as_ref().map(HopPart::new),
            recovery: classification.recovery.as_ref().map(RecoveryPart::new),
            started: clock.time(exchange.started),
            responded: exchange.responded().map(|at| clock.time(at)),
            source: facts.source.as_str(),
            role: role(facts),
            process: facts.observer.process.as_deref().map(ProcessPart::new),
            pod: place.pod.as_deref().map(PodPart::new),
            peer: place.peer.as_ref().map(PeerPart::new),
        }
    }
}

impl<'a> CausePart<'a> {
    fn new(cause: &'a Cause) -> Self {
        let Cause { id, confidence, evidence, advice } = cause;
        Self {
            id: id.as_str(),
            confidence: confidence.as_str(),
            evidence: text::evidence(evidence),
            advice,
        }
    }
}

impl HopPart {
    fn new(back: &UpstreamHop) -> Self {
        let connection = Text(ConnectionNumber(back.connection));
        Self { connection, stream: back.stream, confidence: back.confidence.as_str() }
    }
}

impl RecoveryPart {
    fn new(recovery: &Recovery) -> Self {
        Self {
            outcome: recovery.outcome.as_str(),
            connection: recovery.connection.map(|number| Text(ConnectionNumber(number))),
            status: recovery.status,
            after_ms: recovery.after.map(milliseconds),
            handshakes: recovery.handshakes,
            retry_expected: recovery.is_expected,
        }
    }
}

impl RecoveryLine {
    pub(in crate::export) fn new(number: ConnectionNumber, judged: &RecoveryReport) -> Self {
        let part = RecoveryPart::new(&judged.recovery);
        Self {
            kind: "recovery",
            connection: Text(number),
            stream: judged.stream,
            outcome: part.outcome,
            by_connection: part.connection,
            status: part.status,
            after_ms: part.after_ms,
            handshakes: part.handshakes,
            retry_expected: part.retry_expected,
        }
    }
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

impl<'a> ProcessPart<'a> {
    fn new(process: &'a Process) -> Self {
        let container = process.container.as_deref();
        Self { pid: process.pid, command: &process.command, container }
    }
}

impl<'a> ConnectionLine<'a> {
    pub(in crate::export) fn new(
        number: ConnectionNumber,
        connection: &'a ConnectionEnd,
        clock: &mut Clock,
    ) -> Self {
        let facts: &Facts = &connection.facts;
        let certificate = facts.tls.as_ref().and_then(|tls| tls.certificate.as_ref());
        Self {
            kind: "connection",
            connection: Text(number),
            client: facts.client().map(Text),
            server: facts.server().map(Text),
            client_declared: facts.client_declared.map(Text),
            transport: transport(facts.transport),
            tls_version: tls_version(facts),
            sni: facts.sni().name(),
            sni_state: facts.sni().state(),
            alpn: alpn(facts),
            certificate_names: certificate.map(|names| names.iter().collect()),
            decryption: match facts.decryption {
                Decryption::None => "none",
                Decryption::KeyLog => "keylog",
                Decryption::Library => "library",
                Decryption::NotNeeded => "not_needed",
            },
            opened: facts.opened.map(|at| clock.time(at)),
            closed: connection.closed.map(|at| clock.time(at)),
            trace_id: facts.trace_id().iter().map(|byte| format!("{byte:02x}")).collect(),
            role: role(facts),
            authorities: &connection.authorities,
            exchanges: connection.exchanges,
            misdirected: connection.misdirected,
            gaps: connection.gaps,
        }
    }
}

impl<'a> CaptureSummaryLine<'a> {
    pub(in crate::export) fn new(summary: &'a Summary) -> Self {
        Self {
            kind: "summary",
            packets: summary.packets,
            bytes: summary.bytes,
            connections: summary.connections,
            exchanges: summary.exchanges,
            misdirected: summary.misdirected,
            mismatched: summary.mismatched,
            unreadable: summary.unreadable,
            lost: summary.lost,
            decode_errors: &summary.decode_errors,
        }
    }
}

fn transport(kind: TransportKind) -> &'static str {
    match kind {
        TransportKind::Tcp => "tcp",
        TransportKind::Quic => "quic",
    }
}

fn role(facts: &Facts) -> Option<&'static str> {
    facts.observer.role.map(|role| match role {
        Side::Client => "client",
        Side::Server => "server",
    })
}

fn tls_version(facts: &Facts) -> Option<&'static str> {
    facts.tls.as_ref()?.version?.name()
}

fn alpn(facts: &Facts) -> Option<&str> {
    facts.tls.as_ref()?.alpn.as_deref()
}

/// Serialises as its text.
struct Text<T>(T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
