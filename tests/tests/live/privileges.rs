use std::fs;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::curl::Http;
use wrongdoor_tests::live::compare::{Role, compare};
use wrongdoor_tests::live::kernel::Turn;
use wrongdoor_tests::live::{Agent, Ask, Client, Ground, Software, kernel, nobody, scene};

/// The smallest set that sees everything, as in the README.
const SMALLEST: [&str; 5] = ["bpf", "perfmon", "net_admin", "sys_ptrace", "dac_read_search"];
/// The smallest set where uprobes attach by perf events, as before Linux 6.6.
const SMALLEST_BY_PERF_EVENTS: [&str; 3] = ["sys_admin", "sys_ptrace", "dac_read_search"];
/// The numbers of the capabilities that the thread which attaches uprobes may keep.
const TRACING: [u32; 5] = [2, 19, 38, 39, 40];
/// CAP_BPF
const READING: u32 = 39;

#[test]
fn the_smallest_set_sees_other_users_exchanges() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    sees_other_users_exchanges(&turn, &SMALLEST, &[])
}

#[test]
fn perf_events_need_the_right_to_administrate() -> Result<()> {
    let Some(turn) = kernel::begin()? else { return Ok(()) };
    sees_other_users_exchanges(&turn, &SMALLEST_BY_PERF_EVENTS, &["--only-perf-events"])
}

fn sees_other_users_exchanges(
    turn: &Turn,
    capabilities: &[&str],
    arguments: &[&str],
) -> Result<()> {
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let agent = Agent::start_source_as_nobody(turn, "ebpf", capabilities, arguments)?;
    let ask = Ask::new(Some("a.test"), &["a.test", "d.test"], Http::Two);
    let played = scene::play_one(&ground, &peer, Client::Curl, &ask, 0)?;
    let lines = agent.stop()?.exchanges;
    compare(&played.server, &lines, Role::Server, &[peer.port()]).require_all()?;
    compare(&played.client, &lines, Role::Client, &[peer.port()]).require_all()
}

#[test]
fn what_is_missing_is_named_and_is_77() -> Result<()> {
    let Some(_turn) = kernel::begin()? else { return Ok(()) };
    let run = ["run", "--listen", "127.0.0.1:0"];
    let by_perf_events = [&run[..], &["--only-perf-events"]].concat();
    let (bpf, perfmon) = ("CAP_BPF", "CAP_PERFMON");
    for (capabilities, command, named) in [
        (&[][..], &run[..], &[bpf, perfmon][..]),
        (&[], &["doctor"], &[bpf, perfmon]),
        (&["bpf"], &run, &[perfmon]),
        (&["bpf"], &["doctor"], &[perfmon]),
        (&["perfmon"], &run, &[bpf]),
        (&["bpf", "perfmon"], &by_perf_events, &["perf events", "CAP_SYS_ADMIN"]),
    ] {
        let folder = tempfile::tempdir()?;
        let output = nobody::command(folder.path(), capabilities)?.args(command).output()?;
        let text = [output.stderr, output.stdout].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        ensure!(output.status.code() == Some(77), "{command:?} {}: {text}", output.status);
        for name in named {
            ensure!(text.contains(name), "{command:?} does not name {name}: {text}");
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
            "tracer" | "examine" | "search" => (tracing, tracing),
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
    for expected in ["tracer", "search", "service", "events", "traces"] {
        ensure!(names.iter().any(|name| name == expected), "no {expected} among {names:?}");
    }
    agent.stop()?;
    Ok(())
}
