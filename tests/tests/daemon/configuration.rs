use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::{Agent, Ask, Client, Ground, Software, kernel, scene};
use wrongdoor_tests::{binary, wait};

#[test]
fn what_is_typed_wins_over_variables_and_those_over_the_file() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("wrongdoor.yaml");
    fs::write(
        &file,
        "listen: 127.0.0.1:1\nevents:\n  of: all\nlog:\n  level: error\n  format: json\n",
    )?;
    let mut command =
        binary::command(&["run", "--print-config", "--log-level", "debug", "--config"]);
    command.arg(&file).env("WRONGDOOR_LOG", "trace").env("WRONGDOOR_LISTEN", "127.0.0.1:2");
    let output = command.output()?;
    let printed = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in ["listen: 127.0.0.1:2", "  of: all", "  level: debug", "  format: json"] {
        ensure!(printed.lines().any(|printed| printed == line), "no {line} in\n{printed}");
    }
    // What is printed is a configuration, and the same one.
    fs::write(&file, &printed)?;
    let again = binary::run(&["run", "--print-config", "--config", &file.display().to_string()])?;
    ensure!(String::from_utf8(again.stdout)? == printed);
    Ok(())
}

#[test]
fn what_is_wrong_in_the_file_is_64_and_told_with_its_line() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("wrongdoor.yaml");
    fs::write(&file, "source: auto\nlisten_on: 127.0.0.1:1\n")?;
    let output = binary::run(&["run", "--config", &file.display().to_string()])?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(64), "{said}");
    for part in ["wrongdoor.yaml", "listen_on", "line 2"] {
        ensure!(said.contains(part), "no {part} in {said}");
    }
    let missing = binary::run(&["run", "--config", "/nonexistent/wrongdoor.yaml"])?;
    ensure!(missing.status.code() == Some(66), "{missing:?}");
    Ok(())
}

#[test]
fn the_example_is_a_configuration() -> Result<()> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/wrongdoor.yaml");
    let of_example =
        binary::run(&["run", "--print-config", "--config", &example.display().to_string()])?;
    let of_none = binary::run(&["run", "--print-config"])?;
    ensure!(of_example.status.success() && of_example.stdout == of_none.stdout);
    Ok(())
}

#[test]
fn sighup_changes_what_can_change_and_says_what_cannot() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let file = ground.folder().join("wrongdoor.yaml");
    fs::write(&file, "names:\n  only: [a.test]\n")?;
    let mut agent = Agent::start_with(&turn, &["--config", &file.display().to_string()])?;
    let mut seen = 0;
    let mut ask = || -> Result<()> {
        let ask = Ask::new(Some("a.test"), &["a.test", "b.test"], Http::Two);
        seen += scene::play_one(&ground, &peer, Client::Node, &ask, seen)?.server.len();
        Ok(())
    };
    let count = |authority| [("role", "server"), ("authority", authority)];
    let exchanges = "wrongdoor_exchanges_total";
    ask()?;
    agent.wait_for_metrics("the name on the list", |metrics| {
        metrics.sum(exchanges, &count("a.test")) >= 1.0
            && metrics.sum(exchanges, &count("other")) >= 1.0
    })?;
    ensure!(agent.metrics()?.sum(exchanges, &count("b.test")) == 0.0);

    fs::write(&file, "names:\n  groups: ['*.test']\nlog:\n  level: debug\ndrain: 7s\n")?;
    agent.reload()?;
    wait::until("the new configuration", || {
        Ok(agent.log().contains("was reloaded").then_some(()))
    })?;
    ensure!(agent.log().contains("drain") && agent.log().contains("next start"), "{}", agent.log());
    ask()?;
    agent.wait_for_metrics("the names of the domain together", |metrics| {
        metrics.sum(exchanges, &count("*.test")) >= 2.0
    })?;

    fs::write(&file, "nonsense: true\n")?;
    agent.reload()?;
    wait::until("the refusal", || Ok(agent.log().contains("was not reloaded").then_some(())))?;
    agent.require_well()?;
    agent.stop()?;
    Ok(())
}

#[test]
fn people_are_told_how_it_stands_and_what_was_found() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let agent = Agent::start(&turn)?;
    let ask = Ask::new(Some("a.test"), &["a.test", "d.test"], Http::Two);
    scene::play_one(&ground, &peer, Client::Node, &ask, 0)?;
    let server = format!("127.0.0.1:{}", peer.port());
    let found = wait::until("the finding", || {
        let (status, body) = agent.get("/debug/recent")?;
        ensure!(status == 200, "{status}: {body}");
        let list: Vec<Value> = serde_json::from_str(&body)?;
        Ok(list.into_iter().find(|line| line["server"] == *server && line["role"] == "server"))
    })?;
    ensure!(
        found["status"] == 421 && found["authority"] == "d.test" && found["sni"] == "a.test",
        "{found:#}"
    );
    let (_, body) = agent.get("/debug/status")?;
    let status: Value = serde_json::from_str(&body)?;
    ensure!(status["ready"] == true && status["source"] == "ebpf", "{status:#}");
    let decoded = status["events"]["decode"].as_u64().context("no ledger")?;
    ensure!(decoded > 0, "{status:#}");
    agent.stop()?;
    Ok(())
}

#[test]
fn full_event_files_are_put_aside() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let events = ground.folder().join("events.jsonl");
    let file = ground.folder().join("wrongdoor.yaml");
    fs::write(&file, "events:\n  max_bytes: 20000\n  keep: 2\n")?;
    let arguments =
        ["--config", &file.display().to_string(), "--events", &events.display().to_string()];
    let agent = Agent::start_silent(&turn, &[&arguments[..], &["--events-of", "all"]].concat())?;
    let ask = Ask::many("a.test", &["a.test", "d.test"], 200, 10);
    scene::play_one(&ground, &peer, Client::Node, &ask, 0)?;
    agent.end()?;
    for (name, is_there) in [
        ("events.jsonl", true),
        ("events.jsonl.1", true),
        ("events.jsonl.2", true),
        ("events.jsonl.3", false),
    ] {
        let file = ground.folder().join(name);
        ensure!(file.exists() == is_there, "{name}");
        if is_there {
            let text = fs::read_to_string(&file)?;
            ensure!(text.len() <= 20_000 && text.ends_with('\n'), "{name}: {}", text.len());
            text.lines().try_for_each(|line| serde_json::from_str::<Value>(line).map(drop))?;
        }
    }
    Ok(())
}
