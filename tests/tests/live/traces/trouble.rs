use std::time::Duration;

use crate::collector::{Answer, Collector, Protocol};
use anyhow::{Context, Result, ensure};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::agent::Events;
use wrongdoor_tests::live::kernel::{self, Turn};
use wrongdoor_tests::live::metrics::Metrics;
use wrongdoor_tests::live::{Agent, Ground, Software};
use wrongdoor_tests::ports::Port;
use wrongdoor_tests::wait;

use super::{ask, of_port};

/// Conversations without a collector.
const CONVERSATIONS: u32 = 3;
/// The most conversations until a collector has given all its answers.
const MAX_CONVERSATIONS: u32 = 20;
/// Spans of a conversation: at each end three exchanges and the connection.
const SPANS: u32 = 8;

/// An agent without events, so that what the ledger says of its last stage is of traces alone. What other tests do
/// meanwhile may be in it.
fn agent(turn: &Turn, endpoint: &str, protocol: Protocol) -> Result<Agent> {
    let arguments = ["--otlp-endpoint", endpoint, "--otlp-protocol", protocol.name()];
    Agent::start_in(turn, &[], Events::None, &arguments)
}

/// What entered the last stage, and what was lost in it.
fn ledger(metrics: &Metrics) -> (f64, f64) {
    let stage = [("stage", "export")];
    let entered = metrics.sum("wrongdoor_events_total", &stage);
    (entered, metrics.sum("wrongdoor_events_lost_total", &stage))
}

/// What the collector got, once all that entered is there or lost.
fn settled(agent: &mut Agent, collector: &Collector, least: u32) -> Result<(f64, f64)> {
    let got = || collector.spans().map_or(0.0, |spans| spans.len() as f64);
    agent.wait_for_metrics("every span to be there or counted", |metrics| {
        let (entered, lost) = ledger(metrics);
        entered >= f64::from(least) && entered == lost + got()
    })?;
    Ok(ledger(&agent.metrics()?))
}

#[test]
fn a_collector_that_flaps_gets_every_span_or_it_is_counted() -> Result<()> {
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let Some(turn) = kernel::begin()? else { return Ok(()) };
        let ground = Ground::new()?;
        let peer = Software::Nginx.start(&ground)?;
        let answers = [
            Answer::NotNow,
            Answer::Later(Duration::from_secs(1)),
            Answer::Slowly(Duration::from_secs(2)),
            Answer::ButOne,
            Answer::Never,
        ];
        let collector = Collector::rust(protocol, &answers)?;
        let mut agent = agent(&turn, &collector.endpoint(), protocol)?;
        let said = ["accepts no spans now", "accepts spans again", "rejects some", "refuses spans"];
        let mut lost = 0.0;
        // Each batch gets the next answer. Spans of other tests' traffic are in some batches, and two conversations may
        // be in one.
        for number in 1..=MAX_CONVERSATIONS {
            ask(&ground, peer.port(), Http::Two)?;
            (_, lost) = settled(&mut agent, &collector, number * SPANS)
                .with_context(|| format!("{protocol:?} {number}"))?;
            let log = agent.log();
            if number >= CONVERSATIONS && said.iter().all(|said| log.contains(said)) {
                break;
            }
        }
        let log = agent.log();
        for said in said {
            ensure!(log.contains(said), "no {said:?} in {log}");
        }
        ensure!(lost >= 2.0, "what was rejected and what was refused is not counted: {lost}");
        let taken = of_port(collector.spans()?, peer.port()).len();
        ensure!(taken >= SPANS as usize, "only {taken} are there");
        agent.require_well()?;
    }
    Ok(())
}

#[test]
fn nobody_there_is_no_trouble_for_the_capture() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let port = Port::find()?;
    let endpoint = format!("http://127.0.0.1:{}", port.number());
    let mut agent = agent(&turn, &endpoint, Protocol::Grpc)?;
    for _ in 0..CONVERSATIONS {
        ask(&ground, peer.port(), Http::Two)?;
    }
    let all = f64::from(CONVERSATIONS * SPANS);
    agent.wait_for_metrics("every span to be offered", |metrics| ledger(metrics).0 >= all)?;
    let said = || agent.log().matches("accepts no spans now").count();
    wait::until("the agent to say so", || Ok((said() > 0).then_some(())))?;
    // It has tried again by then, and said it once.
    std::thread::sleep(Duration::from_secs(2));
    ensure!(said() == 1, "{}", agent.log());
    agent.require_well()?;
    // Somebody comes, and gets what was waiting.
    let collector = Collector::rust_at(Protocol::Grpc, port.number(), &[])?;
    let (_, lost) = settled(&mut agent, &collector, CONVERSATIONS * SPANS)?;
    ensure!(lost == 0.0, "{lost} are lost, and would have had room");
    wait::until("the agent to say so", || {
        Ok(agent.log().contains("accepts spans again").then_some(()))
    })
}
