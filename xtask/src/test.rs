//! All that must hold before a change is done.

use anyhow::Result;
use wrongdoor_tests::tools::Need;

use crate::{cargo, docs, packages, toolchain};

/// Checks format, lints and documentation, builds, and runs every test.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Options {}

pub(crate) fn run(_options: &Options) -> Result<()> {
    packages::ensure(Need::Test)?;
    toolchain::ensure_unless_excused()?;
    cargo::run(&["fmt", "--all", "--check"])?;
    cargo::run(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    toolchain::check()?;
    // The integration tests run the program, and cargo does not build it for them.
    cargo::build(false)?;
    docs::run(&docs::Options { check: true })?;
    // Without backtraces, the reason of each failure stands in a line or two at the end of the log.
    let test = ["test", "--locked", "--workspace"];
    cargo::run_to_end(cargo::command().args(test).env("RUST_BACKTRACE", "0"))
}
