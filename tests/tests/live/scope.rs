use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::compare::{Role, compare, is_of};
use wrongdoor_tests::live::kernel::{self, Turn};
use wrongdoor_tests::live::servers::nginx;
use wrongdoor_tests::live::{
    Agent, Ask, Client, Ground, Peer, Software, Truth, clients, library, scene,
};
use wrongdoor_tests::report::Report;
use wrongdoor_tests::{binary, wait};

/// How many connections are made at once, so that every worker of nginx gets some.
const AT_ONCE: usize = 20;

/// What an agent with `arguments` tells of curl and nginx, which was there before it.
fn tell(turn: &Turn, arguments: &[&str]) -> Result<(Vec<Truth>, Report, u16)> {
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let agent = Agent::start_with(turn, arguments)?;
    let mut truth = Vec::new();
    for http in [Http::One, Http::Two] {
        let ask = Ask::new(Some("a.test"), &["a.test", "b.test", "d.test"], http);
        truth.extend(scene::play_one(&ground, &peer, Client::Curl, &ask, truth.len())?.server);
    }
    Ok((truth, agent.stop()?, peer.port()))
}

/// The server's end is told, and of curl nothing.
fn only_the_server_is_told(turn: &Turn, arguments: &[&str]) -> Result<()> {
    let (truth, report, port) = tell(turn, arguments)?;
    let told = compare(&truth, &report.exchanges, Role::Server, &[port]).require_all();
    told.with_context(|| format!("{arguments:?}"))?;
    // The agent sees the handshakes of curl too, and must not report them.
    let lines = report.exchanges.iter().chain(&report.connections);
    let of_curl: Vec<_> = lines.filter(|line| is_of(line, Role::Client, &[port])).collect();
    ensure!(of_curl.is_empty(), "{arguments:?}: {of_curl:#?}");
    Ok(())
}

/// `rule` chooses this test's processes, and `other` does not.
fn chooses(kind: &str, rule: &str, other: &str) -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let rule = format!("{kind}={rule}");
    let (truth, report, port) = tell(&turn, &["--include", &rule])?;
    let told = compare(&truth, &report.exchanges, Role::Server, &[port]).require_all();
    told.with_context(|| rule.clone())?;
    compare(&truth, &report.exchanges, Role::Client, &[port]).require_nothing_wrong()?;
    for arguments in [["--include", &format!("{kind}={other}")], ["--exclude", &rule]] {
        let (_, report, port) = tell(&turn, &arguments)?;
        let ours = |line: &&Value| {
            [Role::Client, Role::Server].iter().any(|role| is_of(line, *role, &[port]))
        };
        let lines = report.exchanges.iter().chain(&report.connections);
        let told: Vec<_> = lines.filter(ours).collect();
        ensure!(told.is_empty(), "{arguments:?}: {told:#?}");
    }
    Ok(())
}

#[test]
fn an_included_program_alone_is_told() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    only_the_server_is_told(&turn, &["--include", "command=nginx"])
}

#[test]
fn an_excluded_program_is_not_told() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    only_the_server_is_told(&turn, &["--exclude", "command=curl"])
}

#[test]
fn namespaces_are_told_apart() -> Result<()> {
    let inode = fs::metadata("/proc/self/ns/net")?.ino();
    chooses("namespace", &format!("net:[{inode}]"), &(inode + 1).to_string())
}

#[test]
fn control_groups_are_told_apart() -> Result<()> {
    // Of several hierarchies it is one of those that tell most.
    let text = fs::read_to_string("/proc/self/cgroup")?;
    let paths = text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let longest = paths.max_by_key(|path| path.len()).context("no control group")?;
    chooses("cgroup", &format!("{longest}*"), "/of-nobody/*")
}

