use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::apache::{self, VirtualHost};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::clients::{Load, Paused};
use wrongdoor_tests::live::{Agent, Ask, Client, Ground, Residents, Software, kernel, scene};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::prometheus::{self, Prometheus, Scraped};
use wrongdoor_tests::server::Server;

/// What clients ask in all.
const REQUESTS: usize = 50_000;

/// Names that no other test asks for: an agent counts what all of them do, and they run at the same time. The last
/// two are refused.
const NAMES: [&str; 5] =
    ["a.counted.test", "b.counted.test", "c.counted.test", "d.counted.test", "e.counted.test"];

/// nginx and Apache, which serve the first three names on connections for the first, and refuse the others.
fn servers(ground: &Ground) -> Result<[Server; 2]> {
    let (served, refused) = NAMES.split_at(3);
    let block = ServerBlock::new("_", &ground.cert).with(&format!(
        "keepalive_requests 1000000; if ($host ~ ^({})$) {{ return 421; }} location / {{ return 200; }}",
        refused.join("|").replace('.', "\\.")
    ));
    let host = |names: &[&str], cert| VirtualHost {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        ..VirtualHost::new("", cert).with("MaxKeepAliveRequests 0")
    };
    // Its 421 is its own: the other names have another certificate.
    let hosts = [host(served, &ground.cert), host(refused, &ground.other)];
    let nginx = nginx::start(&ground.subfolder("nginx")?, "", &[block])?;
    Ok([nginx, apache::start(&ground.subfolder("apache")?, &hosts)?])
}

/// Requests by authority, and of them those answered with 421, as the clients counted them.
#[derive(Debug, Default)]
struct Counted {
    asked: BTreeMap<String, usize>,
    refused: BTreeMap<String, usize>,
}

impl Counted {
    /// Asks servers in turn, until `requests` were made.
    fn ask(&mut self, ports: &[u16], requests: usize) -> Result<()> {
        let each = requests / (NAMES.len() * ports.len());
        for &port in ports {
            for name in NAMES {
                let load = Load {
                    sni: NAMES[0],
                    authority: name,
                    requests: each,
                    connections: 5,
                    concurrent: 20,
                    rate: None,
                };
                let answers = load.run(port)?;
                ensure!(answers.total() == each, "{answers:?}");
                *self.asked.entry(name.to_owned()).or_default() += each;
                *self.refused.entry(name.to_owned()).or_default() += answers.client_errors;
            }
        }
        Ok(())
    }

    /// Requires that Prometheus knows the same, of both ends, over all agents that it has scraped.
    fn require(&self, prometheus: &Prometheus) -> Result<()> {
        for role in ["server", "client"] {
            for (name, count) in &self.asked {
                let all = total(
                    "wrongdoor_exchanges_total",
                    &format!("role=\"{role}\",authority=\"{name}\""),
                );
                prometheus.wait_for(&all, number(*count))?;
            }
            for (name, count) in &self.refused {
                let labels = format!("role=\"{role}\",authority=\"{name}\"");
                prometheus
                    .wait_for(&total("wrongdoor_misdirected_total", &labels), number(*count))?;
            }
            // All but those for the first are for another name than the connection.
            let others =
                self.asked.iter().filter(|(name, _)| *name != NAMES[0]).map(|(_, count)| *count);
            let mismatched = total(
                "wrongdoor_authority_mismatches_total",
                &format!("role=\"{role}\",sni=\"{}\"", NAMES[0]),
            );
            prometheus.wait_for(&mismatched, number(others.sum()))?;
        }
        Ok(())
    }
}

/// A counter's sum over all agents that there were.
fn total(name: &str, labels: &str) -> String {
    format!("sum(max_over_time({name}{{{labels}}}[1h]))")
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::NAN, f64::from)
}

#[test]
fn fifty_thousand_requests_are_what_prometheus_says() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let servers = servers(&ground)?;
    let ports = servers.each_ref().map(Server::port);
    let _residents = Residents::start()?;
    let prometheus = Prometheus::start(ground.folder(), &Scraped::default())?;
    let agent = Agent::start_silent(&turn, &[])?;
    prometheus.scrape(&[agent.port()])?;
    let mut counted = Counted::default();
    counted.ask(&ports, REQUESTS)?;
    counted.require(&prometheus).with_context(|| agent.log())?;

    // The trace of one of them.
    let exemplars = prometheus.exemplars("wrongdoor_misdirected_total")?;
    let trace = exemplars.first().and_then(|exemplar| exemplar["labels"]["trace_id"].as_str());
    ensure!(trace.is_some_and(|id| id.len() == 32), "{exemplars:#?}");

    let (_, text) = agent.get("/metrics")?;
    prometheus::check_text(&text)?;
    let open = agent.get_as("/metrics", "application/openmetrics-text; version=1.0.0")?;
    let samples = prometheus::parse_openmetrics(&open)?;
    let traced = samples.iter().filter(|sample| sample[3]["trace_id"].is_string());
    ensure!(traced.count() > 0, "no exemplar in\n{open}");
    agent.end()
}

