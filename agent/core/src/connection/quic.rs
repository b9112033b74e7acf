//! A QUIC connection: its handshake. HTTP/3 is not decoded.

use super::tcp::Resources;
use crate::observation::probe_event::Observer;
use crate::observation::{
    ConnectionId, Decryption, Ends, Facts, Observed, ServerCertificate, Source, Tls, TransportKind,
};
use crate::time::Timestamp;
use crate::wire::net::{End, FlowKey};
use crate::wire::quic;
use crate::wire::tls::TlsVersion;
use std::sync::Arc;

const PROTOCOL: &str = "quic";

/// The QUIC connections of one UDP flow, the latest one at a time.
pub(crate) struct QuicConnection {
    key: FlowKey,
    quic: quic::Connection,
    pub(crate) observed: Observed,
    passed_over: u64,
    generation: u32,
    source: Source,
}

impl QuicConnection {
    pub(crate) fn new(
        id: ConnectionId,
        key: FlowKey,
        from: End,
        at: Timestamp,
        source: Source,
    ) -> Self {
        let facts = Self::facts(id, key, from, at, source);
        let (quic, observed) = (quic::Connection::new(), Observed::new(facts));
        Self { key, quic, observed, passed_over: 0, generation: 0, source }
    }

    fn facts(id: ConnectionId, key: FlowKey, client: End, at: Timestamp, source: Source) -> Facts {
        Facts {
            id,
            ends: Some(Ends::of(&key, client)),
            client_declared: None,
            transport: TransportKind::Quic,
            tls: Some(Tls::default()),
            decryption: Decryption::None,
            opened: Some(at),
            first_seen: at,
            origins: None,
            observer: Observer::default(),
            source,
        }
    }

    /// One datagram. What a connection before this one on the same endpoints had shown is returned.
    pub(crate) fn datagram(
        &mut self,
        id: ConnectionId,
        from: End,
        at: Timestamp,
        payload: &[u8],
        resources: &mut Resources<'_>,
    ) -> Option<Observed> {
        self.quic.handle_datagram(from, payload, resources.keys);
        for (error, count) in self.quic.take_errors().iter() {
            resources.counters.errors(PROTOCOL, error.as_str(), u64::from(count));
        }
        let passed_over = self.quic.passed_over();
        resources.counters.errors(
            PROTOCOL,
            "not_decoded",
            passed_over.saturating_sub(self.passed_over),
        );
        self.passed_over = passed_over;
        let mut former = None;
        if self.quic.generation() != self.generation {
            let is_another = self.generation > 0;
            self.generation = self.quic.generation();
            if is_another {
                let fresh = Observed::new(Self::facts(
                    id,
                    self.key,
                    self.quic.client().unwrap_or(from),
                    at,
                    self.source,
                ));
                former = Some(std::mem::replace(&mut self.observed, fresh));
            }
        }
        self.learn(resources);
        self.observed.context(resources).hello();
        former
    }

    /// Takes over what the handshake has shown so far.
    fn learn(&mut self, resources: &Resources<'_>) {
        let (Some(client), Some(hello)) = (self.quic.client(), self.quic.client_hello()) else {
            return;
        };
        let sni = hello.sni(resources.keys);
        self.observed.is_ours = true;
        let facts = Arc::make_mut(&mut self.observed.facts);
        facts.ends = Some(Ends::of(&self.key, client));
        facts.decryption = match self.quic.decryption() {
            quic::QuicDecryption::Opened => Decryption::KeyLog,
            _ => Decryption::None,
        };
        let certificate = self.quic.certificate_names();
        let known = facts.tls.take().and_then(|tls| tls.certificate);
        facts.tls = Some(Tls {
            asks_certificate: false,
            resumed: self.quic.server_hello().map(|hello| hello.pre_shared_key),
            version: Some(
                self.quic.server_hello().map_or(TlsVersion::TLS1_3, |hello| hello.version),
            ),
            sni_host: sni.host(),
            sni,
            ech: hello.ech,
            alpn_offered: Some(hello.alpn.clone()),
            alpn: self.quic.alpn().map(|alpn| String::from_utf8_lossy(alpn).into()),
            certificate: known.or_else(|| certificate.cloned().map(ServerCertificate::seen)),
            client_random: Some(hello.random),
            server_random: self.quic.server_hello().map(|hello| hello.random),
            alert: None,
        });
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.quic.buffered()
    }
}
