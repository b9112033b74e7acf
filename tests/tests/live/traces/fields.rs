use std::collections::{BTreeMap, BTreeSet};

use crate::collector::{Collector, Protocol, Span};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::agent::Events;
use wrongdoor_tests::live::compare::{Role, is_of};
use wrongdoor_tests::live::{Agent, Ground, Software, kernel};
use wrongdoor_tests::report::{Report, nanoseconds, number, text};
use wrongdoor_tests::wait;

use super::{ASKED, ask, of_port, parent};

/// Spans of the conversation: at each end three exchanges and the connection.
const SPANS: usize = 8;

/// What the collector gets of one conversation is what the agent wrote of it, at both ends.
fn gets_what_was_seen(collector: &Collector, ground: &Ground, http: Http) -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let peer = Software::Nginx.start(ground)?;
    let mut environment = collector.environment(ground);
    environment.push(("OTEL_SERVICE_NAME", "door".to_owned()));
    environment.push(("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip".to_owned()));
    let arguments = collector.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut agent = Agent::start_in(&turn, &environment, Events::All, &arguments)?;
    ask(ground, peer.port(), http)?;
    wait::until("the spans", || {
        let spans = of_port(collector.spans()?, peer.port());
        Ok((spans.len() == SPANS).then_some(()))
    })
    .with_context(|| format!("{:#?}\n{}", collector.spans(), agent.log()))?;
    agent.require_well()?;
    let report = agent.stop()?;
    let spans = of_port(collector.spans()?, peer.port());
    ensure!(spans.len() == SPANS, "more spans than there is to tell: {spans:#?}");

    let traces: BTreeSet<&str> = spans.iter().map(|span| span.trace_id.as_str()).collect();
    let ids: BTreeSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    ensure!(traces.len() == 1 && ids.len() == SPANS, "{traces:?} {ids:?}");
    for role in [Role::Client, Role::Server] {
        let check = End { role, port: peer.port(), report: &report, spans: &spans };
        check
            .connection()
            .and_then(|()| check.exchanges())
            .with_context(|| format!("{role:?} {http:?}\n{:#?}\n{spans:#?}", report.exchanges))?;
    }
    for span in &spans {
        let resource = |name: &str| span.resource.get(name).and_then(Value::as_str);
        ensure!(resource("service.name") == Some("door"), "{:?}", span.resource);
        ensure!(resource("service.version").is_some() && resource("host.name").is_some());
        ensure!(span.scope == "wrongdoor", "{}", span.scope);
    }
    Ok(())
}

/// What was seen at one end.
struct End<'a> {
    role: Role,
    port: u16,
    report: &'a Report,
    spans: &'a [Span],
}

