//! Installs what the build, demo, tests and benchmarks need.

use anyhow::Result;
use wrongdoor_tests::live::installed::{self, Symbols};
use wrongdoor_tests::tools::Need;

use crate::packages::ensure;
use crate::toolchain;

/// Installs what building with probes and the tests (and with --bench or --kernel more) need: a BPF toolchain, Debian
/// packages, and into the target folder a Go toolchain and Python packages.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only what building takes.
    #[arg(long, conflicts_with_all = ["bench", "kernel"])]
    build: bool,
    /// Also what the benchmarks need.
    #[arg(long)]
    bench: bool,
    /// Also what running the agent on another kernel needs.
    #[arg(long)]
    kernel: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut changed = toolchain::ensure()?;
    if options.build {
        ensure(Need::Build)?;
        return Ok(());
    }
    changed |= ensure(Need::Test)?;
    // The tests would do it too, and take longer then.
    for symbols in [Symbols::Kept, Symbols::Stripped] {
        println!("the Go peer is {}", installed::go_peer(symbols)?.display());
    }
    println!("the Go program of the reproductions is {}", installed::go_door()?.display());
    println!("Helm and the schemas of Kubernetes are in {}", installed::helm()?.display());
    println!("Grafana's models are in {}", installed::grafana()?.display());
    if options.bench {
        changed |= ensure(Need::Bench)?;
    }
    if options.kernel {
        changed |= ensure(Need::Kernel)?;
    }
    if !changed {
        println!("everything is there");
    }
    Ok(())
}
