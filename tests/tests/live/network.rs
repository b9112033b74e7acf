use anyhow::{Result, ensure};
use serde_json::{Value, json};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::loopbacks::{Loopback, SERVER};
use wrongdoor_tests::live::veth::Distant;
use wrongdoor_tests::live::{Agent, Ask, Ground, Residents, kernel};
use wrongdoor_tests::report::text;

/// Asked of it, over each version of HTTP.
const NAMES: [&str; 4] = ["a.test", "b.test", "d.test", "a.test"];

#[test]
fn both_ends_of_a_pair_of_networks_are_told() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let distant = Distant::start(&ground)?;
    let _residents = Residents::start()?;
    let agent = Agent::start(&turn)?;
    let mut clients = Vec::new();
    for http in [Http::One, Http::Two] {
        let pid = distant.ask(&ground, &Ask::new(Some("a.test"), &NAMES, http))?;
        clients.extend([pid; NAMES.len()]);
    }
    let server = distant.truth(clients.len())?;
    let client: Vec<_> =
        server.iter().zip(clients).map(|(row, pid)| row.from_other_end(Some(pid))).collect();
    let lines = agent.stop()?.exchanges;
    let ports = [distant.port()];
    // Addresses and ports, process, SNI, authority, status, verdict: at both ends.
    compare(&server, &lines, Role::Server, &ports).require_all()?;
    compare(&client, &lines, Role::Client, &ports).require_all()
}

#[test]
fn the_same_addresses_and_ports_in_two_networks_are_two_connections() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let loopbacks = [Loopback::start(&ground, "one")?, Loopback::start(&ground, "two")?];
    let _residents = Residents::start()?;
    let agent = Agent::start(&turn)?;
    // Both ClientHellos are there before either server answers, and so before either socket is used.
    let mut asked = Vec::new();
    for (loopback, host) in loopbacks.iter().zip(["a.test", "b.test"]) {
        loopback.halt()?;
        asked.push((loopback, host, loopback.ask(&ground, host)?));
    }
    for loopback in &loopbacks {
        loopback.resume()?;
    }
    let mut servers = Vec::new();
    for (loopback, host, client) in asked {
        client.finish()?;
        servers.push((loopback.pid()?, host));
    }
    let lines = agent.stop()?.exchanges;
    for (pid, host) in servers {
        let own = |line: &&Value| line.pointer("/process/pid") == Some(&json!(pid));
        let own: Vec<_> = lines.iter().filter(own).collect();
        ensure!(own.len() == 1, "{host}: {own:#?}");
        for line in own {
            ensure!(text(line, "sni") == Some(host), "{host}: {line:#}");
            ensure!(text(line, "authority") == Some(host), "{host}: {line:#}");
            ensure!(text(line, "server") == Some(SERVER), "{host}: {line:#}");
        }
    }
    Ok(())
}

#[test]
fn peers_agree_across_networks() -> Result<()> {
    let ground = Ground::new()?;
    let distant = Distant::start(&ground)?;
    distant.ask(&ground, &Ask::new(Some("a.test"), &NAMES, Http::Two))?;
    let rows = distant.truth(NAMES.len())?;
    let statuses: Vec<u16> = rows.iter().map(|row| row.status).collect();
    ensure!(statuses == [200, 200, 421, 200], "{statuses:?}");
    ensure!(rows.iter().all(|row| row.client.starts_with("198.18.")), "{rows:#?}");
    Ok(())
}
