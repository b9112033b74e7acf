use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::clients::Paused;
use wrongdoor_tests::live::compare::{Role, compare, is_of};
use wrongdoor_tests::live::kernel::{self, Objects};
use wrongdoor_tests::live::{Agent, Ask, Client, Ground, Residents, Software, scene};
use wrongdoor_tests::report::text;
use wrongdoor_tests::wait;

#[test]
fn a_connection_older_than_the_agent_gives_no_mismatch() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    for http in [Http::One, Http::Two] {
        let ground = Ground::new()?;
        let peer = Software::Nginx.start(&ground)?;
        // None that is answered with 421: over HTTP/1 the client asks the next on another connection then.
        let ask = Ask::new(Some("a.test"), &["a.test", "b.test", "c.test", "a.test"], http);
        let mut client = Paused::start(&ground, peer.port(), &ask, 2)?;
        let older = &[("visibility", "older_than_agent")];
        let mut agent = Agent::start(&turn)?;
        client.go_on()?;
        peer.agreed(&client.finish()?.rows.context("no rows")?)?;
        agent.wait_for_metrics("the connection to be told as older", |metrics| {
            metrics.sum("wrongdoor_connections_total", older) >= 1.0
        })?;
        // Its client was counted, and has ended.
        agent.wait_for_metrics("no client's connection to be open", |metrics| {
            let mut samples = metrics.samples().iter();
            samples.any(|sample| {
                let is_client =
                    sample.labels.get("command").is_some_and(|command| command == "node");
                sample.name == "wrongdoor_older_connections" && is_client && sample.value == 0.0
            })
        })?;
        let lines = agent.stop()?.exchanges;
        for line in lines.iter().filter(|line| {
            [Role::Client, Role::Server].iter().any(|role| is_of(line, *role, &[peer.port()]))
        }) {
            // Whoever tells of it all the same must not know its SNI.
            ensure!(text(line, "verdict") == Some("unknown"), "{http:?}: {line:#}");
        }
    }
    Ok(())
}

#[test]
fn an_agent_that_is_replaced_during_traffic_tells_nothing_wrong() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let _residents = Residents::start()?;
    let ports = [peer.port()];
    let names = ["a.test", "b.test", "d.test"];
    // Begins under the first agent and ends under the second.
    let mut first = Agent::start(&turn)?;
    let mut client =
        Paused::start(&ground, peer.port(), &Ask::many("a.test", &names, 600, 10), 300)?;
    first.wait_for("the first half", 300, |line| is_of(line, Role::Server, &ports))?;
    let mut lines = first.stop()?.exchanges;
    let second = Agent::start(&turn)?;
    client.go_on()?;
    let told = client.finish()?;
    let seen = peer.agreed(&told.rows.context("no rows")?)?;
    // A connection of the second agent's own.
    let before = seen.len();
    let ask = Ask::many("a.test", &names, 300, 10);
    let own = scene::play_one(&ground, &peer, Client::Node, &ask, before)?;
    let later = second.stop()?.exchanges;
    compare(&own.server, &of_client(&later, &own.server), Role::Server, &ports).require_all()?;
    compare(&own.client, &of_client(&later, &own.client), Role::Client, &ports).require_all()?;
    lines.extend(of_client(&later, &seen));
    compare(&seen, &lines, Role::Server, &ports).require_nothing_wrong()
}

/// The lines of the connections of `truth`.
fn of_client(lines: &[Value], truth: &[wrongdoor_tests::live::Truth]) -> Vec<Value> {
    let of = |line: &&Value| truth.iter().any(|row| text(line, "client") == Some(&row.client));
    lines.iter().filter(of).cloned().collect()
}

#[test]
fn sigterm_detaches_everything() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let _peer = Software::Nginx.start(&ground)?;
    let agent = Agent::start(&turn)?;
    let own = Objects::now()?.of_process(agent.pid())?;
    ensure!(!own.programs.is_empty(), "no program is loaded:\n{}", agent.log());
    agent.stop()?;
    gone(&own)
}

#[test]
fn a_killed_agent_leaves_nothing_in_the_kernel() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let agent = Agent::start(&turn)?;
    let own = Objects::now()?.of_process(agent.pid())?;
    ensure!(!own.programs.is_empty(), "no program is loaded:\n{}", agent.log());
    agent.kill()?;
    gone(&own)?;
    // And the traced go on.
    let ask = Ask::new(Some("a.test"), &["a.test"], Http::Two);
    scene::play_one(&ground, &peer, Client::Curl, &ask, 0)?;
    Ok(())
}

/// The kernel frees what nobody holds a little later.
fn gone(own: &Objects) -> Result<()> {
    let mut left = Objects::default();
    wait::until("the kernel to free programs and links", || {
        left = own.clone().left_in(&Objects::now()?);
        Ok(left.is_empty().then_some(()))
    })
    .with_context(|| format!("{left:?} are left"))
}

#[test]
fn a_program_that_starts_later_is_found() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let agent = Agent::start(&turn)?;
    let peer = Software::Node.start(&ground)?;
    let ports = [peer.port()];
    let mut truth = Vec::new();
    // Examining it takes the time that it takes; connections from then on are told.
    wait::until("a connection to be told", || {
        let ask = Ask::new(Some("a.test"), &["a.test", "d.test"], Http::Two);
        let played = scene::play_one(&ground, &peer, Client::Curl, &ask, truth.len())?;
        truth.extend(played.server);
        let lines = agent.lines()?.exchanges;
        Ok(lines.iter().any(|line| is_of(line, Role::Server, &ports)).then_some(()))
    })
    .with_context(|| agent.log())?;
    let lines = agent.stop()?.exchanges;
    compare(&truth, &lines, Role::Server, &ports).require_nothing_wrong()
}
