use super::*;
use crate::testing::{ended, ruled};
use crate::text;
use opentelemetry::{Array, StringValue, Value};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::http::{HttpVersion, Method};
use wrongdoor_core::observation::probe_event::{Observer, Process};
use wrongdoor_core::observation::{Facts, Response};
use wrongdoor_core::seen::Seen;

const TRACE: TraceId = [7; 16];

fn spans() -> Spans {
    Spans::new(MachineId::of("here"))
}

/// The exchange of `coalescing` that is answered with 421, seen at an end.
fn seen_at(role: Option<Side>) -> (Exchange, Classification) {
    let mut found =
        ruled("coalescing").into_iter().filter(|(exchange, _)| exchange.is_misdirected());
    let (mut exchange, classification) = found.next().unwrap();
    let process = Process {
        pid: 42,
        command: "nginx".into(),
        container: Some("c0ffee".into()),
        pod: None,
        started: None,
    };
    let process = role.map(|_| Arc::new(process));
    let facts = Facts::clone(&exchange.connection);
    exchange.connection = Arc::new(Facts { observer: Observer { role, process }, ..facts });
    (exchange, classification)
}

fn attributes(span: &OtelSpan) -> BTreeMap<String, Value> {
    let attributes = span.attributes.iter();
    let named = attributes.map(|attribute| (attribute.key.to_string(), attribute.value.clone()));
    let named: BTreeMap<_, _> = named.collect();
    assert_eq!(named.len(), span.attributes.len(), "a name twice: {:?}", span.attributes);
    named
}

#[test]
fn both_ends_write_different_spans_into_one_trace() {
    let mut ids = HashSet::new();
    for role in [Some(Side::Client), Some(Side::Server), None] {
        let (exchange, classification) = seen_at(role);
        let mut connection = ended("coalescing");
        connection.facts = Arc::clone(&exchange.connection);
        let span = spans().exchange(TRACE, (&exchange, &classification, &ClusterEnds::default()));
        let parent =
            spans().connection(TRACE, &connection, &ClusterEnds::default(), exchange.started);
        assert_eq!(span.parent_span_id, parent.span_context.span_id());
        assert_eq!(parent.parent_span_id, trace::SpanId::INVALID);
        for span in [span, parent] {
            assert_eq!(span.span_context.trace_id().to_bytes(), TRACE);
            assert!(ids.insert(span.span_context.span_id()));
        }
    }
}

#[test]
fn a_421_is_an_error_of_clients_only() {
    for (role, status, kind, error) in [
        (Some(Side::Client), 421, SpanKind::Client, Some("421")),
        (Some(Side::Client), 404, SpanKind::Client, Some("404")),
        (Some(Side::Client), 304, SpanKind::Client, None),
        (Some(Side::Server), 421, SpanKind::Server, None),
        (Some(Side::Server), 503, SpanKind::Server, Some("503")),
        (None, 421, SpanKind::Internal, None),
        (None, 500, SpanKind::Internal, Some("500")),
    ] {
        let (exchange, classification) = seen_at(role);
        let exchange =
            Exchange { response: Response::answered(status, exchange.ended()), ..exchange };
        let span = spans().exchange(TRACE, (&exchange, &classification, &ClusterEnds::default()));
        assert_eq!(span.span_kind, kind);
        let is_error = matches!(span.status, Status::Error { .. });
        assert!(is_error || span.status == Status::Unset);
        assert_eq!(is_error, error.is_some(), "{role:?} {status}");
        assert_eq!(attributes(&span).get("error.type").cloned(), error.map(Value::from));
    }
}

