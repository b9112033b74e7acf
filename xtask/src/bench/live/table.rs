//! The result, for the README.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::tracer::{Ends, Program};
use super::{Sample, Series};

/// How many times the baseline's requests/s are to be kept, of small answers.
const TARGET_BASELINE: f64 = 1.5;
/// What is to be left of the requests/s of downloads, with the server watched.
const TARGET_DOWNLOADS: f64 = 0.95;
/// Less than so many bytes are to go through the ring for an HTTP/2 exchange.
const TARGET_RING: f64 = 400.0;
/// The agent's processor time for an exchange is to be less, in microseconds.
const TARGET_AGENT: f64 = 15.0;

/// What watches, as the table has it.
pub(crate) fn name(watched: Option<(Program, Ends)>) -> String {
    watched.map_or_else(
        || "nothing".to_owned(),
        |(program, ends)| format!("{}, {}", program.name(), ends.name()),
    )
}

/// All loads, what each program of the kernel side takes, and which targets are met.
pub(crate) fn markdown(all: &[Series], runs: usize) -> String {
    let mut text = String::from(
        "\n| load | watched by | requests/s | kept | processor of both ends | p50 added | p99 added \
         | traps | kernel, each trap | ring | agent |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for series in all {
        line(&mut text, all, series);
    }
    _ = writeln!(
        text,
        "\nMedians of {runs} rounds; kept, processor and added latency are against nothing in the same round. \
         Traps, bytes and the agent's processor time are for each exchange. {} processors.\n",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    programs(&mut text, all);
    text.push('\n');
    targets(&mut text, all);
    text
}

fn line(text: &mut String, all: &[Series], series: &Series) {
    let none = untraced(all, series);
    let rate = median(series.samples.iter().map(|sample| sample.done.rate));
    let busy = median(paired(none, series, |of, to| {
        of.done.busy.as_secs_f64() / to.done.busy.as_secs_f64()
    }));
    let added = |latency: fn(&Sample) -> Duration| {
        median(paired(none, series, |of, to| micros(latency(of)) - micros(latency(to))))
    };
    _ = write!(text, "| {} | {} | {rate:.0} |", series.load.name, name(series.watched));
    if series.watched.is_none() {
        _ = writeln!(text, " 1.00 | 1.00 | | | | | | |");
        return;
    }
    let traps = median(series.samples.iter().map(|sample| hits(sample).0));
    let each = median(series.samples.iter().map(|sample| hits(sample).1));
    let ring = series.samples.iter().filter_map(|sample| sample.ring);
    let ring =
        if ring.clone().next().is_some() { format!("{:.0} B", median(ring)) } else { "—".into() };
    let agent = median(series.samples.iter().map(|sample| micros(sample.tracer)));
    let lost: u64 = series.samples.iter().map(|sample| sample.lost).sum();
    let lost = if lost == 0 { String::new() } else { format!(" ({lost} lost)") };
    _ = writeln!(
        text,
        " {:.2} | {busy:.2} | {:.0} µs | {:.0} µs | {traps:.1} | {each:.0} ns | {ring}{lost} | {agent:.1} µs |",
        kept(all, series),
        added(|sample| sample.latency.0),
        added(|sample| sample.latency.1),
    );
}

/// How many traps an exchange has, and what each takes in the kernel's programs, in nanoseconds.
fn hits(sample: &Sample) -> (f64, f64) {
    let (ran, exchanges) = &sample.ran;
    let traps = || ran.iter().filter(|ran| ran.is_trap);
    let count: u64 = traps().map(|ran| ran.count).sum();
    let time: f64 = traps().map(|ran| ran.time.as_secs_f64() * 1e9).sum();
    (count as f64 / *exchanges as f64, time / (count.max(1)) as f64)
}

/// Each program of wrongdoor's.
fn programs(text: &mut String, all: &[Series]) {
    text.push_str(
        "| load | watched | program | runs for each exchange | each |\n|---|---|---|--:|--:|\n",
    );
    for series in all {
        let Some((Program::Wrongdoor, ends)) = series.watched else { continue };
        let mut by_name: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for sample in &series.samples {
            let (ran, exchanges) = &sample.ran;
            for ran in ran.iter().filter(|ran| ran.count != 0) {
                let each = ran.time.as_secs_f64() * 1e9 / ran.count as f64;
                let often = ran.count as f64 / *exchanges as f64;
                by_name.entry(&ran.name).or_default().push((often, each));
            }
        }
        for (program, samples) in by_name {
            let often = median(samples.iter().map(|(often, _)| *often));
            let each = median(samples.iter().map(|(_, each)| *each));
            let (load, ends) = (series.load.name, ends.name());
            _ = writeln!(text, "| {load} | {ends} | `{program}` | {often:.2} | {each:.0} ns |");
        }
    }
}

fn targets(text: &mut String, all: &[Series]) {
    let mut say = |met: bool, what: String| {
        let word = if met { "met" } else { "MISSED" };
        _ = writeln!(text, "- {what}: {word}");
    };
    for series in all {
        let Some((Program::Wrongdoor, ends)) = series.watched else { continue };
        let of = format!("{}, {}", series.load.name, ends.name());
        let against = |program| {
            let is_it = |other: &&Series| {
                other.load.name == series.load.name && other.watched == Some((program, ends))
            };
            let other = all.iter().find(is_it)?;
            Some(median(paired(other, series, |of, to| of.done.rate / to.done.rate)))
        };
        if series.load.is_small {
            if let Some(times) = against(Program::Baseline) {
                let target = TARGET_BASELINE;
                say(
                    times >= target,
                    format!("{of}: {times:.2} times the baseline's requests/s (≥ {target})"),
                );
            }
            if let Some(times) = against(Program::Sslsnoop) {
                say(times > 1.0, format!("{of}: {times:.2} times what sslsnoop.bt leaves (> 1)"));
            }
            let ring = median(series.samples.iter().filter_map(|sample| sample.ring));
            let ends = if ends == Ends::Both { 2.0 } else { 1.0 };
            let ring = ring / ends;
            say(
                ring < TARGET_RING,
                format!("{of}: {ring:.0} bytes for an exchange at an end (< {TARGET_RING})"),
            );
        }
        if series.load.name == "h2-download" && ends == Ends::Server {
            let kept = kept(all, series);
            say(
                kept >= TARGET_DOWNLOADS,
                format!("{of}: {kept:.2} of the requests/s kept (≥ {TARGET_DOWNLOADS})"),
            );
        }
        if series.load.is_small {
            let ends = if ends == Ends::Both { 2.0 } else { 1.0 };
            let agent = median(series.samples.iter().map(|sample| micros(sample.tracer))) / ends;
            say(
                agent < TARGET_AGENT,
                format!(
                    "{of}: {agent:.1} µs of the agent for an exchange at an end (< {TARGET_AGENT})"
                ),
            );
        }
    }
}

/// What is left of the requests/s.
fn kept(all: &[Series], series: &Series) -> f64 {
    median(paired(untraced(all, series), series, |of, to| of.done.rate / to.done.rate))
}

fn untraced<'a>(all: &'a [Series], series: &'a Series) -> &'a Series {
    let is_it = |other: &&Series| other.load.name == series.load.name && other.watched.is_none();
    all.iter().find(is_it).unwrap_or(series)
}

/// Of each round: `of` this series `to` the other.
fn paired(
    to: &Series,
    of: &Series,
    what: impl Fn(&Sample, &Sample) -> f64,
) -> impl Iterator<Item = f64> {
    of.samples.iter().zip(&to.samples).map(move |(of, to)| what(of, to))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
