use std::fs;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::kernel::{self, Objects};
use wrongdoor_tests::live::process::Running;
use wrongdoor_tests::live::{Agent, Ask, Client, Ground, Software, library, scene};

/// Enough copies of OpenSSL for more than 1,000 places.
const COPIES: usize = 60;

/// Processes that each have a copy of OpenSSL of their own mapped.
fn users_of_copies(ground: &Ground) -> Result<Vec<Running>> {
    let folder = ground.subfolder("copies")?;
    library::copy_openssl(&folder)?;
    let mut files = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let original = files.find(|path| path.to_string_lossy().contains("libssl.so"));
    let original = original.context("no libssl")?;
    (0..COPIES)
        .map(|number| {
            let copy = folder.join(format!("copy-{number}-libssl.so.3"));
            fs::copy(&original, &copy)?;
            library::map(&copy)
        })
        .collect()
}

#[test]
fn a_thousand_places_take_a_few_links_for_each_file() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let users = users_of_copies(&ground)?;
    let agent = Agent::start(&turn)?;
    let metrics = agent.metrics()?;
    let uprobes = ["tls_entry", "tls_return", "tls_returned", "tls_message"];
    let attached = |program| metrics.sum("wrongdoor_probe_attached", &[("program", program)]);
    let places: f64 = uprobes.into_iter().map(attached).sum();
    ensure!(places >= 1_000.0, "only {places} places:\n{}", agent.log());
    // What an agent must close when it ends: a perf event for each place made that take minutes.
    let links = Objects::now()?.of_process(agent.pid())?.links.len();
    ensure!(links as f64 * 4.0 < places, "{links} links for {places} places");
    agent.stop()?;
    users.into_iter().try_for_each(|user| user.finish().map(drop))
}

#[test]
fn an_agent_that_was_killed_is_replaced_at_once_at_the_same_port() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let first = Agent::start(&turn)?;
    let second = first.kill_and_replace(&turn)?;
    let ask = Ask::new(Some("a.test"), &["a.test", "d.test"], Http::Two);
    let played = scene::play_one(&ground, &peer, Client::Curl, &ask, 0)?;
    let lines = second.stop()?.exchanges;
    compare(&played.server, &lines, Role::Server, &[peer.port()]).require_all()?;
    compare(&played.client, &lines, Role::Client, &[peer.port()]).require_all()
}
