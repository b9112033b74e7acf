//! What watches: nothing, wrongdoor, and what is used instead of it.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use wrongdoor_tests::live::agent::{Agent, Events};
use wrongdoor_tests::live::kernel::Turn;
use wrongdoor_tests::{server, tools, wait};

use super::baseline::Baseline;
use super::{probes, processor};

/// bpftrace has attached all that it will when it has attached nothing for so long.
const SETTLED: Duration = Duration::from_millis(1500);
/// How long it may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A program that watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Wrongdoor,
    /// Debian's bpftrace script. It times calls, and moves no data.
    Sslsnoop,
    /// The usual design: `xtask/baseline`.
    Baseline,
}

/// What it watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// The server.
    Server,
    /// Everything of the machine, the client too.
    Both,
}

/// All that is measured, beside nothing at all. bpftrace's `-p` does not keep its uprobes to one process, so there is
/// no sslsnoop.bt of the server alone.
pub(crate) const WATCHED: [(Program, Ends); 5] = [
    (Program::Wrongdoor, Ends::Server),
    (Program::Baseline, Ends::Server),
    (Program::Wrongdoor, Ends::Both),
    (Program::Baseline, Ends::Both),
    (Program::Sslsnoop, Ends::Both),
];

/// What is needed to start one.
#[derive(Debug)]
pub(crate) struct Kit<'a> {
    pub(crate) turn: Turn,
    pub(crate) wrongdoor: PathBuf,
    pub(crate) baseline: Vec<u8>,
    pub(crate) sslsnoop: PathBuf,
    pub(crate) library: PathBuf,
    pub(crate) folder: &'a Path,
}

/// A running one. It is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Tracer {
    running: Running,
    /// Its programs in the kernel.
    pub(crate) programs: BTreeSet<u32>,
}

#[derive(Debug)]
enum Running {
    Wrongdoor(Agent),
    Sslsnoop(Bpftrace),
    Baseline(Box<Baseline>),
}

#[derive(Debug)]
struct Bpftrace(Child);

impl Program {
    /// As the table has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wrongdoor => "wrongdoor",
            Self::Sslsnoop => "sslsnoop.bt",
            Self::Baseline => "baseline",
        }
    }
}

impl Ends {
    /// As the table has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Both => "both",
        }
    }
}

impl Tracer {
    /// Starts one, and waits until it watches. `pid` is the server's process.
    pub(crate) fn start(kit: &Kit<'_>, program: Program, ends: Ends, pid: u32) -> Result<Self> {
        let running = match program {
            Program::Wrongdoor => Running::Wrongdoor(wrongdoor(kit, ends)?),
            Program::Sslsnoop => Running::Sslsnoop(sslsnoop(kit)?),
            Program::Baseline => {
                let only = (ends == Ends::Server).then_some(pid);
                Running::Baseline(Box::new(Baseline::start(&kit.baseline, &kit.library, only)?))
            }
        };
        let mut tracer = Self { running, programs: BTreeSet::new() };
        tracer.look()?;
        Ok(tracer)
    }

    /// Looks again which programs it has: some come late.
    pub(crate) fn look(&mut self) -> Result<()> {
        self.programs = probes::of_process(match &self.running {
            Running::Wrongdoor(agent) => agent.pid(),
            Running::Sslsnoop(Bpftrace(process)) => process.id(),
            Running::Baseline(_) => process::id(),
        })?;
        Ok(())
    }

    /// Its processor time so far, and the bytes that went through its ring, where that is known.
    pub(crate) fn used(&self) -> Result<(Duration, Option<u64>)> {
        Ok(match &self.running {
            Running::Wrongdoor(agent) => {
                (processor::of_process(agent.pid())?, Some(probes::ring_bytes(&self.programs)?))
            }
            Running::Sslsnoop(Bpftrace(process)) => (processor::of_process(process.id())?, None),
            Running::Baseline(baseline) => (baseline.processor()?, Some(baseline.bytes())),
        })
    }

    /// Says what it lost, where that is known.
    pub(crate) fn lost(&self) -> Result<u64> {
        Ok(match &self.running {
            Running::Wrongdoor(agent) => {
                agent.metrics()?.sum("wrongdoor_events_lost_total", &[("reason", "ring_full")])
                    as u64
            }
            Running::Sslsnoop(_) => 0,
            Running::Baseline(baseline) => baseline.lost()?,
        })
    }
}

impl Drop for Bpftrace {
    fn drop(&mut self) {
        server::stop(&mut self.0, Signal::INT);
    }
}

/// As it is used: with metrics, and without events.
fn wrongdoor(kit: &Kit<'_>, ends: Ends) -> Result<Agent> {
    let arguments: &[&str] = match ends {
        Ends::Server => &["--include", "command=nginx"],
        Ends::Both => &[],
    };
    Agent::start_binary(&kit.turn, &kit.wrongdoor, Events::None, arguments)
}

fn sslsnoop(kit: &Kit<'_>) -> Result<Bpftrace> {
    let log = kit.folder.join("bpftrace.log");
    let process = tools::command("bpftrace")?
        .arg(&kit.sslsnoop)
        .stdin(Stdio::null())
        // A user watches it; to write to nowhere is the least that it can do.
        .stdout(Stdio::null())
        .stderr(File::create(&log)?)
        .spawn()
        .context("cannot run bpftrace")?;
    let mut bpftrace = Bpftrace(process);
    let (mut seen, mut since) = (0, Instant::now());
    wait::within(TIMEOUT, "bpftrace to attach", || {
        let ended = bpftrace.0.try_wait()?;
        ensure!(ended.is_none(), "bpftrace ended:\n{}", std::fs::read_to_string(&log)?);
        let links = probes::of_process(bpftrace.0.id())?.len();
        if links != seen {
            (seen, since) = (links, Instant::now());
        }
        Ok((seen != 0 && since.elapsed() >= SETTLED).then_some(()))
    })?;
    Ok(bpftrace)
}
