//! Development tasks. `cargo xtask help` lists them.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what these commands do is to tell a person something"
)]

mod bench;
mod build;
mod cargo;
mod ci;
mod dashboards;
mod demo;
mod deny;
mod docs;
mod fixtures;
mod fuzz;
mod hpack_stories;
mod image;
mod kernel;
mod manifests;
mod packages;
mod pictures;
mod setup;
mod soak;
mod test;
mod toolchain;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Development tasks of wrongdoor.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Setup(setup::Options),
    Build(build::Options),
    Demo(demo::Options),
    Test(test::Options),
    Ci(ci::Options),
    Fuzz(fuzz::Options),
    Fixtures(fixtures::Options),
    Dashboards(dashboards::Options),
    Deny(deny::Options),
    Docs(docs::Options),
    Pictures(pictures::Options),
    HpackStories(hpack_stories::Options),
    Bench(bench::Options),
    Kernel(kernel::Options),
    Soak(soak::Options),
    Image(image::Options),
    Manifests(manifests::Options),
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<()> {
    match options.command {
        Command::Setup(options) => setup::run(&options),
        Command::Build(options) => build::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Ci(options) => ci::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Fixtures(options) => fixtures::run(&options),
        Command::Dashboards(options) => dashboards::run(&options),
        Command::Deny(options) => deny::run(&options),
        Command::Docs(options) => docs::run(&options),
        Command::Pictures(options) => pictures::run(&options),
        Command::HpackStories(options) => hpack_stories::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Kernel(options) => kernel::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Image(options) => image::run(&options),
        Command::Manifests(options) => manifests::run(&options),
    }
}