impl<'a> End<'a> {
    fn name(&self) -> &'static str {
        if self.role == Role::Client { "client" } else { "server" }
    }

    fn spans(&self, is_connection: bool) -> Vec<&'a Span> {
        let name = json!(self.name());
        let own = self.spans.iter().filter(|span| span.attribute("wrongdoor.role") == Some(&name));
        own.filter(|span| (span.name == "connection") == is_connection).collect()
    }

    fn line(&self) -> Result<&'a Value> {
        let mut lines = self.report.connections.iter();
        lines.find(|line| is_of(line, self.role, &[self.port])).context("no connection")
    }

    fn connection(&self) -> Result<()> {
        let line = self.line()?;
        let spans = self.spans(true);
        let [span] = spans.as_slice() else { anyhow::bail!("{} spans", spans.len()) };
        ensure!(text(line, "trace_id") == Some(&span.trace_id), "another trace: {line}");
        ensure!(
            span.parent_span_id.is_empty() && span.kind == "internal" && span.status == "unset"
        );
        ensure!(span.links.is_empty());
        // When it was opened a probe does not see; it is from when the first of it was seen.
        let first = self.spans(false).iter().map(|span| span.start).min();
        let opened = nanoseconds(line, "opened");
        ensure!(opened.is_none_or(|opened| opened == span.start), "{} {line}", span.start);
        ensure!(first.is_some_and(|first| span.start < first), "{} {first:?}", span.start);
        ensure!(Some(span.end) == nanoseconds(line, "closed"), "{} {line}", span.end);
        let mut expected = self.shared(line)?;
        expected.extend([
            ("tls.protocol.name", json!("tls")),
            ("wrongdoor.authorities", json!(ASKED)),
            ("wrongdoor.exchanges", json!(3)),
            ("wrongdoor.misdirected", json!(1)),
            ("wrongdoor.gaps", json!(0)),
            ("wrongdoor.visibility", json!("plaintext")),
            ("wrongdoor.tls.certificate_names", line["certificate_names"].clone()),
        ]);
        ensure!(line["certificate_names"].is_array(), "{line}");
        // At the other end it is another process.
        ensure!(span.attribute("process.pid").is_some_and(Value::is_u64));
        same(span, expected, &["process.pid", "process.executable.name", "container.id"])
    }

    fn exchanges(&self) -> Result<()> {
        let spans = self.spans(false);
        ensure!(spans.len() == ASKED.len(), "{} spans", spans.len());
        let connection = self.spans(true).first().map(|span| span.span_id.clone());
        for (at, authority) in ASKED.iter().enumerate() {
            let own = |line: &&Value| {
                is_of(line, self.role, &[self.port]) && text(line, "authority") == Some(authority)
            };
            let line = self.report.exchanges.iter().find(own).context("no exchange")?;
            let named = json!(authority);
            let is_it = |span: &&&Span| span.attribute("server.address") == Some(&named);
            let span = spans.iter().find(is_it).context("no span")?;
            ensure!(Some(&span.parent_span_id) == connection.as_ref(), "{span:?}");
            ensure!(span.name == "GET" && span.kind == self.name(), "{span:?}");
            ensure!(Some(span.start) == nanoseconds(line, "started"), "{span:?} {line}");
            ensure!(Some(span.end) == nanoseconds(line, "responded"), "{span:?} {line}");
            let (trace, id) = parent(at);
            ensure!(span.links == [(trace, id, 1)], "{:?}", span.links);
            let status = number(line, "status").context("no status")?;
            let is_error = status == 421 && self.role == Role::Client;
            ensure!(span.status == if is_error { "error" } else { "unset" }, "{span:?}");
            let process =
                |name| line.pointer(&format!("/process/{name}")).cloned().unwrap_or_default();
            let mut expected = self.shared(line)?;
            expected.extend([
                ("http.request.method", json!("GET")),
                ("http.response.status_code", json!(status)),
                ("url.scheme", json!("https")),
                ("server.address", named.clone()),
                ("server.port", json!(443)),
                ("network.protocol.name", json!("http")),
                ("network.protocol.version", line["http_version"].clone()),
                ("process.pid", process("pid")),
                ("process.executable.name", process("command")),
                ("wrongdoor.verdict", line["verdict"].clone()),
                ("wrongdoor.silent_misdirect", line["silent_misdirect"].clone()),
                ("wrongdoor.first_on_connection", line["first_on_connection"].clone()),
                ("wrongdoor.stream", line["stream"].clone()),
            ]);
            if is_error {
                expected.insert("error.type", json!("421"));
            }
            // What was refused says why, and by whom.
            let why = [
                ("wrongdoor.cause", "/cause/id"),
                ("wrongdoor.cause.confidence", "/cause/confidence"),
                ("wrongdoor.cause.evidence", "/cause/evidence"),
                ("wrongdoor.cause.advice", "/cause/advice"),
                ("wrongdoor.generator", "/generator"),
                ("wrongdoor.recovery", "/recovery/outcome"),
            ];
            ensure!((status == 421) == line["cause"].is_object(), "{line}");
            for (name, place) in why {
                let said = line.pointer(place).filter(|said| !said.is_null());
                expected.extend(said.map(|said| (name, said.clone())));
            }
            same(span, expected, &["container.id"])?;
        }
        Ok(())
    }

    /// What all spans say of their connection.
    fn shared(&self, line: &Value) -> Result<BTreeMap<&'static str, Value>> {
        let end = |name| {
            let (address, port) = text(line, name)?.rsplit_once(':')?;
            Some((json!(address), json!(port.parse::<u16>().ok()?)))
        };
        let (client, server) = end("client").zip(end("server")).context("no ends")?;
        let is_client = self.role == Role::Client;
        let (local, peer) =
            if is_client { (client.clone(), server) } else { (server, client.clone()) };
        let mut shared = BTreeMap::from([
            ("network.transport", json!("tcp")),
            ("network.type", json!("ipv4")),
            ("network.local.address", local.0),
            ("network.local.port", local.1),
            ("network.peer.address", peer.0),
            ("network.peer.port", peer.1),
            ("tls.protocol.version", line["tls_version"].clone()),
            ("wrongdoor.alpn", line["alpn"].clone()),
            ("wrongdoor.tls.sni", json!("a.test")),
            ("wrongdoor.tls.sni_state", json!("name")),
            ("wrongdoor.role", json!(self.name())),
            ("wrongdoor.source", json!("ebpf")),
        ]);
        if !is_client {
            shared.extend([("client.address", client.0), ("client.port", client.1)]);
        }
        // TLS 1.3 hides what was negotiated; what is not known is not there.
        shared.retain(|_, value| !value.is_null());
        Ok(shared)
    }
}

/// The attributes of `span` are these, and of `others` any.
fn same(span: &Span, expected: BTreeMap<&str, Value>, others: &[&str]) -> Result<()> {
    let expected: BTreeMap<String, Value> = expected
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let mut found = span.attributes.clone();
    found.retain(|name, _| expected.contains_key(name) || !others.contains(&name.as_str()));
    ensure!(found == expected, "{found:#?} is not {expected:#?}");
    Ok(())
}

#[test]
fn tonic_gets_what_was_seen() -> Result<()> {
    let collector = Collector::rust(Protocol::Grpc, &[])?;
    gets_what_was_seen(&collector, &Ground::new()?, Http::Two)
}

#[test]
fn axum_gets_what_was_seen() -> Result<()> {
    let collector = Collector::rust(Protocol::Http, &[])?;
    gets_what_was_seen(&collector, &Ground::new()?, Http::One)
}

#[test]
fn grpcio_gets_what_was_seen_over_tls() -> Result<()> {
    let ground = Ground::new()?;
    let collector = Collector::python(Protocol::Grpc, &ground)?;
    gets_what_was_seen(&collector, &ground, Http::One)
}

#[test]
fn pythons_http_server_gets_what_was_seen_over_tls() -> Result<()> {
    let ground = Ground::new()?;
    let collector = Collector::python(Protocol::Http, &ground)?;
    gets_what_was_seen(&collector, &ground, Http::Two)
}
