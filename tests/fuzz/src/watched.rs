//! An engine whose promises are checked while it works.

use std::collections::HashMap;
use std::sync::Arc;
use wrongdoor_core::counters::Loss;
use wrongdoor_core::engine::{EngineConfig, Engine, Event, Observation};
use wrongdoor_core::observation::{ConnectionId, Exchange};
use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::LinkType;
use wrongdoor_core::wire::tls::keylog::KeyLog;

/// An engine under watch.
pub struct Watched {
    engine: Engine,
    config: EngineConfig,
    number: u64,
    observations: Vec<Observation>,
}

/// What an engine told in the end.
pub struct Told {
    /// All of it, in order.
    pub observations: Vec<Observation>,
    /// Something was left out at a bound.
    pub limited: bool,
}

/// A configuration with small bounds, or the default one.
pub fn config(choice: u8) -> EngineConfig {
    let (max_connections, max_held_bytes) = match choice & 3 {
        1 => (1, 1 << 10),
        2 => (2, 20 << 10),
        3 => (5, 100 << 10),
        _ => (EngineConfig::default().max_connections, EngineConfig::default().max_held_bytes),
    };
    let keys_may_come = choice & 4 != 0;
    EngineConfig { max_connections, max_held_bytes, keys_may_come, ..EngineConfig::default() }
}

impl Watched {
    /// An engine with this configuration.
    pub fn new(config: EngineConfig, keys: Arc<KeyLog>) -> Self {
        let engine = Engine::new(config, keys);
        Self { engine, config, number: 0, observations: Vec::new() }
    }

    /// An Ethernet frame, the next packet of the capture.
    pub fn frame(&mut self, moment: usize, bytes: &[u8], wire_len: usize) {
        let at = Timestamp(i64::try_from(moment).unwrap_or(0));
        self.packet(at, LinkType::ETHERNET, bytes, wire_len);
    }

    /// The next packet of the capture.
    pub fn packet(&mut self, at: Timestamp, link: LinkType, bytes: &[u8], wire_len: usize) {
        self.number += 1;
        self.engine.handle_packet(self.number, at, link, bytes, wire_len);
        let (held, connections) = (self.engine.held_bytes(), self.engine.connections());
        assert!(held <= self.config.max_held_bytes, "{held} bytes held after {}", self.number);
        assert!(connections <= self.config.max_connections, "{connections} connections");
        self.observations.extend(self.engine.drain());
    }

    /// More secrets.
    pub fn secrets(&mut self, text: &[u8]) {
        self.engine.add_secrets(text);
    }

    /// The end: nothing is left, and what was told adds up.
    pub fn finish(mut self) -> Told {
        self.engine.finish();
        assert_eq!((self.engine.held_bytes(), self.engine.connections()), (0, 0));
        self.observations.extend(self.engine.drain());
        assert!(self.observations.is_sorted_by_key(|observation| observation.packet));
        let limited = self.engine.counters().lost.contains_key(&Loss::Limit);
        let told = Told { observations: self.observations, limited };
        told.check();
        told
    }
}

impl Told {
    /// The exchanges as text, without the connection's number: it is that of a packet.
    pub fn exchanges(&self) -> Vec<String> {
        let exchanges =
            self.observations.iter().filter_map(|observation| match &observation.event {
                Event::Exchange(exchange) => Some(exchange),
                Event::Connection(_) | Event::Serves { .. } | Event::Hello(_) => None,
            });
        exchanges.map(text).collect()
    }

    fn check(&self) {
        let mut counted: HashMap<ConnectionId, (u64, u64)> = HashMap::new();
        for observation in &self.observations {
            match &observation.event {
                Event::Exchange(exchange) => {
                    check(exchange);
                    assert_eq!(exchange.connection.id, observation.connection);
                    let (exchanges, misdirected) =
                        counted.entry(observation.connection).or_default();
                    *exchanges += 1;
                    *misdirected += u64::from(exchange.is_misdirected());
                }
                Event::Connection(end) => {
                    let told = counted.remove(&end.facts.id).unwrap_or_default();
                    assert_eq!((end.exchanges, end.misdirected), told);
                    assert!(end.closed.is_none_or(|closed| closed >= end.facts.first_seen));
                }
                Event::Serves { .. } | Event::Hello(_) => {}
            }
        }
        assert!(counted.is_empty(), "exchanges without the end of their connection");
    }
}

fn check(exchange: &Exchange) {
    let Exchange { started, connection, .. } = exchange;
    assert!(exchange.status().is_none_or(|status| (100..=999).contains(&status)), "{exchange:?}");
    assert!(*started >= connection.first_seen, "{exchange:?}");
    if exchange.verdict.is_mismatch() {
        let known = connection.tls.as_ref().and_then(|tls| tls.sni_host.as_ref());
        assert!(
            known.is_some() && exchange.host().is_some(),
            "two known hosts differ: {exchange:?}"
        );
    }
}

fn text(exchange: &Exchange) -> String {
    let Exchange { connection, stream, version, method, authority, .. } = exchange;
    let Exchange { tunnel, response, first, started, traceparent, verdict, .. } = exchange;
    let connection = (&connection.tls, connection.decryption, connection.client_declared);
    let request = (stream, version, method, authority, tunnel, first, started, traceparent);
    format!("{request:?} {response:?} {verdict:?} {connection:?}")
}