#[test]
fn what_is_not_included_has_no_traps() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let mapped = library::mapped(peer.pid(), "libssl.so")?;
    let [path] = mapped.as_slice() else { anyhow::bail!("{mapped:?}") };
    let other = library::map(Path::new(path))?;
    kernel::require_no_others(None)?;
    for (arguments, is_other_trapped) in [
        (&["--include", "command=nginx"][..], false),
        (&["--exclude", "command=python*"], false),
        (&[], true),
    ] {
        let agent = Agent::start_with(&turn, arguments)?;
        for worker in nginx::workers(&peer, &BTreeSet::new())? {
            ensure!(library::is_trapped(worker, path)?, "nginx is not, with {arguments:?}");
        }
        let is_trapped = || library::is_trapped(other.pid(), path);
        if is_trapped()? != is_other_trapped {
            // Another agent's traps, which came meanwhile: looked at again without them.
            kernel::require_no_others(Some(agent.pid()))?;
            ensure!(is_trapped()? == is_other_trapped, "not {is_other_trapped} with {arguments:?}");
        }
        agent.stop()?;
        if is_trapped()? {
            kernel::require_no_others(None)?;
            ensure!(!is_trapped()?, "it still is after {arguments:?}");
        }
    }
    other.finish()?;
    Ok(())
}

/// Asks until every worker of nginx has been told once, and then more, all of which must be.
fn workers_are_told(agent: &mut Agent, peer: &Peer, workers: &BTreeSet<u32>) -> Result<Vec<Truth>> {
    let ask = || {
        let before = peer.seen()?.len();
        let ask = Ask { http: Http::Two, ..Ask::many("a.test", &["a.test"], AT_ONCE, 1) };
        let told = clients::connections(peer.port(), &ask)?;
        let seen = peer.truth(before + told.count)?;
        anyhow::Ok(seen.get(before..).unwrap_or_default().to_vec())
    };
    let ports = [peer.port()];
    wait::within(wrongdoor_tests::live::agent::TIMEOUT, "every worker to be told", || {
        ask()?;
        let lines = agent.lines()?.exchanges;
        let ours = lines.iter().filter(|line| is_of(line, Role::Server, &ports));
        let told = ours.filter_map(|line| line.pointer("/process/pid")?.as_u64());
        let told: BTreeSet<u64> = told.collect();
        Ok(workers.iter().all(|worker| told.contains(&u64::from(*worker))).then_some(()))
    })
    .with_context(|| agent.log())?;
    agent.require_well()?;
    ask()
}

#[test]
fn included_programs_are_told_that_start_or_fork_later() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let mut agent = Agent::start_with(&turn, &["--include", "command=nginx"])?;
    let peer = Software::Nginx.start(&ground)?;
    let first = nginx::workers(&peer, &BTreeSet::new())?;
    let mut late = workers_are_told(&mut agent, &peer, &first)?;
    // New workers, from a process that is trapped already.
    let master = Pid::from_raw(peer.pid().cast_signed()).context("no process")?;
    kill_process(master, Signal::HUP)?;
    let second = nginx::workers(&peer, &first)?;
    late.extend(workers_are_told(&mut agent, &peer, &second)?);
    let lines = agent.stop()?.exchanges;
    let outcome = compare(&peer.seen()?, &lines, Role::Server, &[peer.port()]);
    outcome.require_nothing_wrong()?;
    let missing: Vec<_> = late.iter().filter(|row| outcome.missing.contains(row)).collect();
    ensure!(missing.is_empty(), "{missing:#?}");
    Ok(())
}

#[test]
fn a_rule_of_no_kind_is_bad_usage() -> Result<()> {
    for rule in ["pod=x", "nginx", "namespace=default", "command="] {
        for option in ["--include", "--exclude"] {
            let output = binary::run(&["run", "--listen", "127.0.0.1:0", option, rule])?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(output.status.code() == Some(64), "{rule}: {}\n{said}", output.status);
            ensure!(said.contains(&format!("`{rule}`")), "{rule}: {said}");
        }
    }
    Ok(())
}
