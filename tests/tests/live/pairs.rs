use anyhow::{Context, Result};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::installed::{EnvoyVersion, Symbols};
use wrongdoor_tests::live::{Agent, Client, Ground, Residents, Software, kernel, scene};

/// Every client asks this server everything; each exchange is told once at either end, with the right SNI, authority,
/// status, verdict, addresses and process.
fn both_ends_are_told(software: Software) -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = software.start(&ground)?;
    let _residents = Residents::start()?;
    let agent = Agent::start(&turn)?;
    agent.wait_for_server(software)?;
    let mut clients = Vec::new();
    let mut server = Vec::new();
    for client in Client::ALL {
        let mut all = Vec::new();
        for http in [Http::One, Http::Two].into_iter().filter(|http| client.speaks(*http)) {
            let played = scene::play(&ground, &peer, client, http)?;
            server.extend(played.server);
            all.extend(played.client);
        }
        clients.push((client, all));
    }
    let (report, log) = agent.stop_with_log()?;
    let lines = report.exchanges;
    let ports = [peer.port()];
    let mut failures = Vec::new();
    let told = compare(&server, &lines, Role::Server, &ports).require_all();
    failures.extend(told.context(format!("{software:?} as server")).err());
    for (client, rows) in &clients {
        // Only this client's lines: another's failure is told with it. Ports are used again by other clients.
        let own = lines.iter().filter(|line| {
            let address = wrongdoor_tests::report::text(line, "client");
            let process = line.get("process").and_then(|process| process.get("pid")?.as_u64());
            let is_its = |pid: Option<u64>| pid.is_none() || process.is_none() || pid == process;
            rows.iter().any(|row| address == Some(&row.client) && is_its(row.pid))
        });
        let own: Vec<_> = own.cloned().collect();
        let told = compare(rows, &own, Role::Client, &ports).require_all();
        failures.extend(told.context(format!("{client:?} as client of {software:?}")).err());
    }
    let all: Vec<_> = clients.into_iter().flat_map(|(_, rows)| rows).collect();
    failures.extend(compare(&all, &lines, Role::Client, &ports).require_nothing_wrong().err());
    let failures: Vec<_> = failures.iter().map(|failure| format!("{failure:#}")).collect();
    let summary = report.summary;
    anyhow::ensure!(
        failures.is_empty(),
        "{}\n\nThe agent counted {summary:#} and logged\n{log}",
        failures.join("\n\n")
    );
    Ok(())
}

#[test]
fn every_client_with_nginx_is_told_at_both_ends() -> Result<()> {
    both_ends_are_told(Software::Nginx)
}

#[test]
fn every_client_with_apache_is_told_at_both_ends() -> Result<()> {
    both_ends_are_told(Software::Apache)
}

#[test]
fn every_client_with_haproxy_is_told_at_both_ends() -> Result<()> {
    both_ends_are_told(Software::Haproxy)
}

#[test]
fn every_client_with_caddy_is_told_at_both_ends() -> Result<()> {
    both_ends_are_told(Software::Caddy)
}

#[test]
fn every_client_with_node_is_told_at_both_ends() -> Result<()> {
    both_ends_are_told(Software::Node)
}

#[test]
fn every_client_with_go_is_told_at_both_ends() -> Result<()> {
    both_ends_are_told(Software::Go(Symbols::Kept))
}

#[test]
fn every_client_with_stripped_go_is_told_at_both_ends() -> Result<()> {
    both_ends_are_told(Software::Go(Symbols::Stripped))
}

#[test]
fn every_client_with_envoy_is_told_at_both_ends() -> Result<()> {
    both_ends_are_told(Software::Envoy(EnvoyVersion::NEW))
}

#[test]
fn every_client_with_an_older_envoy_is_told_at_both_ends() -> Result<()> {
    both_ends_are_told(Software::Envoy(EnvoyVersion::OLD))
}
