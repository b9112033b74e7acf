//! What the engine tells about frames, in a form that can be compared: everything but times.

use std::net::SocketAddr;
use std::sync::Arc;

use wrongdoor_core::counters::Counters;
use wrongdoor_core::engine::{ConnectionEnd, Engine, EngineConfig, Event};
use wrongdoor_core::explain::classifier::{Classification, Classifier};
use wrongdoor_core::http::Method;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::observation::{Decryption, Exchange, Facts};
use wrongdoor_core::seen::Seen;
use wrongdoor_core::side::Side;
use wrongdoor_core::wire::net::Endpoint;
use wrongdoor_core::wire::tls::keylog::KeyLog;

use super::Frame;

/// Everything that was told.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Exchanges, in the order told.
    pub exchanges: Vec<Told>,
    /// Connections, in the order told.
    pub connections: Vec<ToldConnection>,
    /// How often an endpoint was seen to serve a name.
    pub served: u64,
    /// What was counted.
    pub counters: Counters,
    /// The most bytes that were held after any packet.
    pub peak_held: usize,
    /// The most connections that were followed after any packet.
    pub peak_connections: usize,
}

/// An exchange, without times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the fields of an `exchange` line, under the same names")]
pub struct Told {
    pub client: Option<SocketAddr>,
    pub server: Option<SocketAddr>,
    pub stream: u64,
    pub client_declared: Option<SocketAddr>,
    pub tls_version: Option<&'static str>,
    pub sni: Option<String>,
    pub sni_state: &'static str,
    pub alpn: Option<String>,
    pub http_version: &'static str,
    pub method: Option<String>,
    pub authority: Option<String>,
    pub authority_raw: Option<String>,
    pub authority_state: &'static str,
    pub status: Option<u16>,
    pub verdict: &'static str,
    pub first_on_connection: Option<bool>,
    pub silent_misdirect: bool,
    /// Who made the response, where it refuses.
    pub generator: Option<&'static str>,
    /// Why it was refused.
    pub cause: Option<&'static str>,
    pub responded: bool,
}

/// A connection, without times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the fields of a `connection` line, under the same names")]
pub struct ToldConnection {
    pub client: Option<SocketAddr>,
    pub server: Option<SocketAddr>,
    pub client_declared: Option<SocketAddr>,
    pub tls_version: Option<&'static str>,
    pub sni: Option<String>,
    pub sni_state: &'static str,
    pub alpn: Option<String>,
    pub alpn_offered: Option<Vec<String>>,
    /// Who sent it, and its number.
    pub alert: Option<(Side, u8)>,
    pub certificate_names: Option<Vec<String>>,
    pub decryption: &'static str,
    pub opened: bool,
    pub closed: bool,
    pub authorities: Vec<String>,
    pub exchanges: u64,
    pub misdirected: u64,
    pub gaps: u64,
    pub role: Option<&'static str>,
    pub visibility: &'static str,
}

/// What the engine tells of `frames`, with the secrets of a key log's text.
pub fn observe(frames: &[Frame], keys: &[u8]) -> Found {
    let mut log = KeyLog::default();
    log.add(keys);
    observe_with(EngineConfig::default(), &Arc::new(log), frames)
}

/// The same with other bounds.
pub fn observe_with<'a>(
    config: EngineConfig,
    keys: &Arc<KeyLog>,
    frames: impl IntoIterator<Item = &'a Frame>,
) -> Found {
    let mut engine = Engine::new(config, Arc::clone(keys));
    let mut found = Found::default();
    for (number, frame) in (1..).zip(frames) {
        engine.handle_packet(number, frame.at, frame.link, &frame.bytes, frame.wire_len);
        found.peak_held = found.peak_held.max(engine.held_bytes());
        found.peak_connections = found.peak_connections.max(engine.connections());
    }
    engine.finish();
    found.hear(&mut engine);
    found
}

// ===== impl Found =====

impl Found {
    /// The exchanges, by connection and stream.
    pub fn sorted(&self) -> Vec<Told> {
        let mut exchanges = self.exchanges.clone();
        exchanges.sort();
        exchanges
    }

    /// The connections, by endpoints.
    pub fn sorted_connections(&self) -> Vec<ToldConnection> {
        let mut connections = self.connections.clone();
        connections.sort();
        connections
    }

    /// The only exchange.
    ///
    /// # Panics
    ///
    /// Where there is none, or more.
    #[track_caller]
    pub fn only(&self) -> &Told {
        match self.exchanges.as_slice() {
            [told] => told,
            all => panic!("one exchange expected: {all:#?}\n{:?}", self.counters),
        }
    }