#[test]
fn an_agent_replaced_in_the_middle_misses_only_the_meantime() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let servers = servers(&ground)?;
    let ports = servers.each_ref().map(Server::port);
    let _residents = Residents::start()?;
    let prometheus = Prometheus::start(ground.folder(), &Scraped::default())?;
    let mut counted = Counted::default();

    let first = Agent::start_silent(&turn, &[])?;
    prometheus.scrape(&[first.port()])?;
    counted.ask(&ports, REQUESTS / 2)?;
    counted.require(&prometheus).with_context(|| first.log())?;
    first.end()?;

    // Nobody sees these; and this connection is older than the second agent.
    Counted::default().ask(&ports, 1_000)?;
    let ask = Ask::new(Some("a.test"), &["a.test", "b.test", "d.test", "c.test"], Http::Two);
    let older = Software::Node.start(&ground)?;
    let mut client = Paused::start(&ground, older.port(), &ask, 2)?;

    let mut second = Agent::start_silent(&turn, &[])?;
    prometheus.scrape(&[second.port()])?;
    client.go_on()?;
    client.finish()?;
    counted.ask(&ports, REQUESTS / 2)?;
    counted.require(&prometheus).with_context(|| second.log())?;
    second.wait_for_metrics("the older connection", |metrics| {
        metrics.sum("wrongdoor_connections_total", &[("visibility", "older_than_agent")]) >= 1.0
    })?;
    second.end()
}

#[test]
fn fifty_thousand_requests_without_tls_are_what_prometheus_says() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let block = |name| ServerBlock::cleartext(name).with("keepalive_requests 1000000;");
    let refusing = block("d.test").with("location / { return 421; }");
    let server = nginx::start(ground.folder(), "", &[block("a.test"), refusing])?;
    let prometheus = Prometheus::start(ground.folder(), &Scraped::default())?;
    let port = server.port().to_string();
    // Room for all that an agent misses while others have the processors: losses are not what this is about.
    let ring = (256 << 20).to_string();
    let arguments = ["--interface", "lo", "--cleartext-port", &port, "--packet-ring-bytes", &ring];
    let agent = Agent::start_source(&turn, "packets", &arguments)?;
    prometheus.scrape(&[agent.port()])?;
    for name in ["a.test", "d.test"] {
        let load = Load {
            sni: "",
            authority: name,
            requests: REQUESTS / 2,
            connections: 5,
            concurrent: 1,
            // What a busy machine's rings have room for: what they lose is counted, and not what this is about.
            rate: Some(300),
        };
        let answers = load.run_in_cleartext(server.port())?;
        ensure!(answers.total() == REQUESTS / 2, "{answers:?}");
        let labels = format!("role=\"observer\",authority=\"{name}\"");
        let all = total("wrongdoor_exchanges_total", &labels);
        prometheus.wait_for(&all, number(REQUESTS / 2)).with_context(|| agent.log())?;
        let refused = total("wrongdoor_misdirected_total", &labels);
        prometheus.wait_for(&refused, number(answers.client_errors))?;
    }
    agent.end()
}

#[test]
fn what_names_are_made_of_survives() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let prometheus = Prometheus::start(ground.folder(), &Scraped::default())?;
    let agent = Agent::start_silent(&turn, &[])?;
    prometheus.scrape(&[agent.port()])?;
    // No host is called so, but whoever opens a connection may say it.
    let hostile = r#"a"b\c{d=},e.test"#;
    let ask = Ask::new(Some(hostile), &["hostile.counted.test"], Http::One);
    scene::play_one(&ground, &peer, Client::GnutlsCli, &ask, 0)?;
    let series = r#"wrongdoor_misdirected_total{role="server",authority="hostile.counted.test"}"#;
    prometheus.wait_for(&format!("count({series})"), 1.0)?;
    let labels = prometheus.series(series)?;
    ensure!(labels.first().is_some_and(|labels| labels["sni"] == hostile), "{labels:#?}");
    agent.end()
}
