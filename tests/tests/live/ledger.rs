use anyhow::{Result, ensure};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::{Agent, Ask, Client, Ground, Software, kernel, ledger, scene};

#[test]
fn what_leaves_a_stage_enters_the_next() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    // Apache's listener waits for data: its ClientHellos come before their sockets.
    let peer = Software::Apache.start(&ground)?;
    let mut agent = Agent::start(&turn)?;
    let mut truth = Vec::new();
    // Each curl is a program that begins, too.
    for http in [Http::One, Http::Two, Http::Two] {
        let ask = Ask::new(Some("a.test"), &["a.test", "b.test"], http);
        truth.extend(scene::play_one(&ground, &peer, Client::Curl, &ask, truth.len())?.server);
    }
    let count = truth.len();
    let port = peer.port();
    agent.wait_for("the server", count, |line| {
        wrongdoor_tests::live::compare::is_of(line, Role::Server, &[port])
    })?;
    ledger::require_sum(&mut agent)?;
    let exports = ledger::Stage::of(&agent.metrics()?, "export");
    ensure!(exports.lost == 0.0, "{exports:?}");
    compare(&truth, &agent.stop()?.exchanges, Role::Server, &[port]).require_all()
}
