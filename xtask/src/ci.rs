//! What continuous integration runs.

use anyhow::Result;

use crate::{fuzz, test};

/// The tests, then each fuzz target for a few seconds.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    fuzz: fuzz::Options,
    #[command(flatten)]
    test: test::Options,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    // The tests last: their result is the last line, where one looks.
    fuzz::run(&options.fuzz)?;
    test::run(&options.test)
}
