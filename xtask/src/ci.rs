//! What continuous integration runs.

use anyhow::{Result, ensure};
use wrongdoor_tests::live::kernel;

use crate::{cargo, deny, fuzz, kernel as other_kernel, test, toolchain};

/// Checks dependencies, fuzzes each target for a few seconds, runs all tests, and runs the agent on an older kernel.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    fuzz: fuzz::Options,
    #[command(flatten)]
    test: test::Options,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    // What is left out on a developer's machine is not proven.
    ensure!(!kernel::is_excused(), "{} is set: ci proves all or nothing", kernel::WITHOUT_KERNEL);
    // A build without probes would pass all that needs none.
    toolchain::ensure()?;
    toolchain::require_probes(&cargo::build(false)?)?;
    deny::run(&deny::Options {})?;
    fuzz::run(&options.fuzz)?;
    test::run(&options.test)?;
    other_kernel::run(&other_kernel::Options::default())
}
