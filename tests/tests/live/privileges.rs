use std::fs;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::{Agent, Ask, Client, Ground, Software, kernel, nobody, scene};

/// The smallest set that sees everything, as in the README.
const SMALLEST: [&str; 3] = ["sys_admin", "sys_ptrace", "dac_read_search"];
/// The numbers of those that the thread which sets traps may keep.
const TRACING: [u32; 6] = [2, 19, 21, 38, 39, 40];
/// CAP_BPF
const READING: u32 = 39;

#[test]
fn nobody_with_the_smallest_set_sees_other_users_exchanges() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let agent = Agent::start_as_nobody(&turn, &SMALLEST)?;
    let ask = Ask::new(Some("a.test"), &["a.test", "d.test"], Http::Two);
    let played = scene::play_one(&ground, &peer, Client::Curl, &ask, 0)?;
    let lines = agent.stop()?.exchanges;
    compare(&played.server, &lines, Role::Server, &[peer.port()]).require_all()?;
    compare(&played.client, &lines, Role::Client, &[peer.port()]).require_all()
}

#[test]
fn what_is_missing_is_named_and_is_77() -> Result<()> {
    let Some(_turn) = kernel::begin()? else { return Ok(()) };
    let all = ["CAP_BPF", "CAP_PERFMON", "CAP_SYS_ADMIN"];
    for (capabilities, missing) in [(&[][..], &all[..]), (&["bpf", "perfmon"], &all[2..])] {
        for what in [&["run", "--listen", "127.0.0.1:0"][..], &["doctor"]] {
            let folder = tempfile::tempdir()?;
            let output = nobody::command(folder.path(), capabilities)?.args(what).output()?;
            let said = [output.stderr, output.stdout].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            ensure!(output.status.code() == Some(77), "{what:?} {}: {said}", output.status);
            for name in missing {
                ensure!(said.contains(name), "{what:?} does not name {name}: {said}");
            }
        }
    }
    Ok(())
}

#[test]
fn what_is_not_needed_any_more_is_given_up_by_every_thread() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    let agent = Agent::start_with(&turn, &["--otlp-endpoint", "http://localhost:9"])?;
    let mut names = Vec::new();
    for thread in fs::read_dir(format!("/proc/{}/task", agent.pid()))? {
        let folder = thread?.path();
        let (name, status) =
            (fs::read_to_string(folder.join("comm")), fs::read_to_string(folder.join("status")));
        // Some are short.
        let (Ok(name), Ok(status)) = (name, status) else { continue };
        let name = name.trim().to_owned();
        let field = |field: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            Ok(u64::from_str_radix(line.context("no such field")?.trim(), 16)?)
        };
        let tracing: u64 = TRACING.iter().map(|number| 1 << number).sum();
        // What it may ever have, and what it has. The reader gave up the right to narrow the former before.
        let (bound, allowed) = match name.as_str() {
            // It looks into files in threads of its own, which have what it has.
            "tracer" | "examine" => (tracing, tracing),
            "service" | "events" | "traces" => (0, 0),
            _ => (tracing, 1 << READING),
        };
        let own = ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"].map(|set| (set, allowed));
        for (set, allowed) in own.into_iter().chain([("CapBnd:", bound)]) {
            let more = field(set)? & !allowed;
            ensure!(more == 0, "{name} has more in {set} {more:x}\n{status}");
        }
        ensure!(field("NoNewPrivs:")? == 1, "{name} may get more: {status}");
        names.push(name);
    }
    for expected in ["tracer", "service", "events", "traces"] {
        ensure!(names.iter().any(|name| name == expected), "no {expected} among {names:?}");
    }
    agent.stop()?;
    Ok(())
}
