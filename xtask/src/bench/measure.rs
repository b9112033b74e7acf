//! Time and memory of a program.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use wait4::Wait4;
use wrongdoor_tests::tools;

/// What one run cost; of several, the run in the middle by time, with the highest memory of all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// From start to end.
    pub(crate) time: Duration,
    /// Processor time of all threads, the system's for them included.
    pub(crate) processor: Duration,
    /// The most memory it held, in bytes.
    pub(crate) memory: u64,
}

/// Runs what `command` makes `runs` times.
pub(crate) fn median(
    what: &str,
    runs: usize,
    command: &dyn Fn() -> Result<Command>,
) -> Result<Measured> {
    let mut all = Vec::new();
    for _ in 0..runs {
        all.push(once(command()?)?);
    }
    all.sort_by_key(|measured| measured.time);
    let memory = all.iter().map(|measured| measured.memory).max().unwrap_or_default();
    let middle = *all.get(runs / 2).context("nothing was measured")?;
    println!(
        "  {what}: {:.3} s, processor {:.3} s, {} MiB",
        middle.time.as_secs_f64(),
        middle.processor.as_secs_f64(),
        memory >> 20
    );
    Ok(Measured { memory, ..middle })
}

/// Reads `file` from start to end.
pub(crate) fn read_through(file: &Path) -> Result<()> {
    io::copy(&mut File::open(file)?, &mut io::sink())?;
    Ok(())
}

fn once(mut command: Command) -> Result<Measured> {
    let name = tools::program_name(&command);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut process = command.spawn().with_context(|| format!("cannot run {name}"))?;
    let used = process.wait4()?;
    let time = start.elapsed();
    ensure!(used.status.success(), "{name} failed: {}", used.status);
    let processor = used.rusage.utime + used.rusage.stime;
    Ok(Measured { time, processor, memory: used.rusage.maxrss })
}
