use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::clients::{Load, Paused};
use wrongdoor_tests::live::{Agent, Ask, Client, Ground, Residents, Software, kernel, scene};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::prometheus::{self, Prometheus, Scraped};

/// What clients ask in all.
const REQUESTS: usize = 50_000;

/// What was asked of which server for which name: each is an SNI of its own, and one in five names is refused.
const NAMES: [&str; 5] = ["a.test", "b.test", "c.test", "d.test", "e.test"];

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
                // Connections for a.test ask for the other names too, as one whose certificate covers them would.
                let load = Load {
                    sni: "a.test",
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
            // All but those for a.test are for another name than the connection.
            let others =
                self.asked.iter().filter(|(name, _)| *name != "a.test").map(|(_, count)| *count);
            let mismatched =
                total("wrongdoor_authority_mismatches_total", &format!("role=\"{role}\""));
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
    let peers = [Software::Nginx.start(&ground)?, Software::Apache.start(&ground)?];
    let ports = peers.each_ref().map(|peer| peer.port());
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
    let peers = [Software::Nginx.start(&ground)?, Software::Apache.start(&ground)?];
    let ports = peers.each_ref().map(|peer| peer.port());
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
    let arguments = ["--interface", "lo", "--cleartext-port", &port];
    let agent = Agent::start_source(&turn, "packets", &arguments)?;
    prometheus.scrape(&[agent.port()])?;
    for name in ["a.test", "d.test"] {
        let load = Load {
            sni: "",
            authority: name,
            requests: REQUESTS / 2,
            connections: 5,
            concurrent: 1,
            rate: None,
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
    let ask = Ask::new(Some(hostile), &["d.test"], Http::One);
    scene::play_one(&ground, &peer, Client::GnutlsCli, &ask, 0)?;
    let series = r#"wrongdoor_misdirected_total{role="server",authority="d.test"}"#;
    prometheus.wait_for(&format!("count({series})"), 1.0)?;
    let labels = prometheus.series(series)?;
    ensure!(labels.first().is_some_and(|labels| labels["sni"] == hostile), "{labels:#?}");
    agent.end()
}
