//! The program, as it is shipped.

use anyhow::Result;

use crate::cargo;

/// Builds the program, linked statically.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Optimised.
    #[arg(long)]
    release: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    println!("{}", cargo::build(options.release)?.display());
    Ok(())
}
