use anyhow::{Context, Result, ensure};
use serde_json::json;
use wrongdoor_tests::curl::{Curl, Http};
use wrongdoor_tests::live::compare::{Role, compare, is_of};
use wrongdoor_tests::live::installed::EnvoyVersion;
use wrongdoor_tests::live::servers::envoy;
use wrongdoor_tests::live::{Agent, Ground, Software, kernel};

/// What is asked for through the proxy, whose connections are all for `a.test`.
const ASKED: [&str; 4] = ["a.test", "b.test", "d.test", "a.test"];

/// The server's log is the truth of both ends.
fn upstream_is_told(version: EnvoyVersion, http: Http) -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let proxy = envoy::proxy(&ground, version, peer.port(), http)?;
    let agent = Agent::start(&turn)?;
    agent.wait_for_library("boringssl")?;
    for host in ASKED {
        let url = format!("http://127.0.0.1:{}/", proxy.port());
        Curl::new(&url, Http::One)?.host(host).send()?;
    }
    let truth = peer.truth(ASKED.len())?;
    // Envoy's pool keeps its connections open, so their lines come when it ends.
    let envoy = proxy.pid();
    drop(proxy);
    let report = agent.stop()?;
    let own: Vec<_> = truth.iter().map(|row| row.from_other_end(Some(envoy))).collect();
    let ports = [peer.port()];
    compare(&own, &report.exchanges, Role::Client, &ports).require_all()?;
    compare(&truth, &report.exchanges, Role::Server, &ports).require_all()?;
    // Envoy resumes its sessions: the server sends its certificate once.
    let lines = report.exchanges.iter().filter(|line| is_of(line, Role::Client, &ports));
    let mut full = 0;
    for line in lines {
        let is_full = line.get("resumed") == Some(&json!(false));
        let source = if is_full { "handshake" } else { "presumed" };
        ensure!(line.get("certificate_source") == Some(&json!(source)), "{line:#}");
        full += usize::from(is_full);
    }
    ensure!(full > 0, "{:#?}", report.exchanges);
    Ok(())
}

#[test]
fn the_upstream_of_envoy_is_told_at_both_ends() -> Result<()> {
    for version in [EnvoyVersion::NEW, EnvoyVersion::OLD] {
        for http in [Http::One, Http::Two] {
            upstream_is_told(version, http).with_context(|| format!("{version:?} {http:?}"))?;
        }
    }
    Ok(())
}
