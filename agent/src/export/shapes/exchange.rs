//! The line of an exchange: one request and its response.

use super::SCHEMA_VERSION;
use super::field::{
    Text, alpn, any_of, certificate_source, names, or_null, resumed, role, tls_version, transport,
};
use super::place::{PeerPart, PodPart};
use super::recovery::RecoveryPart;
use crate::enrich::ClusterEnds;
use crate::export::ConnectionNumber;
use crate::text::{self, Clock, Time};
use schemars::JsonSchema;
use serde::Serialize;
use wrongdoor_core::explain::cause::{Cause, CauseId};
use wrongdoor_core::explain::classifier::{Classification, UpstreamHop};
use wrongdoor_core::http::Method;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::name::{Host, Sni};
use wrongdoor_core::observation::probe_event::Process;
use wrongdoor_core::observation::verdict::Verdict;
use wrongdoor_core::observation::{CertificateSource, Exchange, Facts};
use wrongdoor_core::seen::Seen;
use wrongdoor_core::wire::net::Endpoint;

/// One request and its response, and whether the request belonged on its connection.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the line is written in two parts; this is its schema")]
pub(super) struct ExchangeLine<'a> {
    #[schemars(flatten)]
    connection: ConnectionPart<'a>,
    #[schemars(flatten)]
    exchange: ExchangePart<'a>,
}

/// The first fields of an exchange line.
#[derive(Serialize, JsonSchema)]
pub(in crate::export) struct ConnectionPart<'a> {
    /// The type of the line.
    #[serde(rename = "type")]
    #[schemars(extend("const" = "exchange"))]
    kind: &'static str,
    /// The version of the schema of the lines. It grows with changes that break programs, and not with new fields.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    schema: u8,
    /// The connection's number in this run.
    #[schemars(extend("pattern" = "^c[0-9]+$"))]
    connection: Text<ConnectionNumber>,
    /// Address and port of the client's end. Null if a probe could not join the TLS session with its socket.
    client: Option<Text<Endpoint>>,
    /// Address and port of the server's end. Null as for `client`.
    server: Option<Text<Endpoint>>,
    /// Address and port of the client as a PROXY protocol header names it. Null without such a header.
    client_declared: Option<Text<Endpoint>>,
    /// The transport protocol.
    #[schemars(extend("enum" = ["tcp", "quic"]))]
    transport: &'static str,
    /// The negotiated TLS version. Null on cleartext, and if the ServerHello was not seen.
    #[schemars(example = &"1.3")]
    tls_version: Option<&'static str>,
    /// The server name that the ClientHello asked for (SNI), in lower case. Null if there is no visible name: see
    /// `sni_state`.
    #[schemars(example = &"a.example")]
    sni: Option<&'a str>,
    /// Whether there is a name: `name`; no SNI was sent, or there is no TLS (`absent`); Encrypted ClientHello
    /// (`encrypted`); or the ClientHello was not seen (`unseen`).
    #[schemars(extend("enum" = Sni::STATES))]
    sni_state: &'static str,
    /// The protocol that ALPN negotiated. Null if none was, or if it was not seen.
    #[schemars(example = &"h2")]
    alpn: Option<&'a str>,
    /// Whether the handshake resumed an earlier session, in which the server sends no certificate. Null on cleartext, and if
    /// the handshake did not show it.
    resumed: Option<bool>,
    /// How the certificate of the server is known: from the `handshake`; or `presumed`, because a resumed handshake has none,
    /// from an earlier handshake of the same program for the same server name at the same server. Null if it is not known.
    #[schemars(extend("enum" = any_of(CertificateSource::NAMES)))]
    certificate_source: Option<&'static str>,
}

