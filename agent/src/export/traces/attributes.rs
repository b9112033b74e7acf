//! What spans say: OpenTelemetry's names where it has one, `wrongdoor.` in front of the others. What is not
//! known is left out.

use crate::enrich::{ClusterEnds, Pod};
use crate::text;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use std::net::IpAddr;
use wrongdoor_core::engine::ConnectionEnd;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::http::Method;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::observation::{Exchange, Facts, TransportKind};
use wrongdoor_core::side::Side;
use wrongdoor_core::wire::net::Endpoint;

/// The methods that have a name of their own (RFC 9110 §9, RFC 5789); others would be a name for each that
/// anybody thinks of.
const METHODS: [&str; 9] =
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// The most names that a list of them has.
const MAX_LISTED: usize = 100;

/// The kinds of workloads that have a name among the conventions.
const KINDS: [(&str, &str); 6] = [
    ("CronJob", "k8s.cronjob.name"),
    ("DaemonSet", "k8s.daemonset.name"),
    ("Deployment", "k8s.deployment.name"),
    ("Job", "k8s.job.name"),
    ("ReplicaSet", "k8s.replicaset.name"),
    ("StatefulSet", "k8s.statefulset.name"),
];

/// Attributes that are being put together.
#[derive(Default)]
pub(super) struct SpanAttributes(Vec<KeyValue>);

impl SpanAttributes {
    /// Of an exchange. `error` is what makes it one.
    pub(super) fn of_exchange(
        exchange: &Exchange,
        classification: &Classification,
        error: Option<u16>,
    ) -> Self {
        let mut attributes = Self::default();
        attributes.connection(&exchange.connection);
        attributes.request(exchange);
        attributes.put("http.response.status_code", exchange.status().map(i64::from));
        attributes.put("error.type", error.map(|status| status.to_string()));
        attributes.put("wrongdoor.verdict", Some(classification.verdict.as_str()));
        attributes.put("wrongdoor.silent_misdirect", Some(classification.silent_misdirect));
        if let Some(cause) = &classification.cause {
            attributes.put("wrongdoor.cause", Some(cause.id.as_str()));
            attributes.put("wrongdoor.cause.confidence", Some(cause.confidence.as_str()));
            attributes.put(
                "wrongdoor.cause.evidence",
                Some(list(text::evidence(&cause.evidence).into_iter())),
            );
            attributes.put("wrongdoor.cause.advice", Some(cause.advice.clone()));
        }
        attributes.put("wrongdoor.generator", classification.generator.map(Generator::as_str));
        let recovery = classification.recovery.map(|recovery| recovery.outcome.as_str());
        attributes.put("wrongdoor.recovery", recovery);
        attributes.put("wrongdoor.first_on_connection", exchange.first);
        attributes.put("wrongdoor.stream", i64::try_from(exchange.stream).ok());
        attributes
    }

    /// Of a connection that ended.
    pub(super) fn of_connection(connection: &ConnectionEnd) -> Self {
        let facts: &Facts = &connection.facts;
        let mut attributes = Self::default();
        attributes.connection(facts);
        attributes.put("tls.protocol.name", facts.tls.as_ref().map(|_tls| "tls"));
        let certificate = facts.tls.as_ref().and_then(|tls| tls.certificate.as_ref());
        let names = certificate.map(|known| list(known.names.iter()));
        attributes.put("wrongdoor.tls.certificate_names", names);
        let authorities = connection.authorities.iter().cloned();
        attributes.put("wrongdoor.authorities", Some(list(authorities)));
        for (name, count) in [
            ("wrongdoor.exchanges", connection.exchanges),
            ("wrongdoor.misdirected", connection.misdirected),
            ("wrongdoor.gaps", connection.gaps),
        ] {
            attributes.put(name, i64::try_from(count).ok());
        }
        attributes.put("wrongdoor.visibility", Some(connection.visibility.as_str()));
        attributes
    }

