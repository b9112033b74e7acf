//! `wrongdoor probe`: names and addresses in, what each server serves out.

use crate::cli::{Format, Probe};
use crate::error::{Error, NothingAsked};
use crate::exit_status;
use crate::export::Output;
use crate::probe::{
    self, Load, Plan, ProbeOptions, ProbeReport, ProbeTargets, Protocol, Test, TrustedRoots,
};
use crate::progress::Progress;
use crate::text;
use std::process::ExitCode;

/// Runs the command. All that can be wrong with what was typed is said before any server is contacted.
pub(super) fn run(arguments: &Probe) -> Result<ExitCode, Error> {
    let wish = wish(arguments)?;
    let options = options(arguments)?;
    let plan = Plan::new(wish)?;
    let mut output = Output::open(arguments.output.as_deref())?;

    let load = Load { concurrency: usize::from(arguments.concurrency), rate: arguments.rate };
    let progress = Progress::counting();
    let results = probe::run(&plan, options, load, &progress);
    progress.finish();
    let results = results?;

    let report = ProbeReport::new(&results);
    match arguments.format {
        Format::Table => {
            let text = probe::table(&report, output.wants_colour());
            output.write(text.as_bytes())?;
        }
        Format::Json => {
            for line in probe::lines(&report) {
                output.write(&line)?;
            }
        }
    }
    output.flush()?;
    if report.is_nobody_there() {
        return Err(all_unreachable(&report));
    }
    if let Some(why) = report.why_nothing_was_asked() {
        let nothing = NothingAsked { why: why.to_owned() };
        // A pipeline must not take it for a success.
        if !arguments.fail_on.is_empty() {
            return Err(nothing.into());
        }
        text::warn(&format!("wrongdoor: warning: {nothing}"));
    }
    let has_matched = arguments.fail_on.iter().any(|what| report.matches(*what));
    Ok(if has_matched { ExitCode::from(exit_status::MATCHED) } else { ExitCode::SUCCESS })
}

fn wish(arguments: &Probe) -> Result<ProbeTargets, Error> {
    let names = probe::names(&arguments.authority)?;
    let fixed = arguments.sni.iter().map(|text| {
        probe::server_name(text).map_err(|error| probe::not_a_name(text, "--sni", error))
    });
    let fixed = sorted_once(fixed.collect::<Result<Vec<_>, _>>()?);
    let mut tests = arguments.test.clone();
    if tests.is_empty() {
        tests = vec![Test::Own, Test::Cross, Test::NoSni, Test::FixedSni, Test::Reuse];
    }
    if tests.contains(&Test::Reuse) {
        // What happens on another's connection means something only beside what happens on its own.
        tests.push(Test::Own);
    }
    if !fixed.is_empty() {
        tests.push(Test::FixedSni);
    } else if arguments.test.contains(&Test::FixedSni) {
        return Err(Error::NoFixedSni);
    }
    let mut protocols = arguments.protocol.clone();
    if protocols.is_empty() {
        protocols = vec![Protocol::H2, Protocol::Http1];
    }
    Ok(ProbeTargets {
        servers: probe::resolve(&arguments.connect)?,
        names,
        fixed,
        protocols: sorted_once(protocols),
        tests: sorted_once(tests),
    })
}

fn options(arguments: &Probe) -> Result<ProbeOptions, Error> {
    let path = &arguments.path;
    if !probe::is_path(path) {
        let shown = path.chars().take(100).flat_map(char::escape_default).collect();
        return Err(Error::NotAPath { shown });
    }
    let trust = match &arguments.ca {
        _ if arguments.insecure => TrustedRoots::anybody(),
        Some(file) => TrustedRoots::of_file(file)?,
        None => TrustedRoots::of_the_system()?,
    };
    let timeout = arguments.timeout.0;
    Ok(ProbeOptions { trust, method: arguments.method, path: path.clone(), timeout })
}

fn sorted_once<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items.dedup();
    items
}

fn all_unreachable(report: &ProbeReport<'_>) -> Error {
    let servers = report.results.servers.iter().filter_map(|(server, trouble)| {
        trouble.as_ref().map(|trouble| format!("{server} ({})", trouble.kind))
    });
    let servers: Vec<_> = servers.take(3).collect();
    let more = report.results.servers.len() - servers.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Error::AllUnreachable { servers: format!("{}{more}", servers.join(", ")) }
}
