use anyhow::{Result, ensure};
use serde_json::Value;
use wrongdoor_tests::curl::{Curl, Http};
use wrongdoor_tests::live::compare::{Role, compare, is_of};
use wrongdoor_tests::live::ground::NAMES;
use wrongdoor_tests::live::installed::Symbols;
use wrongdoor_tests::live::{
    Agent, Ask, Client, Ground, Residents, Software, Truth, kernel, scene,
};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::report::{number, text};
use wrongdoor_tests::wait;

/// What each of two clients asks each of two servers.
const EACH: usize = 2_600;
/// Requests that are open at once.
const CONCURRENT: usize = 50;

#[test]
fn ten_thousand_exchanges_not_one_wrong() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peers = [Software::Nginx.start(&ground)?, Software::Apache.start(&ground)?];
    let ports = peers.each_ref().map(|peer| peer.port());
    let _residents = Residents::start()?;
    let mut agent = Agent::start(&turn)?;
    let mut server: Vec<Truth> = Vec::new();
    let mut client: Vec<Truth> = Vec::new();
    for peer in &peers {
        let mut before = 0;
        for software in [Client::Node, Client::Go(Symbols::Kept)] {
            let ask = Ask::many("a.test", &NAMES, EACH, CONCURRENT);
            let played = scene::play_one(&ground, peer, software, &ask, before)?;
            before += played.server.len();
            server.extend(played.server);
            client.extend(played.client);
        }
    }
    ensure!(server.len() >= 10_000, "only {}", server.len());
    let lost = all_is_told_or_lost(&mut agent, &ports, server.len() + client.len())?;
    let lines = agent.stop()?.exchanges;
    for (truth, role) in [(&server, Role::Server), (&client, Role::Client)] {
        let told = compare(truth, &lines, role, &ports);
        told.require_nothing_wrong()?;
        // A lost record may have had many of them, and names that others refer to.
        if lost == 0.0 {
            told.require_all()?;
        }
    }
    Ok(())
}

/// Waits until as many exchanges are told as there were, or the ledger says that something was lost; the ledger's sum.
fn all_is_told_or_lost(agent: &mut Agent, ports: &[u16], count: usize) -> Result<f64> {
    let ours =
        |line: &Value| [Role::Server, Role::Client].iter().any(|role| is_of(line, *role, ports));
    wait::within(wrongdoor_tests::live::agent::TIMEOUT, "all to be told or counted lost", || {
        let lost = agent.metrics()?.sum("wrongdoor_events_lost_total", &[]);
        let told = agent.lines()?.exchanges.iter().filter(|line| ours(line)).count();
        Ok((told >= count || lost > 0.0).then_some(lost))
    })
}

#[test]
fn apaches_421_is_told_live() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Apache.start(&ground)?;
    let _residents = Residents::start()?;
    let agent = Agent::start(&turn)?;
    for http in [Http::One, Http::Two] {
        let before = peer.seen()?.len();
        let ask = Ask::new(Some("a.test"), &["a.test", "d.test"], http);
        scene::play_one(&ground, &peer, Client::Curl, &ask, before)?;
    }
    let report = agent.stop()?;
    let ours = |line: &&Value| is_of(line, Role::Server, &[peer.port()]);
    let refused: Vec<_> = report
        .exchanges
        .iter()
        .filter(ours)
        .filter(|line| number(line, "status") == Some(421))
        .collect();
    ensure!(refused.len() == 2, "{:#?}", report.exchanges);
    for line in refused {
        ensure!(text(line, "authority") == Some("d.test") && text(line, "sni") == Some("a.test"));
        ensure!(line.get("silent_misdirect") == Some(&Value::Bool(false)), "{line:#}");
    }
    let connections = report.connections.iter().filter(ours);
    let misdirected: u64 = connections.filter_map(|line| number(line, "misdirected")).sum();
    ensure!(misdirected == 2, "{:#?}", report.connections);
    Ok(())
}

/// Names that one nginx serves with one certificate.
const SITES: [&str; 2] = ["a.test", "b.test"];

#[test]
fn healthy_coalescing_over_tls13_is_no_silent_misdirect() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    // The default host answers for every name that has no host of its own.
    let blocks = ["_", SITES[0], SITES[1]].map(|name| ServerBlock::new(name, &ground.cert));
    let server = nginx::start(ground.folder(), "", &blocks)?;
    let mut agent = Agent::start(&turn)?;
    let ask = |sni: &str, host: &str| -> Result<()> {
        let url = format!("https://{sni}:{}/", server.port());
        let curl = Curl::new(&url, Http::Two)?.trust(ground.root()).arg("--tlsv1.3");
        ensure!(curl.host(host).status()? == 200, "{host} on a connection for {sni}");
        Ok(())
    };
    let [first, second] = SITES;
    for site in [first, second].repeat(3) {
        ask(site, site)?;
    }
    ask(first, second)?;
    ask(second, first)?;
    ask(first, "c.test")?;
    let is_ours = |line: &Value| {
        [Role::Server, Role::Client].iter().any(|role| is_of(line, *role, &[server.port()]))
    };
    agent.wait_for("both ends", 2 * 9, is_ours)?;
    let mut shared = 0;
    for line in agent.stop()?.exchanges.iter().filter(|line| is_ours(line)) {
        let (sni, host) = (text(line, "sni"), text(line, "authority"));
        ensure!(text(line, "tls_version") == Some("1.3"), "{line:#}");
        if sni == host {
            ensure!(line.get("silent_misdirect") == Some(&Value::Bool(false)), "{line:#}");
            continue;
        }
        // The certificate covers all three names. For the third one no handshake was completed.
        let verdict =
            if host == Some("c.test") { "coalesced_unverified" } else { "coalesced_legal" };
        ensure!(text(line, "verdict") == Some(verdict), "{line:#}");
        let is_silent = line.get("silent_misdirect") == Some(&Value::Bool(true));
        shared += 1;
        ensure!(is_silent == (host == Some("c.test")), "{line:#}");
    }
    ensure!(shared == 2 * 3, "{shared} requests on connections for other hosts");
    Ok(())
}
