use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wrongdoor_tests::live::network::{Network, Way};
use wrongdoor_tests::live::{Agent, Ground, kernel};
use wrongdoor_tests::report::{Report, text};
use wrongdoor_tests::{tools, wait};

fn of<'a>(lines: &'a [Value], network: &Network) -> Vec<&'a Value> {
    let server = format!("{}:{}", network.there(), network.port());
    lines.iter().filter(|line| text(line, "server") == Some(&server)).collect()
}

/// How often each status of the network's server is told.
fn told(report: &Report, network: &Network) -> (usize, usize) {
    let lines = of(&report.exchanges, network);
    let count = |status| lines.iter().filter(|line| line["status"] == status).count();
    (count(200), count(421))
}

fn ask(network: &Network) -> Result<()> {
    ensure!((network.ask("a.test")?, network.ask("b.test")?) == (200, 421));
    Ok(())
}

#[test]
fn interfaces_come_and_go() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let network = Network::start(&ground, Way::Direct)?;
    let (name, port) = (network.outer(), network.port().to_string());
    // By its name, and among all.
    for interface in [&["--interface", &name][..], &[]] {
        let arguments = [&["--cleartext-port", &port], interface].concat();
        let agent = Agent::start_source(&turn, "packets", &arguments)?;
        ask(&network)?;
        for round in 1..=3 {
            network.disconnect()?;
            if !interface.is_empty() {
                let gone = || agent.log().matches("is gone").count() == round;
                wait::until("it to be gone", || Ok(gone().then_some(())))?;
            }
            network.connect()?;
            if !interface.is_empty() {
                let back = || agent.log().matches("is back").count() == round;
                wait::until("it to be back", || Ok(back().then_some(())))?;
            }
            ask(&network)?;
        }
        // One that is shut is the same one afterwards.
        for state in ["down", "up"] {
            tools::output(tools::command("ip")?.args(["link", "set", "dev", &name, state]))?;
        }
        ask(&network)?;
        let report = agent.stop()?;
        ensure!(told(&report, &network) == (5, 5), "{interface:?} {:?}", told(&report, &network));
    }
    Ok(())
}

#[test]
fn another_namespace_is_watched_and_interfaces_come_back_there() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let network = Network::start(&ground, Way::Direct)?;
    let (name, port, path) = (network.inner(), network.port().to_string(), network.path());
    for interface in [&["--interface", &name][..], &[]] {
        let arguments = [&["--cleartext-port", &port, "--netns", &path], interface].concat();
        let agent = Agent::start_source(&turn, "packets", &arguments)?;
        ask(&network)?;
        network.disconnect()?;
        if !interface.is_empty() {
            wait::until("it to be gone", || Ok(agent.log().contains("is gone").then_some(())))?;
        }
        network.connect()?;
        if !interface.is_empty() {
            wait::until("it to be back", || Ok(agent.log().contains("is back").then_some(())))?;
        }
        ask(&network)?;
        let report = agent.stop()?;
        ensure!(told(&report, &network) == (2, 2), "{interface:?} {:?}", told(&report, &network));
    }
    Ok(())
}

#[test]
fn a_packet_on_a_bridge_and_its_port_is_counted_once() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let network = Network::start(&ground, Way::Bridge)?;
    let (port, outer, bridge) = (network.port().to_string(), network.outer(), network.bridge());
    let interfaces = ["--cleartext-port", &port, "--interface", &outer, "--interface", &bridge];
    let agent = Agent::start_source(&turn, "packets", &interfaces)?;
    for _ in 0..20 {
        ask(&network)?;
    }
    let report = agent.stop()?;
    ensure!(told(&report, &network) == (20, 20), "{:?}", told(&report, &network));
    let connections = of(&report.connections, &network);
    ensure!(connections.len() == 40, "{}", connections.len());
    ensure!(connections.iter().all(|line| line["gaps"] == 0), "{connections:#?}");
    // Each of the forty connections is some ten packets, each of which comes twice.
    let packets = report.summary["packets"].as_u64().context("no packets")?;
    ensure!((240..=600).contains(&packets), "{packets} packets");
    Ok(())
}

#[test]
fn a_hello_over_several_segments_is_read() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let network = Network::start(&ground, Way::Direct)?;
    // As long as several post-quantum keys.
    let long: Vec<String> = (0..18).map(|number| format!("{number:0>240}")).collect();
    let protocols = format!("http/1.1,{}", long.join(","));
    // With the filter that follows flows, and with the one that cannot.
    let starts: [&dyn Fn() -> Result<Agent>; 2] =
        [&|| Agent::start_source(&turn, "packets", &[]), &|| {
            Agent::start_source_as_nobody(&turn, "packets", &["net_raw"], &[])
        }];
    for start in starts {
        let agent = start()?;
        let address = format!("{}:{}", network.there(), network.tls_port());
        let mut client = tools::command("openssl")?;
        client.args(["s_client", "-connect", &address, "-servername", "a.test"]);
        tools::output(client.args(["-alpn", &protocols]).stdin(Stdio::null()))?;
        let report = agent.stop()?;
        let own = |line: &&Value| text(line, "server") == Some(&address);
        let lines: Vec<&Value> = report.connections.iter().filter(own).collect();
        ensure!(lines.len() == 1, "{lines:#?}");
        ensure!(lines[0]["sni"] == "a.test" && lines[0]["alpn"] == "http/1.1", "{lines:#?}");
        ensure!(lines[0]["gaps"] == 0, "{lines:#?}");
    }
    Ok(())
}
