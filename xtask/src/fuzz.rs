//! Each fuzz target for a while.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};
use wrongdoor_tests::tools;

use crate::cargo;

/// The version that is installed where there is none.
const CARGO_FUZZ: &str = "0.13.2";

/// Runs each fuzz target in tests/fuzz.
#[derive(Debug, clap::Args)]
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
        let mut command = fuzz();
        command.args(["run", "--fuzz-dir", "tests/fuzz", target]);
        cargo::run_to_end(command.args(["--", &seconds, "-rss_limit_mb=4096"]))
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
        command.env("CARGO_TARGET_DIR", std::path::Path::new(&target).join("fuzz"));
    }
    command.arg("fuzz");
    command
}
