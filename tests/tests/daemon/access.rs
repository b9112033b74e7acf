use std::fs;

use anyhow::{Result, ensure};
use wrongdoor_tests::live::{Agent, Ground, kernel};
use wrongdoor_tests::prometheus::{Prometheus, Scraped};
use wrongdoor_tests::{binary, tools};

/// The status that curl gets, with these arguments.
fn status(port: u16, path: &str, arguments: &[&str]) -> Result<String> {
    let mut command = tools::command("curl")?;
    command.args(["--disable", "--silent", "--noproxy", "*", "--output", "/dev/null"]);
    command.args(["--write-out", "%{http_code}"]).args(arguments);
    let output = command.arg(format!("https://localhost:{port}{path}")).output()?;
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn beyond_loopback_it_is_guarded_or_asked_for() -> Result<()> {
    let output = binary::run(&["run", "--listen", "0.0.0.0:0"])?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(64) && said.contains("--allow-plain"), "{said}");
    Ok(())
}

#[test]
fn only_who_has_the_token_is_answered_and_only_over_tls() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let token = ground.folder().join("token");
    fs::write(&token, "one-two-three\n")?;
    let path = |path: &std::path::Path| path.display().to_string();
    let (chain, key) = (path(&ground.cert.chain), path(&ground.cert.key));
    let guard = ["--tls-certificate", &chain, "--tls-key", &key, "--bearer-token", &path(&token)];
    let agent = Agent::start_guarded(&turn, ground.root(), &guard)?;
    let root = path(ground.root());
    let trusted = ["--cacert", root.as_str()];
    let with_token = [&trusted[..], &["--header", "Authorization: Bearer one-two-three"]].concat();
    for page in ["/metrics", "/debug/status", "/debug/recent"] {
        ensure!(status(agent.port(), page, &trusted)? == "401", "{page} is open");
        ensure!(status(agent.port(), page, &with_token)? == "200", "{page} is closed");
    }
    ensure!(status(agent.port(), "/healthz", &trusted)? == "200");
    ensure!(agent.get("/metrics").is_err(), "it answers without TLS");

    let guarded_by = Some((ground.root().to_owned(), token.clone()));
    let scraped = Scraped { guarded_by, ..Scraped::default() };
    let prometheus = Prometheus::start(ground.folder(), &scraped)?;
    prometheus.scrape(&[agent.port()])?;

    // A new token holds as soon as it is reloaded.
    fs::write(&token, "four\n")?;
    agent.reload()?;
    wrongdoor_tests::wait::until("the new token to hold", || {
        Ok((status(agent.port(), "/metrics", &with_token)? == "401").then_some(()))
    })?;
    agent.end()
}
