//! What the container image has in it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use wrongdoor_tests::deploy::image;

use crate::{cargo, toolchain};

/// Builds the program for this machine, and puts it into a folder with all else that the image has.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The folder, which is not there yet or is empty.
    folder: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let program = cargo::build(true)?;
    toolchain::require_probes(&program)?;
    let folder = &options.folder;
    fs::create_dir_all(folder)?;
    let is_empty = fs::read_dir(folder)?.next().is_none();
    ensure!(is_empty, "{} is not empty", folder.display());
    image::fill(folder, &program).context("no image")?;
    println!("{} is what the image has", folder.display());
    Ok(())
}
