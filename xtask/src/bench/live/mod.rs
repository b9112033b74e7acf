//! What the probes cost: nginx and h2load over TLS, watched and not.
//!
//! Only ratios within a round are compared, and the order is turned round each time: what else the machine
//! does changes from minute to minute.

mod baseline;
mod load;
mod probes;
mod processor;
mod table;
mod tracer;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aya::sys::{Stats, enable_stats};
use wrongdoor_tests::live::{kernel, library};
use wrongdoor_tests::tools::{self, Need};

use self::load::{Done, Load, Servers};
use self::probes::Ran;
use self::tracer::{Ends, Kit, Program, Tracer, WATCHED};
use crate::{cargo, packages};

/// The agent looks into the ring a hundred times a second: so long after the last request it has seen all.
const DRAIN: Duration = Duration::from_millis(200);
/// A measurement that others' probes disturbed is made again, so often.
const TRIES: usize = 20;

/// Measures what the probes cost nginx and h2load, beside sslsnoop.bt and the usual design.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many rounds; medians of the ratios count.
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: usize,
    /// About how many seconds of load each measurement is, if nothing watches.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    seconds: f64,
    /// Only this load: h2-small-1x1, h2-small-8x10, h2-download, new-connections.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Leave out what is not wrongdoor: to compare two builds.
    #[arg(long)]
    alone: bool,
    /// Put up with others' probes. The rates mean nothing then; the counts for each exchange still do.
    #[arg(long)]
    disturbed: bool,
}

/// One measurement.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) done: Done,
    /// The tracer's processor time for each exchange.
    pub(crate) tracer: Duration,
    /// Bytes through its ring for each exchange.
    pub(crate) ring: Option<f64>,
    /// Records that its ring had no room for.
    pub(crate) lost: u64,
    /// Of a request: the median, and of 99 in 100.
    pub(crate) latency: (Duration, Duration),
    /// Its programs, and over how many exchanges.
    pub(crate) ran: (Vec<Ran>, u64),
}

/// All samples of one tracer under one load.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) load: Load,
    /// None: nothing watches.
    pub(crate) watched: Option<(Program, Ends)>,
    /// By round.
    pub(crate) samples: Vec<Sample>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    packages::ensure(Need::Bench)?;
    let turn = kernel::begin()?.context("the live benchmark is of the kernel's side")?;
    let wrongdoor = match std::env::var_os("WRONGDOOR_BIN") {
        Some(path) => path.into(),
        None => cargo::build(true)?,
    };
    let folder = tempfile::Builder::new().prefix("wrongdoor-bench-").tempdir()?;
    let kit = Kit {
        turn,
        wrongdoor,
        baseline: baseline::build()?,
        sslsnoop: tools::path("sslsnoop.bt")?,
        library: libssl()?,
        folder: folder.path(),
    };
    let servers = Servers::start(folder.path())?;
    let mut all = Vec::new();
    for load in load::LOADS {
        if options.only.as_deref().is_none_or(|only| only == load.name) {
            all.extend(measure(options, &kit, &servers, load)?);
        }
    }
    print!("{}", table::markdown(&all, options.runs));
    Ok(())
}

/// The library that nginx and h2load share.
fn libssl() -> Result<PathBuf> {
    let needed = library::needed_by(&tools::path("nginx")?)?;
    let is_libssl = |path: &PathBuf| path.to_string_lossy().contains("/libssl.so");
    needed.into_iter().find(is_libssl).context("nginx uses no OpenSSL")
}

/// All rounds of a load.
fn measure(
    options: &Options,
    kit: &Kit<'_>,
    servers: &Servers,
    load: &Load,
) -> Result<Vec<Series>> {
    if !options.disturbed {
        probes::wait_until_alone(&Default::default())?;
    }
    let requests = load.requests(servers, options.seconds)?;
    let is_wanted = |watched: &Option<(Program, Ends)>| {
        !options.alone || watched.is_none_or(|(program, _)| program == Program::Wrongdoor)
    };
    let mut all: Vec<Series> = std::iter::once(None)
        .chain(WATCHED.map(Some))
        .filter(is_wanted)
        .map(|watched| Series { load: *load, watched, samples: Vec::new() })
        .collect();
    for round in 0..options.runs {
        println!("{}, round {} of {}: {requests} requests", load.name, round + 1, options.runs);
        let mut order: Vec<&mut Series> = all.iter_mut().collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for series in order {
            let sample = sample(options, kit, servers, load, series.watched, requests)?;
            println!("  {}: {:.0} requests/s", table::name(series.watched), sample.done.rate);
            series.samples.push(sample);
        }
    }
    Ok(all)
}

fn sample(
    options: &Options,
    kit: &Kit<'_>,
    servers: &Servers,
    load: &Load,
    watched: Option<(Program, Ends)>,
    requests: u64,
) -> Result<Sample> {
    for _ in 0..TRIES {
        if !options.disturbed {
            probes::wait_until_alone(&Default::default())?;
        }
        let start = |(program, ends)| Tracer::start(kit, program, ends, servers.pid(load));
        let mut tracer = watched.map(start).transpose()?;
        // Warm, and with the connections' beginnings out of the way.
        load.run(servers, requests.div_ceil(10), None)?;
        if let Some(tracer) = &mut tracer {
            tracer.look()?;
        }
        let programs = tracer.as_ref().map(|tracer| tracer.programs.clone()).unwrap_or_default();
        let used = |tracer: &Option<Tracer>| {
            let used = tracer.as_ref().map(Tracer::used).transpose();
            used.map(|used| used.unwrap_or((Duration::ZERO, None)))
        };
        std::thread::sleep(DRAIN);
        let (time, bytes) = used(&tracer)?;
        let done = load.run(servers, requests, None)?;
        std::thread::sleep(DRAIN);
        let (time_after, bytes_after) = used(&tracer)?;
        let lost = tracer.as_ref().map_or(Ok(0), Tracer::lost)?;
        // Statistics and the client's log cost something themselves: they have a run of their own.
        let log = kit.folder.join("h2load.log");
        let statistics = enable_stats(Stats::RunTime)?;
        let before = probes::ran(&programs)?;
        let again = load.run(servers, requests.div_ceil(2), Some(&log))?;
        let ran = probes::since(&before, probes::ran(&programs)?);
        drop(statistics);
        if !options.disturbed && !probes::is_alone(&programs)? {
            println!("  (others' probes came: once more)");
            continue;
        }
        return Ok(Sample {
            done,
            tracer: time_after.saturating_sub(time).div_f64(done.exchanges as f64),
            ring: bytes.zip(bytes_after).map(|(a, b)| (b - a) as f64 / done.exchanges as f64),
            lost,
            latency: load::percentiles(&log)?,
            ran: (ran, again.exchanges),
        });
    }
    bail!("others' probes keep coming")
}
