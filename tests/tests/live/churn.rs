use std::collections::HashSet;
use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::Value;
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::compare::{Role, compare, is_of};
use wrongdoor_tests::live::ground::NAMES;
use wrongdoor_tests::live::storm::Storm;
use wrongdoor_tests::live::{
    Agent, Ask, Client, Ground, Residents, Software, kernel, ledger, scale, scene,
};
use wrongdoor_tests::report::{number, text};
use wrongdoor_tests::wait;

/// Processes that live for one request each: in CI, and at full scale.
const REQUESTING: (usize, usize) = (200, 1_200);
/// Programs beside them that only begin and end: at full scale 200 a second of both, for a minute.
const OTHERS: (usize, usize) = (400, 10_800);
/// How many of these begin in a second.
const OTHERS_A_SECOND: u32 = 180;
/// TLS handshakes, in rounds of [`AT_ONCE`].
const HANDSHAKES: (usize, usize) = (2_000, 10_000);
/// Connections that are open at once.
const AT_ONCE: usize = 100;

#[test]
fn short_lived_processes_are_told() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let _residents = Residents::start()?;
    let mut agent = Agent::start(&turn)?;
    let (mut server, mut client) = (Vec::new(), Vec::new());
    let begin = Instant::now();
    let storm = Storm::start(OTHERS_A_SECOND);
    let processes = scale::of(REQUESTING.0, REQUESTING.1);
    for (number, name) in NAMES.iter().cycle().take(processes).enumerate() {
        let http = if number % 2 == 0 { Http::One } else { Http::Two };
        let ask = Ask::new(Some("a.test"), &[name], http);
        let played = scene::play_one(&ground, &peer, Client::Curl, &ask, number)?;
        server.extend(played.server);
        client.extend(played.client);
    }
    let others = scale::of(OTHERS.0, OTHERS.1);
    storm.end_after(others, wrongdoor_tests::live::agent::TIMEOUT)?;
    let took = begin.elapsed();
    println!("{processes} processes with a request and at least {others} others in {took:?}");
    ledger::require_sum(&mut agent)?;
    let lines = agent.stop()?.exchanges;
    compare(&server, &lines, Role::Server, &[peer.port()]).require_all()?;
    compare(&client, &lines, Role::Client, &[peer.port()]).require_all()
}

#[test]
fn every_connection_of_a_churn_is_counted() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let _residents = Residents::start()?;
    let ports = [peer.port()];
    let mut agent = Agent::start(&turn)?;
    let mut server = Vec::new();
    let handshakes = scale::of(HANDSHAKES.0, HANDSHAKES.1);
    for _ in 0..handshakes / AT_ONCE {
        // One request a connection.
        let ask = Ask { http: Http::Two, ..Ask::many("a.test", &["a.test"], AT_ONCE, 1) };
        let told = wrongdoor_tests::live::clients::connections(peer.port(), &ask)?;
        ensure!(told.count == AT_ONCE, "{told:?}");
        server = peer.truth(server.len() + told.count)?;
    }
    let clients: HashSet<_> = server.iter().map(|row| &row.client).collect();
    // A port of the client's may be used twice.
    ensure!(clients.len() > handshakes / 2, "{} connections", clients.len());
    wait::within(wrongdoor_tests::live::agent::TIMEOUT, "the connections to be told", || {
        agent.require_well()?;
        let lines = agent.lines()?.connections;
        let count = lines.iter().filter(|line| is_of(line, Role::Server, &ports)).count();
        Ok((count >= handshakes).then_some(()))
    })?;
    ledger::require_sum(&mut agent)?;
    let report = agent.stop()?;
    compare(&server, &report.exchanges, Role::Server, &ports).require_all()?;
    let connections = report.connections.iter().filter(|line| is_of(line, Role::Server, &ports));
    ensure!(connections.count() == handshakes, "more connections than there were");
    Ok(())
}

#[test]
fn a_ring_that_overflows_loses_and_counts_and_tells_nothing_wrong() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let _residents = Residents::start()?;
    let ports = [peer.port()];
    let mut agent = Agent::start_with(&turn, &["--ring-bytes", "65536"])?;
    let (mut server, mut client) = (Vec::new(), Vec::new());
    let mut ask = |agent: &Agent, is_halted: bool| {
        if is_halted {
            agent.halt()?;
        }
        let ask = Ask::many("a.test", &NAMES, 1_000, 100);
        let played = scene::play_one(&ground, &peer, Client::Node, &ask, server.len())?;
        server.extend(played.server);
        client.extend(played.client);
        agent.resume()
    };
    // Nothing empties the ring meanwhile; then it is as before.
    ask(&agent, true)?;
    let full = &[("stage", "kernel"), ("reason", "ring_full")];
    agent.wait_for_metrics("the full ring to be counted", |metrics| {
        metrics.sum("wrongdoor_events_lost_total", full) > 0.0
    })?;
    ask(&agent, false)?;
    agent.require_well()?;
    ledger::require_sum(&mut agent)?;
    let report = agent.stop()?;
    let mut unseen = 0;
    for (truth, role) in [(&server, Role::Server), (&client, Role::Client)] {
        let outcome = compare(truth, &report.exchanges, role, &ports);
        outcome.require_nothing_wrong()?;
        ensure!(outcome.right > 0, "nothing at all is told after the overflow");
        let missing: HashSet<&String> = outcome.missing.iter().map(|row| &row.client).collect();
        for client in missing {
            let is_its =
                |line: &&Value| is_of(line, role, &ports) && text(line, "client") == Some(client);
            let mut lines = report.connections.iter().filter(is_its).peekable();
            unseen += u64::from(lines.peek().is_none());
            for line in lines {
                ensure!(number(line, "gaps") > Some(0), "{role:?}: {line:#}");
            }
        }
    }
    let counted = report.summary.pointer("/decode_errors/live.unseen_connection");
    let counted = counted.and_then(Value::as_u64).unwrap_or(0);
    ensure!(unseen <= counted, "{unseen} connections have no line, {counted} are counted");
    Ok(())
}
