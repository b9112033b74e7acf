//! JSON lines: one object a line, for programs.
//!
//! The shapes are a contract. They are apart from the core's types, so that neither changes with the other.

use super::{ConnectionNumber, Output, Record, Sink, Summary};
use crate::failure::Failure;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::net::SocketAddr;
use wrongdoor_core::connection::{Decryption, Facts, TransportKind};
use wrongdoor_core::engine::ConnectionEnd;
use wrongdoor_core::exchange::{Exchange, Method};
use wrongdoor_core::judge::Ruling;
use wrongdoor_core::name::Host;
use wrongdoor_core::net::Endpoint;
use wrongdoor_core::seen::Seen;
use wrongdoor_core::time::Timestamp;

/// Writes records as JSON lines.
pub(crate) struct JsonLines {
    output: Output,
    line: Vec<u8>,
}

impl JsonLines {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, line: Vec::new() }
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        self.line.clear();
        // Writing to memory fails only for maps with keys that are no text, which there are none of.
        if serde_json::to_writer(&mut self.line, line).is_ok() {
            self.line.push(b'\n');
            self.output.write(&self.line)?;
        }
        Ok(())
    }
}

impl Sink for JsonLines {
    fn record(&mut self, record: &Record) -> Result<(), Failure> {
        match record {
            Record::Exchange { number, exchange, ruling } => {
                self.write(&ExchangeLine::new(*number, exchange, *ruling))
            }
            Record::Connection { number, connection } => {
                self.write(&ConnectionLine::new(*number, connection))
            }
        }
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), Failure> {
        self.write(&SummaryLine {
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
        })?;
        self.output.flush()
    }
}

/// What a capture file cannot tell, or nothing tells yet: `null`, as the contract has it.
type Unknown = Option<()>;

#[derive(Serialize)]
struct ExchangeLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    connection: Text<ConnectionNumber>,
    client: Text<Endpoint>,
    server: Text<Endpoint>,
    client_declared: Option<Text<SocketAddr>>,
    transport: &'static str,
    tls_version: Option<&'static str>,
    sni: Option<&'a str>,
    sni_state: &'static str,
    alpn: Option<&'a str>,
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
    generator: Unknown,
    cause: Unknown,
    recovery: Unknown,
    started: Text<Time>,
    responded: Option<Text<Time>>,
    source: &'static str,
    role: Unknown,
    process: Unknown,
    pod: Unknown,
}

#[derive(Serialize)]
struct ConnectionLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    connection: Text<ConnectionNumber>,
    client: Text<Endpoint>,
    server: Text<Endpoint>,
    client_declared: Option<Text<SocketAddr>>,
    transport: &'static str,
    tls_version: Option<&'static str>,
    sni: Option<&'a str>,
    sni_state: &'static str,
    alpn: Option<&'a str>,
    certificate_names: Option<Vec<String>>,
    decryption: &'static str,
    opened: Option<Text<Time>>,
    closed: Option<Text<Time>>,
    trace_id: String,
    role: Unknown,
    authorities: &'a [String],
    exchanges: u64,
    misdirected: u64,
    gaps: u64,
}

#[derive(Serialize)]
struct SummaryLine<'a> {
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

impl<'a> ExchangeLine<'a> {
    fn new(number: ConnectionNumber, exchange: &'a Exchange, ruling: Ruling) -> Self {
        let facts: &Facts = &exchange.connection;
        let authority = &exchange.authority;
        Self {
            kind: "exchange",
            connection: Text(number),
            client: Text(facts.client),
            server: Text(facts.server),
            client_declared: facts.client_declared.map(Text),
            transport: transport(facts.transport),
            tls_version: tls_version(facts),
            sni: facts.sni().name(),
            sni_state: facts.sni().state(),
            alpn: alpn(facts),
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
            status: exchange.status,
            verdict: ruling.verdict.as_str(),
            first_on_connection: exchange.first,
            silent_misdirect: ruling.silent_misdirect,
            generator: None,
            cause: None,
            recovery: None,
            started: Text(Time(exchange.started)),
            responded: exchange.responded.map(Time).map(Text),
            source: "file",
            role: None,
            process: None,
            pod: None,
        }
    }
}

impl<'a> ConnectionLine<'a> {
    fn new(number: ConnectionNumber, connection: &'a ConnectionEnd) -> Self {
        let facts: &Facts = &connection.facts;
        let certificate = facts.tls.as_ref().and_then(|tls| tls.certificate.as_ref());
        Self {
            kind: "connection",
            connection: Text(number),
            client: Text(facts.client),
            server: Text(facts.server),
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
                Decryption::NotNeeded => "not_needed",
            },
            opened: facts.opened.map(Time).map(Text),
            closed: connection.closed.map(Time).map(Text),
            trace_id: facts.trace_id().iter().map(|byte| format!("{byte:02x}")).collect(),
            role: None,
            authorities: &connection.authorities,
            exchanges: connection.exchanges,
            misdirected: connection.misdirected,
            gaps: connection.gaps,
        }
    }
}

fn transport(kind: TransportKind) -> &'static str {
    match kind {
        TransportKind::Tcp => "tcp",
        TransportKind::Quic => "quic",
    }
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

/// A time in RFC 3339, UTC, with nanoseconds.
struct Time(Timestamp);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every 64-bit count of nanoseconds is within jiff's range of years.
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.0.0)).unwrap_or_default();
        write!(f, "{time:.9}")
    }
}
