//! The plain manifests, rendered from the chart.

use std::fs;

use anyhow::{Context, Result};
use wrongdoor_tests::deploy::manifests;

/// Writes the chart's manifests for those without Helm.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Options {}

pub(crate) fn run(_options: &Options) -> Result<()> {
    for mode in manifests::MODES {
        let path = manifests::path(mode);
        fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        fs::write(&path, manifests::render(mode)?)?;
        println!("{}: written", path.display());
    }
    Ok(())
}