#[test]
fn an_exchange_says_what_is_known_of_it() {
    let (exchange, classification) = seen_at(Some(Side::Server));
    let span = spans().exchange(TRACE, (&exchange, &classification, &ClusterEnds::default()));
    assert_eq!(span.name, "GET");
    assert_eq!(span.start_time, time(exchange.started));
    assert_eq!(span.end_time, time(exchange.responded().unwrap()));
    let found = attributes(&span);
    let facts = &exchange.connection;
    let (client, server) = (facts.client().unwrap(), facts.server().unwrap());
    let authority = exchange.authority.parsed.as_ref().unwrap();
    let cause = classification.cause.clone().unwrap();
    let list = |texts: Vec<String>| {
        Value::Array(Array::String(texts.into_iter().map(StringValue::from).collect()))
    };
    let expected = [
        ("http.request.method", Value::from("GET")),
        ("http.response.status_code", Value::from(421)),
        ("url.scheme", "https".into()),
        ("server.address", authority.host.to_string().into()),
        ("server.port", i64::from(authority.port_or(443)).into()),
        ("network.transport", "tcp".into()),
        ("network.type", "ipv4".into()),
        ("network.protocol.name", "http".into()),
        ("network.protocol.version", "2".into()),
        ("network.peer.address", client.ip().to_string().into()),
        ("network.peer.port", i64::from(client.port()).into()),
        ("network.local.address", server.ip().to_string().into()),
        ("network.local.port", i64::from(server.port()).into()),
        ("client.address", client.ip().to_string().into()),
        ("client.port", i64::from(client.port()).into()),
        ("tls.protocol.version", "1.3".into()),
        ("process.pid", 42.into()),
        ("process.executable.name", "nginx".into()),
        ("container.id", "c0ffee".into()),
        ("wrongdoor.alpn", "h2".into()),
        ("wrongdoor.cause", "coalesced_tls_policy".into()),
        ("wrongdoor.cause.advice", cause.advice.clone().into()),
        ("wrongdoor.cause.confidence", cause.confidence.as_str().into()),
        ("wrongdoor.cause.evidence", list(text::evidence(&cause.evidence))),
        ("wrongdoor.generator", "apache".into()),
        ("wrongdoor.first_on_connection", exchange.first.unwrap().into()),
        ("wrongdoor.role", "server".into()),
        ("wrongdoor.silent_misdirect", false.into()),
        ("wrongdoor.source", "file".into()),
        ("wrongdoor.stream", i64::try_from(exchange.stream).unwrap().into()),
        ("wrongdoor.tls.sni", facts.sni().name().unwrap().to_owned().into()),
        ("wrongdoor.tls.sni_state", "name".into()),
        ("wrongdoor.verdict", classification.verdict.as_str().into()),
    ];
    let expected: BTreeMap<_, _> =
        expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_client_has_the_server_for_a_peer_and_packets_have_no_end_of_their_own() {
    let facts = seen_at(None).0.connection;
    let server = Value::from(i64::from(facts.server().unwrap().port()));
    for (role, has_local) in [(Some(Side::Client), true), (None, false)] {
        let (exchange, classification) = seen_at(role);
        let found = attributes(
            &spans().exchange(TRACE, (&exchange, &classification, &ClusterEnds::default())),
        );
        assert_eq!(found["network.peer.port"], server);
        assert_eq!(found.contains_key("network.local.port"), has_local);
        assert_eq!(found.contains_key("client.address"), !has_local);
        assert_eq!(found.contains_key("wrongdoor.role"), has_local);
    }
}

#[test]
fn what_is_not_known_is_left_out() {
    let (exchange, classification) = seen_at(None);
    let facts = Facts { ends: None, tls: None, ..Facts::clone(&exchange.connection) };
    let exchange = Exchange {
        connection: Arc::new(facts),
        method: Seen::Unreadable,
        authority: Arc::default(),
        response: Response::Unseen,
        first: None,
        ..exchange
    };
    let span = spans().exchange(TRACE, (&exchange, &classification, &ClusterEnds::default()));
    assert_eq!((span.name.as_ref(), span.end_time), ("HTTP", span.start_time));
    let found = attributes(&span);
    let unknown = ["http.request.", "http.response", "server.", "network.peer", "network.type"];
    let unknown = unknown.into_iter().chain(["client.", "tls.", "wrongdoor.tls", "wrongdoor.alpn"]);
    for prefix in unknown.chain(["process", "container", "error", "wrongdoor.first"]) {
        assert!(!found.keys().any(|name| name.starts_with(prefix)), "{prefix} in {found:?}");
    }
    assert_eq!(found["url.scheme"], Value::from("http"));
}

#[test]
fn a_method_of_nobody_is_other_and_a_tunnel_has_no_scheme() {
    let (exchange, classification) = seen_at(Some(Side::Client));
    let method = Seen::Known(Method::from_bytes(b"BREW").unwrap());
    let odd = Exchange { method, version: HttpVersion::Http11, ..exchange.clone() };
    let span = spans().exchange(TRACE, (&odd, &classification, &ClusterEnds::default()));
    assert_eq!(span.name, "HTTP");
    let found = attributes(&span);
    assert_eq!(found["http.request.method"], Value::from("_OTHER"));
    assert_eq!(found["http.request.method_original"], Value::from("BREW"));
    assert_eq!(found["network.protocol.version"], Value::from("1.1"));

    let method = Seen::Known(Method::from_bytes(b"CONNECT").unwrap());
    let tunnel = Exchange { method, tunnel: true, ..exchange };
    let span = spans().exchange(TRACE, (&tunnel, &classification, &ClusterEnds::default()));
    assert_eq!(span.name, "CONNECT");
    assert!(!attributes(&span).contains_key("url.scheme"));
}

#[test]
fn a_requests_own_trace_is_a_link() {
    let (exchange, classification) = seen_at(Some(Side::Server));
    assert!(
        spans()
            .exchange(TRACE, (&exchange, &classification, &ClusterEnds::default()))
            .links
            .links
            .is_empty()
    );
    let parent = TraceParent { trace_id: [1; 16], parent_id: [2; 8], flags: 1 };
    let exchange = Exchange { traceparent: Some(parent), ..exchange };
    let span = spans().exchange(TRACE, (&exchange, &classification, &ClusterEnds::default()));
    let [link] = span.links.links.as_slice() else { panic!("{:?}", span.links) };
    assert_eq!(link.span_context, context([1; 16], [2; 8], TraceFlags::SAMPLED, true));
    assert_eq!(span.span_context.trace_id().to_bytes(), TRACE);
}

#[test]
fn the_size_is_nearly_what_goes_over_the_wire() {
    let (exchange, classification) = seen_at(Some(Side::Server));
    let span = spans().exchange(TRACE, (&exchange, &classification, &ClusterEnds::default()));
    let estimate = size(&span);
    let wire = opentelemetry_proto::tonic::trace::v1::Span::from(span);
    let exact = prost::Message::encoded_len(&wire);
    assert!(estimate.abs_diff(exact) < exact / 4, "{estimate} {exact}");
}

#[test]
fn a_connection_lasts_as_long_as_it_was_seen() {
    let mut connection = ended("coalescing");
    let (opened, closed) = (connection.facts.opened.unwrap(), connection.closed.unwrap());
    let span = spans().connection(TRACE, &connection, &ClusterEnds::default(), Timestamp(0));
    assert_eq!((&*span.name, &span.span_kind), ("connection", &SpanKind::Internal));
    assert_eq!((span.start_time, span.end_time), (time(opened), time(closed)));
    let found = attributes(&span);
    assert_eq!(found["wrongdoor.exchanges"], Value::from(3));
    assert_eq!(found["wrongdoor.misdirected"], Value::from(1));
    assert_eq!(found["tls.protocol.name"], Value::from("tls"));
    let Value::Array(names) = &found["wrongdoor.authorities"] else { panic!("{found:?}") };
    assert!(names.to_string().contains("f.test"), "{names}");

    connection.closed = None;
    let latest = Timestamp(opened.0 + 5);
    assert_eq!(
        spans().connection(TRACE, &connection, &ClusterEnds::default(), latest).end_time,
        time(latest)
    );
    assert_eq!(
        spans().connection(TRACE, &connection, &ClusterEnds::default(), Timestamp(0)).end_time,
        time(opened)
    );
}
