//! Each fuzz target for a while.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};
use wrongdoor_tests::tools;

use crate::cargo;

/// The version that is installed where there is none.
const CARGO_FUZZ: &str = "0.13.2";
/// What one input may be and take, in bytes, seconds and MiB: an engine that needs more of them for so
/// little has no bounds.
const BOUNDS: [&str; 3] = ["-max_len=65536", "-timeout=10", "-rss_limit_mb=512"];

/// Memory that was freed and is watched for use counts too: less of it than the 256 MiB that are usual.
const SANITIZER: &str = "quarantine_size_mb=64";

/// Runs each fuzz target in tests/fuzz.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// How long each runs.
    #[arg(long, value_name = "N", default_value_t = 10)]
    seconds: u32,
    /// Only this one.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if !cargo::root().join("tests/fuzz/Cargo.toml").is_file() {
        println!("there are no fuzz targets");
        return Ok(());
    }
    if !is_installed() {
        cargo::run(&["install", "--locked", "cargo-fuzz", "--version", CARGO_FUZZ])?;
    }
    let listed = tools::output(fuzz().args(["list", "--fuzz-dir", "tests/fuzz"]))?;
    let listed = String::from_utf8(listed)?;
    let seconds = format!("-max_total_time={}", options.seconds);
    for target in
        listed.lines().filter(|name| options.target.as_deref().is_none_or(|wanted| wanted == *name))
    {
        // What is found is kept in the first folder; the second one is committed, and only read.
        let folder = cargo::root().join("tests/fuzz");
        let (corpus, seeds) =
            (folder.join("corpus").join(target), folder.join("seeds").join(target));
        fs::create_dir_all(&corpus)?;
        let mut command = fuzz();
        command.env("ASAN_OPTIONS", SANITIZER);
        command.args(["run", "--fuzz-dir", "tests/fuzz", target]).args([corpus, seeds]);
        cargo::run_to_end(command.args(["--", &seconds]).args(BOUNDS))
            .with_context(|| format!("target {target}"))?;
    }
    Ok(())
}

fn is_installed() -> bool {
    fuzz().arg("--version").output().is_ok_and(|output| output.status.success())
}

/// `cargo fuzz` with a compiler that has sanitizers: nightly, or the stable one told to behave
/// like it. A cargo that runs us pins its toolchain in the environment, which is taken out.
fn fuzz() -> Command {
    let nightly = Command::new("rustup")
        .args(["run", "nightly", "rustc", "--version"])
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()
        .is_ok_and(|output| output.status.success());
    let mut command = Command::new(if nightly { "rustup" } else { "cargo" });
    command.current_dir(cargo::root());
    if nightly {
        command.args(["run", "nightly", "cargo"]).env_remove("RUSTUP_TOOLCHAIN");
        command.env_remove("CARGO").env_remove("RUSTC");
    } else {
        command.env("RUSTC_BOOTSTRAP", "1");
    }
    // Its artefacts are of another compiler and other flags: apart, both stay cached.
    if let Some(target) = env::var_os("CARGO_TARGET_DIR") {
        command.env("CARGO_TARGET_DIR", Path::new(&target).join("fuzz"));
    }
    command.arg("fuzz");
    command
}
