//! An hour of traffic: does memory stay flat, does a descriptor leak, is every request counted?

mod group;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::live::agent::Events;
use wrongdoor_tests::live::clients::Load;
use wrongdoor_tests::live::ground::NAMES;
use wrongdoor_tests::live::{Agent, Ground, Software, kernel};
use wrongdoor_tests::tools::Need;
use wrongdoor_tests::wait;

use crate::{cargo, packages};
use group::Group;

/// Connections of a round; each round has new ones.
const CONNECTIONS: usize = 20;
/// How long one takes, in seconds.
const ROUND: usize = 30;
/// Until then the agent gets to know the machine; what it takes then is the measure.
const WARM_UP: Duration = Duration::from_mins(5);
/// What it may take more at the end than after that, in percent.
const MAX_GROWTH: u64 = 5;

/// Runs the agent beside nginx under steady load, half of it 421s, and requires that it does not grow and counts
/// every request at the server's end.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long, in minutes.
    #[arg(long, value_name = "N", default_value_t = 60)]
    minutes: u64,
    /// Requests a second.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    rate: usize,
}

/// What the agent takes at one moment.
#[derive(Clone, Copy, Debug)]
struct Taken {
    resident: u64,
    descriptors: usize,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    packages::ensure(Need::Test)?;
    let turn = kernel::begin()?.context("this needs the kernel")?;
    let program = cargo::build(true)?;
    let group = Group::enter()?;
    let ground = Ground::new()?;
    let peer = Software::Nginx.start(&ground)?;
    let agent = Agent::start_binary(&turn, &program, Events::None, &["--include", &group.rule()])?;
    let (begun, length) = (Instant::now(), Duration::from_mins(options.minutes));
    let (mut asked, mut refused, mut warm) = (0, 0, None);
    println!("| minute | resident | descriptors | requests |\n| --: | --: | --: | --: |");
    for name in ["a.test", "d.test"].into_iter().chain(NAMES).cycle() {
        let rate = (options.rate / CONNECTIONS).max(1);
        let requests = rate * CONNECTIONS * ROUND;
        let load = Load {
            sni: "a.test",
            authority: name,
            requests,
            connections: CONNECTIONS,
            concurrent: 10,
            rate: Some(rate),
        };
        let answers = load.run(peer.port())?;
        asked += answers.total();
        refused += answers.client_errors;
        let taken = taken(agent.pid())?;
        let minute = begun.elapsed().as_secs() / 60;
        println!("| {minute} | {} KiB | {} | {asked} |", taken.resident >> 10, taken.descriptors);
        if begun.elapsed() >= WARM_UP && warm.is_none() {
            warm = Some(taken);
        }
        if begun.elapsed() >= length {
            break;
        }
    }
    let last = taken(agent.pid())?;
    let warm = warm.unwrap_or(last);
    // The last of them may be on their way.
    let mut counted = Ok(());
    let told = wait::until("all to be counted", || {
        counted = all_is_counted(&agent, asked, refused);
        Ok(counted.is_ok().then_some(()))
    });
    counted.and(told)?;
    println!(
        "{asked} requests, {refused} of them 421, all counted at the server's end; {warm:?} then, {last:?} now"
    );
    ensure!(last.resident <= warm.resident * (100 + MAX_GROWTH) / 100, "its memory grows");
    ensure!(last.descriptors <= warm.descriptors, "descriptors leak");
    agent.end()
}

fn all_is_counted(agent: &Agent, asked: usize, refused: usize) -> Result<()> {
    let metrics = agent.metrics()?;
    // At the server's end only: of clients that start while a scoped agent runs, the first connections are made before
    // they are found.
    let close = |name: &str, wanted: usize| -> Result<()> {
        let ours = NAMES
            .iter()
            .map(|authority| metrics.sum(name, &[("role", "server"), ("authority", authority)]));
        let counted: f64 = ours.sum();
        let wanted = f64::from(u32::try_from(wanted)?);
        ensure!((counted - wanted).abs() < 0.5, "{name}: {counted}, not {wanted}");
        Ok(())
    };
    close("wrongdoor_exchanges_total", asked)?;
    close("wrongdoor_misdirected_total", refused)
}

fn taken(pid: u32) -> Result<Taken> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
    Ok(Taken { resident: kilobytes * 1024, descriptors })
}