    /// The only connection.
    ///
    /// # Panics
    ///
    /// Where there is none, or more.
    #[track_caller]
    pub fn connection(&self) -> &ToldConnection {
        match self.connections.as_slice() {
            [connection] => connection,
            all => panic!("one connection expected: {all:#?}\n{:?}", self.counters),
        }
    }

    /// How often this could not be decoded.
    pub fn errors(&self, protocol: &str, kind: &str) -> u64 {
        let of = |((p, k), _): &(&(&str, &str), &u64)| (*p, *k) == (protocol, kind);
        self.counters.decode_errors.iter().filter(of).map(|(_, count)| *count).sum()
    }

    /// All that an engine has to tell. Mismatches are ruled on with all evidence, as `analyze` does.
    pub fn hear(&mut self, engine: &mut Engine) {
        let mut classifier = Classifier::default();
        let mut exchanges = Vec::new();
        for observation in engine.drain() {
            match observation.event {
                Event::Serves { endpoint, host, asks_certificate } => {
                    self.served += 1;
                    classifier.record_served(endpoint, host, asks_certificate);
                }
                Event::Hello(_) => {}
                Event::Exchange(exchange) => exchanges.push(exchange),
                Event::Connection(connection) => self.connections.push(connection_of(&connection)),
            }
        }
        for exchange in &exchanges {
            classifier.record(exchange.connection.id.0, exchange);
        }
        let told = exchanges.iter().map(|exchange| told(exchange, classifier.classify(exchange)));
        self.exchanges.extend(told);
        self.counters = engine.counters().clone();
    }
}

fn told(exchange: &Exchange, classification: Classification) -> Told {
    let facts: &Facts = &exchange.connection;
    let raw = &exchange.authority.raw;
    Told {
        client: facts.client().map(address),
        server: facts.server().map(address),
        stream: exchange.stream,
        client_declared: facts.client_declared.map(address),
        tls_version: tls_version(facts),
        sni: facts.sni().name().map(ToOwned::to_owned),
        sni_state: facts.sni().state(),
        alpn: alpn(facts),
        http_version: exchange.version.as_str(),
        method: exchange.method.as_ref().known().map(Method::as_str).map(ToOwned::to_owned),
        authority: exchange.host().map(ToString::to_string),
        authority_raw: raw.as_ref().known().map(|raw| raw.to_string()),
        authority_state: match raw {
            Seen::Known(_) => "known",
            Seen::Absent => "absent",
            Seen::Unreadable => "unreadable",
        },
        status: exchange.status(),
        verdict: classification.verdict.as_str(),
        first_on_connection: exchange.first,
        silent_misdirect: classification.silent_misdirect,
        generator: classification.generator.map(Generator::as_str),
        cause: classification.cause.as_ref().map(|cause| cause.id.as_str()),
        responded: exchange.responded().is_some(),
    }
}

fn connection_of(end: &ConnectionEnd) -> ToldConnection {
    let facts: &Facts = &end.facts;
    let certificate = facts.tls.as_ref().and_then(|tls| tls.certificate.as_ref());
    ToldConnection {
        client: facts.client().map(address),
        server: facts.server().map(address),
        client_declared: facts.client_declared.map(address),
        tls_version: tls_version(facts),
        sni: facts.sni().name().map(ToOwned::to_owned),
        sni_state: facts.sni().state(),
        alpn: alpn(facts),
        alpn_offered: facts.tls.as_ref().and_then(|tls| {
            Some(tls.alpn_offered.as_ref()?.iter().map(ToOwned::to_owned).collect())
        }),
        alert: facts.tls.as_ref().and_then(|tls| tls.alert).map(|(from, alert)| (from, alert.code)),
        certificate_names: certificate.map(|known| known.names.iter().collect()),
        decryption: match facts.decryption {
            Decryption::None => "none",
            Decryption::KeyLog => "keylog",
            Decryption::Library => "library",
            Decryption::NotNeeded => "not_needed",
        },
        opened: facts.opened.is_some(),
        closed: end.closed.is_some(),
        authorities: end.authorities.clone(),
        exchanges: end.exchanges,
        misdirected: end.misdirected,
        gaps: end.gaps,
        role: facts
            .observer
            .role
            .map(|role| if role == Side::Client { "client" } else { "server" }),
        visibility: end.visibility.as_str(),
    }
}

fn address(endpoint: Endpoint) -> SocketAddr {
    SocketAddr::new(endpoint.ip(), endpoint.port())
}

fn tls_version(facts: &Facts) -> Option<&'static str> {
    facts.tls.as_ref()?.version?.name()
}

fn alpn(facts: &Facts) -> Option<String> {
    facts.tls.as_ref()?.alpn.as_deref().map(ToOwned::to_owned)
}