/// The fields that follow.
#[derive(Serialize, JsonSchema)]
pub(in crate::export) struct ExchangePart<'a> {
    /// The HTTP version of the request.
    #[schemars(example = &"2")]
    http_version: &'static str,
    /// HTTP/2: the stream identifier. HTTP/1: 1 for the first request on the connection, 2 for the second, and so on.
    stream: u64,
    /// The request's method. Unknown methods are `_OTHER`. Null if it could not be read.
    #[schemars(example = &"GET")]
    method: Option<&'a str>,
    /// The host that the request asks for (`:authority`, the request target or `Host`), normalised and without its
    /// port. Null if there is none, if it is no host, or if it could not be read.
    authority: Option<Text<&'a Host>>,
    /// The authority as it was sent; userinfo is masked. Null if there is none, or if it could not be read.
    authority_raw: Option<&'a str>,
    /// Whether the authority is known, absent from the request, or could not be read.
    #[schemars(extend("enum" = ["known", "absent", "unreadable"]))]
    authority_state: &'static str,
    /// The status code of the final response. Null if there was no response, or if it was not seen.
    status: Option<u16>,
    /// Whether the request belonged on its connection. `wrongdoor explain` lists the verdicts.
    #[schemars(extend("enum" = names(Verdict::ALL, Verdict::as_str)))]
    verdict: &'static str,
    /// Whether this is the first request on the connection. Null if the connection's beginning was not seen.
    first_on_connection: Option<bool>,
    /// SNI and authority differ, the server answered with success, and it was never seen to serve the authority on a
    /// connection for it.
    silent_misdirect: bool,
    /// The software that generated the refusal. Null if the request was not refused.
    #[schemars(extend("enum" = or_null(names(Generator::ALL, Generator::as_str))))]
    generator: Option<&'static str>,
    /// Why the server refused the request. Null if it did not.
    cause: Option<CausePart<'a>>,
    /// The exchange behind a proxy from which the proxy relayed the response. Null if no such exchange was seen.
    relayed_from: Option<HopPart>,
    /// What the client did after a 421. Null for other responses, and as long as it is not known: a `recovery` line
    /// follows then.
    recovery: Option<RecoveryPart>,
    /// When the head of the request was complete.
    started: Time,
    /// When the head of the final response was complete. Null without a response.
    responded: Option<Time>,
    /// Where the exchange was observed: in a capture file, in packets, or by eBPF probes.
    #[schemars(extend("enum" = ["file", "packets", "ebpf"]))]
    source: &'static str,
    /// The end of the connection at which a probe observed it. Null for packets and capture files.
    #[schemars(extend("enum" = any_of(["client", "server"])))]
    role: Option<&'static str>,
    /// The process at that end. Null as for `role`.
    process: Option<ProcessPart<'a>>,
    /// The pod of that process. Null outside of pods, and without Kubernetes.
    pod: Option<PodPart<'a>>,
    /// The pod or service at the other end. Null if it is not known.
    peer: Option<PeerPart<'a>>,
}

/// Why a request was refused, and what to change.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct CausePart<'a> {
    /// The cause. `wrongdoor explain` lists the causes.
    #[schemars(extend("enum" = names(CauseId::ALL, CauseId::as_str)))]
    id: &'static str,
    /// How far the evidence carries: nothing else fits what was seen (`high`), this is the likeliest (`medium`), or a
    /// hint (`low`).
    #[schemars(extend("enum" = ["high", "medium", "low"]))]
    confidence: &'static str,
    /// What was seen of this traffic, one sentence for each fact.
    evidence: Vec<String>,
    /// What to change.
    advice: &'a str,
}

/// The exchange behind a proxy.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct HopPart {
    /// The number of its connection.
    #[schemars(extend("pattern" = "^c[0-9]+$"))]
    connection: Text<ConnectionNumber>,
    /// Its `stream`.
    stream: u64,
    /// How sure it is that this exchange is the one.
    #[schemars(extend("enum" = ["high", "medium", "low"]))]
    confidence: &'static str,
}

/// A process.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct ProcessPart<'a> {
    /// Its number in the host's PID namespace.
    pid: u32,
    /// Its name, at most 15 bytes (`/proc/PID/comm`).
    command: &'a str,
    /// The identifier of its container. Left out if it runs in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
}

impl<'a> ConnectionPart<'a> {
    pub(in crate::export) fn new(number: ConnectionNumber, facts: &'a Facts) -> Self {
        Self {
            kind: "exchange",
            schema: SCHEMA_VERSION,
            connection: Text(number),
            client: facts.client().map(Text),
            server: facts.server().map(Text),
            client_declared: facts.client_declared.map(Text),
            transport: transport(facts.transport),
            tls_version: tls_version(facts),
            sni: facts.sni().name(),
            sni_state: facts.sni().state(),
            alpn: alpn(facts),
            resumed: resumed(facts),
            certificate_source: certificate_source(facts),
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

impl<'a> ProcessPart<'a> {
    fn new(process: &'a Process) -> Self {
        let container = process.container.as_deref();
        Self { pid: process.pid, command: &process.command, container }
    }
}
