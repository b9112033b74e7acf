//! The pictures of the documentation: real output, as a browser shows it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use wrongdoor_tests::browser::Browser;
use wrongdoor_tests::tools::Need;

use crate::{cargo, packages};

/// Makes the pictures in docs/src/images: the report of a capture, and a dashboard of real traffic.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Options {}

/// Where they are.
const FOLDER: &str = "docs/src/images";
/// The test that draws the dashboards, with the data of a real Prometheus.
const DRAWING_TEST: &str = "dashboards::live::dashboards_show_what_clients_counted";
/// The largest part of a dashboard that a picture shows, in pixels.
const SIZE: (u64, u64) = (1400, 900);

pub(crate) fn run(_options: &Options) -> Result<()> {
    packages::ensure(Need::Test)?;
    let program = cargo::build(false)?;
    let folder = cargo::root().join(FOLDER);
    fs::create_dir_all(&folder)?;
    report(&program, &folder.join("report.png"))?;
    dashboard(&folder.join("overview.png"))
}

/// The report of a capture of the repository.
fn report(program: &Path, picture: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let page = folder.path().join("report.html");
    let captures = cargo::root().join("tests/captures");
    let mut analyze = std::process::Command::new(program);
    analyze.arg("analyze").arg("--keylog").arg(captures.join("coalescing.keys"));
    analyze.arg("--report").arg(&page).arg(captures.join("coalescing.pcap"));
    wrongdoor_tests::tools::output(&mut analyze)?;
    picture_of(&page, picture)
}

/// The overview, of nginx and curl.
fn dashboard(picture: &Path) -> Result<()> {
    let drawings = tempfile::tempdir()?;
    let mut test = cargo::command();
    test.args(["test", "--locked", "-p", "wrongdoor-tests", "--test", "main", "--", DRAWING_TEST]);
    cargo::run_to_end(test.env("WRONGDOOR_DRAWINGS", drawings.path()))?;
    picture_of(&drawings.path().join("overview.html"), picture)
}

fn picture_of(page: &Path, picture: &Path) -> Result<()> {
    let mut browser = Browser::start()?;
    browser.emulate("screen", "light")?;
    browser.resize(SIZE.0, SIZE.1)?;
    browser.open(page).with_context(|| format!("cannot open {}", page.display()))?;
    browser.save_screenshot(picture)?;
    println!("{}: written", picture.display());
    Ok(())
}
