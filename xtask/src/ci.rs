//! What continuous integration runs.

use anyhow::{Result, ensure};
use wrongdoor_tests::live::kernel;

use crate::{cargo, fuzz, test, toolchain};

/// The tests, then each fuzz target for a few seconds.
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
    // The tests last: their result is the last line, where one looks.
    fuzz::run(&options.fuzz)?;
    test::run(&options.test)
}
