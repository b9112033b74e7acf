//! Real 421s, made and explained on the spot: by the agent while they happen, and from a capture afterwards.

mod live;
mod table;

use std::process::Command;

use anyhow::Result;
use wrongdoor_tests::scenario;
use wrongdoor_tests::tools::Need;

use self::live::Watch;
use crate::{cargo, packages, toolchain};

/// Starts servers and clients that disagree, watches them live, and shows what wrongdoor says; then the same from a
/// capture of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What to write: the table for people, or JSON lines.
    #[arg(long, default_value = "table")]
    format: String,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    packages::ensure(Need::Demo)?;
    if let Err(error) = toolchain::ensure_unless_excused() {
        println!("there will be nothing live: {error:#}");
    }
    let wrongdoor = cargo::build(true)?;
    println!("the scene, all on loopback and in a temporary folder:");
    let mut watch = None;
    let scene = scenario::demo(|| watch = Some(Watch::start(&wrongdoor)))?;
    println!();
    match watch.unwrap_or_else(|| anyhow::bail!("it was not started")).and_then(Watch::finish) {
        Ok(events) => {
            println!(
                "Live, from probes in the TLS libraries of these servers and clients, without a key:\n"
            );
            match options.format.as_str() {
                "json" => println!("{events}"),
                _ => println!("{}", table::of(&events, &scene.ports)?),
            }
        }
        Err(error) => println!("Nothing live on this machine: {error:#}\n"),
    }
    println!("From the packets, with the clients' key log:\n");
    let mut analyze = Command::new(wrongdoor);
    analyze.args(["analyze", "--format", &options.format, "--keylog"]);
    cargo::run_to_end(analyze.arg(scene.keylog()).arg(scene.capture()))
}
