//! How fast captures are read, against tshark and tcpdump on the same files; and what the probes cost.

mod idle;
mod live;
mod measure;
mod table;
mod traffic;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use wrongdoor_tests::tools::{self, Need};
use wrongdoor_tests::tshark;

use self::measure::Measured;
use self::table::Row;
use self::traffic::Recorded;
use crate::{cargo, packages};

/// Measures wrongdoor against tshark and tcpdump on captures made here; `live`: what its probes cost.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    other: Option<Other>,
    /// How often wrongdoor and tcpdump run; the median counts.
    #[arg(long, value_name = "N", default_value_t = 5)]
    runs: usize,
    /// How often tshark runs. It takes minutes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    tshark_runs: usize,
    /// Only this capture: large-bodies, small-tls, small-cleartext.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Other {
    Live(live::Options),
    Idle(idle::Options),
}

pub(crate) fn run(options: &Options) -> Result<()> {
    match &options.other {
        Some(Other::Live(options)) => return live::run(options),
        Some(Other::Idle(options)) => return idle::run(options),
        None => {}
    }
    packages::ensure(Need::Bench)?;
    let wrongdoor = match env::var_os("WRONGDOOR_BIN") {
        Some(path) => path.into(),
        None => cargo::build(true)?,
    };
    let folder = cargo::target()?.join("bench");
    let mut rows = Vec::new();
    for kind in traffic::KINDS {
        if options.only.as_deref().is_none_or(|only| only == kind.name) {
            rows.push(measure_all(options, &wrongdoor, &traffic::recorded(&folder, kind)?)?);
        }
    }
    print!("{}", table::markdown(&rows, options.runs, options.tshark_runs));
    Ok(())
}

fn measure_all(options: &Options, wrongdoor: &Path, recorded: &Recorded) -> Result<Row> {
    println!("{}:", recorded.kind.name);
    // Read once before: what is measured is the program, not the disk.
    measure::read_through(&recorded.capture)?;
    let several = |what: &str, command: &dyn Fn() -> Result<Command>| -> Result<Measured> {
        measure::median(what, options.runs, command)
    };
    let analyze = |format: &str| {
        let mut command = Command::new(wrongdoor);
        command.args(["analyze", "--format", format, "--keylog"]);
        command.arg(&recorded.keylog).arg(&recorded.capture);
        Ok(command)
    };
    Ok(Row {
        name: recorded.kind.name,
        bytes: std::fs::metadata(&recorded.capture)?.len(),
        json: several("wrongdoor, json", &|| analyze("json"))?,
        table: several("wrongdoor, table", &|| analyze("table"))?,
        tcpdump: several("tcpdump", &|| tcpdump(&recorded.capture))?,
        tshark: measure::median("tshark", options.tshark_runs, &|| tshark(recorded))?,
        target_tcpdump: recorded.kind.target_tcpdump,
    })
}

/// Reads every packet and writes it to nowhere: about as little as can be done with a capture.
fn tcpdump(capture: &PathBuf) -> Result<Command> {
    let mut command = tools::command("tcpdump")?;
    if tools::is_root() {
        command.args(["-Z", "root"]);
    }
    command.arg("-r").arg(capture).args(["-w", "/dev/null"]);
    Ok(command)
}

/// Reads what wrongdoor reads: the SNI, and the request's and the answer's head of each stream.
fn tshark(recorded: &Recorded) -> Result<Command> {
    const FIELDS: [&str; 11] = [
        "frame.time_epoch",
        "ip.src",
        "tcp.srcport",
        "ip.dst",
        "tcp.dstport",
        "tcp.stream",
        "tls.handshake.extensions_server_name",
        "http2.streamid",
        "http2.headers.method",
        "http2.headers.authority",
        "http2.headers.status",
    ];
    let tls = if recorded.kind.tls { &[recorded.port][..] } else { &[] };
    let mut command = tshark::command(&recorded.capture, &recorded.keylog, tls)?;
    if !recorded.kind.tls {
        command.arg("-d").arg(format!("tcp.port=={},http2", recorded.port));
    }
    command.args(["-Y", "tls.handshake.type == 1 or http2.headers", "-T", "fields"]);
    command.args(FIELDS.iter().flat_map(|field| ["-e", field]));
    Ok(command)
}
