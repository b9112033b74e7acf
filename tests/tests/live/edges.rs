use anyhow::{Context, Result, ensure};
use wrongdoor_tests::live::compare::{Role, compare, is_of};
use wrongdoor_tests::live::edges::{EDGES, Edges};
use wrongdoor_tests::live::{Agent, Ground, Residents, kernel};
use wrongdoor_tests::report::text;

#[test]
fn http_1_as_few_write_it_is_told() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let mut edges = Edges::start(&ground)?;
    let port = [edges.port()];
    let _residents = Residents::start()?;
    let agent = Agent::start(&turn)?;
    let mut played = Vec::new();
    for edge in EDGES {
        let done = edges.play(&ground, edge).with_context(|| edge.0.to_owned())?;
        played.push((edge.0, done));
    }
    let lines = agent.stop()?.exchanges;
    let mut failures = Vec::new();
    let (mut server, mut client) = (Vec::new(), Vec::new());
    for (edge, done) in played {
        for (role, truth) in [(Role::Server, &done.server), (Role::Client, &done.client)] {
            let own = |line: &&serde_json::Value| {
                truth.iter().any(|row| text(line, "client") == Some(&row.client))
            };
            let own: Vec<_> = lines.iter().filter(own).cloned().collect();
            let told = compare(truth, &own, role, &port).require_all();
            failures.extend(told.with_context(|| format!("{edge}, {role:?}")).err());
        }
        server.extend(done.server);
        client.extend(done.client);
    }
    let failures: Vec<_> = failures.iter().map(|failure| format!("{failure:#}")).collect();
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    // Nor is there one too many.
    for (role, truth) in [(Role::Server, &server), (Role::Client, &client)] {
        let count = lines.iter().filter(|line| is_of(line, role, &port)).count();
        ensure!(count == truth.len(), "{count} lines of {role:?}, not {}", truth.len());
    }
    Ok(())
}

#[test]
fn peers_agree_on_http_1_as_few_write_it() -> Result<()> {
    let ground = Ground::new()?;
    let mut edges = Edges::start(&ground)?;
    for edge in EDGES {
        edges.play(&ground, edge).with_context(|| edge.0.to_owned())?;
    }
    Ok(())
}