    /// And where it was seen, in the words of OpenTelemetry's Kubernetes conventions; they have none for a peer.
    pub(super) fn at(mut self, place: &ClusterEnds) -> Self {
        if let Some(container) = place.pod.as_deref() {
            let Pod { name, uid, node, workload } = &*container.pod;
            self.put("k8s.namespace.name", Some(workload.namespace.to_string()));
            self.put("k8s.pod.name", Some(name.to_string()));
            self.put("k8s.pod.uid", Some(uid.to_string()));
            self.put("k8s.container.name", container.name.as_deref().map(str::to_owned));
            self.put("k8s.node.name", node.as_deref().map(str::to_owned));
            let kind = KINDS.iter().find(|(kind, _)| *kind == &*workload.kind);
            if let Some((_, name)) = kind {
                self.put(name, Some(workload.name.to_string()));
            }
        }
        if let Some(peer) = &place.peer {
            self.put("wrongdoor.peer.kind", Some(peer.kind()));
            self.put("wrongdoor.peer.namespace", Some(peer.namespace().to_owned()));
            self.put("wrongdoor.peer.name", Some(peer.name().to_owned()));
            let workload = peer.workload().map(|workload| workload.name.to_string());
            self.put("wrongdoor.peer.workload", workload);
        }
        self
    }

    /// All of them.
    pub(super) fn into_vec(self) -> Vec<KeyValue> {
        self.0
    }

    fn request(&mut self, exchange: &Exchange) {
        if let Some(method) = exchange.method.as_ref().known() {
            let known = known_method(method);
            self.put("http.request.method", Some(known.unwrap_or("_OTHER")));
            let original = known.is_none().then(|| method.as_str().to_owned());
            self.put("http.request.method_original", original);
        }
        self.put("network.protocol.name", Some("http"));
        self.put("network.protocol.version", Some(exchange.version.as_str()));
        // A tunnel is for whatever is inside.
        let scheme = match (exchange.tunnel, exchange.connection.tls.is_some()) {
            (true, _) => None,
            (false, true) => Some(("https", 443)),
            (false, false) => Some(("http", 80)),
        };
        self.put("url.scheme", scheme.map(|(name, _)| name));
        if let Some(authority) = &exchange.authority.parsed {
            self.put("server.address", Some(authority.host.to_string()));
            let port = authority.port.or_else(|| scheme.map(|(_, port)| port));
            self.put("server.port", port.map(i64::from));
        }
    }

    /// What all spans of a connection say.
    fn connection(&mut self, facts: &Facts) {
        self.put("network.transport", Some(transport(facts.transport)));
        let any = facts.server().or_else(|| facts.client());
        self.put("network.type", any.map(|end| if is_v4(end) { "ipv4" } else { "ipv6" }));
        let (peer, local) = match facts.observer.role {
            Some(Side::Client) => (facts.server(), facts.client()),
            Some(Side::Server) => (facts.client(), facts.server()),
            // Between the ends, only the one that answers is a peer of anybody's.
            None => (facts.server(), None),
        };
        self.endpoint(("network.peer.address", "network.peer.port"), peer);
        self.endpoint(("network.local.address", "network.local.port"), local);
        if facts.observer.role != Some(Side::Client) {
            let client = facts.client_declared.or_else(|| facts.client());
            self.endpoint(("client.address", "client.port"), client);
        }
        if let Some(tls) = &facts.tls {
            self.put("tls.protocol.version", tls.version.and_then(|version| version.name()));
            self.put("wrongdoor.alpn", tls.alpn.as_deref().map(str::to_owned));
            self.put("wrongdoor.tls.sni", tls.sni.name().map(str::to_owned));
            self.put("wrongdoor.tls.sni_state", Some(tls.sni.state()));
        }
        self.put("wrongdoor.role", facts.observer.role.map(role));
        self.put("wrongdoor.source", Some(facts.source.as_str()));
        if let Some(process) = &facts.observer.process {
            self.put("process.pid", Some(i64::from(process.pid)));
            self.put("process.executable.name", Some(process.command.to_string()));
            self.put("container.id", process.container.as_deref().map(str::to_owned));
        }
    }

    fn endpoint(&mut self, (address, port): (&'static str, &'static str), end: Option<Endpoint>) {
        self.put(address, end.map(|end| end.ip().to_string()));
        self.put(port, end.map(|end| i64::from(end.port())));
    }

    fn put(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        self.0.extend(value.map(|value| KeyValue::new(name, value)));
    }
}

/// The name of a method that has one.
pub(super) fn known_method(method: &Method) -> Option<&'static str> {
    METHODS.into_iter().find(|known| *known == method.as_str())
}

fn list(texts: impl Iterator<Item = String>) -> Value {
    Value::Array(Array::String(texts.take(MAX_LISTED).map(StringValue::from).collect()))
}

fn is_v4(end: Endpoint) -> bool {
    matches!(end.ip(), IpAddr::V4(_))
}

fn transport(kind: TransportKind) -> &'static str {
    match kind {
        TransportKind::Tcp => "tcp",
        TransportKind::Quic => "quic",
    }
}

fn role(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}
