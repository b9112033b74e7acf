//! Real 421s, made, captured and explained on the spot.

use std::process::Command;

use anyhow::Result;
use wrongdoor_tests::scenario;
use wrongdoor_tests::tools::Need;

use crate::{cargo, setup};

/// Starts servers and clients that disagree, captures them, and shows what wrongdoor says.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What to write: the table for people, or JSON lines.
    #[arg(long, default_value = "table")]
    format: String,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    setup::ensure(Need::Demo)?;
    let wrongdoor = cargo::build(true)?;
    println!("the scene, all on loopback and in a temporary folder:");
    let scene = scenario::demo()?;
    println!();
    let mut analyze = Command::new(wrongdoor);
    analyze.args(["analyze", "--format", &options.format, "--keylog"]);
    cargo::run_to_end(analyze.arg(scene.keylog()).arg(scene.capture()))
}
