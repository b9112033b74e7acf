use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::Value;
use wrongdoor_tests::curl::{Curl, Http};
use wrongdoor_tests::live::kernel::{self, Turn};
use wrongdoor_tests::live::{Agent, Ground};
use wrongdoor_tests::nginx::{self, ServerBlock};
use wrongdoor_tests::server::Server;
use wrongdoor_tests::{binary, tools, wait};

/// Requests of a round: more lines than the small disk holds.
const REQUESTS: usize = 200;
/// The bytes of the small disk.
const DISK: &str = "131072";

/// In cleartext, so that the packets of loopback are enough to see it.
fn server(ground: &Ground) -> Result<Server> {
    nginx::start(&ground.subfolder("nginx")?, "", &[ServerBlock::cleartext("a.test")])
}

fn ask(server: &Server, requests: usize) -> Result<()> {
    let url = format!("http://127.0.0.1:{}/?[1-{requests}]", server.port());
    let answers = Curl::new(&url, Http::One)?.host("a.test").send()?;
    ensure!(answers.len() == requests && answers.iter().all(|answer| answer.status == 200));
    Ok(())
}

/// An agent that runs in `wrapper`, a command that ends with executing its arguments.
fn agent(turn: &Turn, wrapper: Command, server: &Server, arguments: &[&str]) -> Result<Agent> {
    let port = server.port().to_string();
    let packets = ["--interface", "lo", "--cleartext-port", &port, "--events-of", "all"];
    Agent::start_wrapped(turn, wrapper, "packets", &[&packets[..], arguments].concat())
}

/// Mounts a small disk on a folder, where only the agent sees it.
fn with_small_disk(folder: &Path) -> Command {
    let mount = format!("mount -t tmpfs -o size={DISK} small \"$0\" && exec \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &mount]).arg(folder).arg(binary::path());
    command
}

/// What the agent counts of the events that it is to write.
fn exported(agent: &Agent, metric: &str) -> Result<f64> {
    Ok(agent.metrics()?.sum(metric, &[("stage", "export")]))
}

/// How many lines a file has, all of which are whole.
fn whole_lines(file: &Path) -> Result<usize> {
    let text = fs::read_to_string(file)?;
    let whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
    whole.lines().try_for_each(|line| serde_json::from_str::<Value>(line).map(drop))?;
    Ok(whole.lines().count())
}

#[test]
fn a_full_disk_costs_events_until_there_is_room_again() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let server = server(&ground)?;
    let folder = ground.subfolder("disk")?;
    let events = folder.join("events.jsonl").display().to_string();
    let arguments = ["--events", events.as_str()];
    let mut agent = agent(&turn, with_small_disk(&folder), &server, &arguments)?;
    // As the agent sees it.
    let disk = PathBuf::from(format!("/proc/{}/root", agent.pid())).join(folder.strip_prefix("/")?);
    let filler = disk.join("filler");
    fs::write(&filler, vec![0; 96 * 1024])?;

    wait::until("events to be lost", || {
        ask(&server, REQUESTS)?;
        agent.require_well()?;
        Ok((exported(&agent, "wrongdoor_events_lost_total")? > 0.0).then_some(()))
    })?;
    ensure!(agent.log().contains("No space left on device"), "{}", agent.log());

    fs::remove_file(&filler)?;
    let before = whole_lines(&disk.join("events.jsonl"))?;
    wait::until("events to be written again", || {
        ask(&server, 1)?;
        Ok((whole_lines(&disk.join("events.jsonl"))? > before).then_some(()))
    })?;
    // What was to be written is in the file, or counted as lost.
    wait::until("all events to be accounted for", || {
        let wanted = exported(&agent, "wrongdoor_events_total")?;
        let lost = exported(&agent, "wrongdoor_events_lost_total")?;
        let written = whole_lines(&disk.join("events.jsonl"))?;
        Ok((wanted == lost + written as f64).then_some(()))
    })?;
    ensure!(agent.log().contains("events are written again"), "{}", agent.log());
    agent.end()
}

#[test]
fn a_reader_that_leaves_ends_its_events_and_not_the_agent() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let server = server(&ground)?;
    let pipe = ground.folder().join("events");
    tools::output(Command::new("mkfifo").arg(&pipe))?;
    let mut reader = BufReader::new(File::options().read(true).write(true).open(&pipe)?);
    let pipe = pipe.display().to_string();
    let mut agent = agent(&turn, binary::command(&[]), &server, &["--events", &pipe])?;
    ask(&server, 1)?;
    let mut line = String::new();
    reader.read_line(&mut line)?;
    ensure!(line.starts_with("{\"type\":\"exchange\""), "{line}");
    drop(reader);
    wait::until("the events to end", || {
        ask(&server, 1)?;
        agent.require_well()?;
        Ok(agent.log().contains("Broken pipe").then_some(()))
    })?;
    ask(&server, 1)?;
    wait::until("the metrics to go on", || {
        agent.require_well()?;
        Ok((exported(&agent, "wrongdoor_events_lost_total")? >= 1.0).then_some(()))
    })?;
    agent.end()
}
