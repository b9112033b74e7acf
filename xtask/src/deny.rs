//! Licences, versions and sources of all dependencies: the rules of deny.toml, held by cargo-deny.

use anyhow::Result;

use crate::cargo;

/// The version whose rules deny.toml is written for.
const CARGO_DENY: &str = "0.20.2";
/// The workspaces beside the program's. Each has a part of the tree, so that not every rule is used in it.
const OTHERS: [&str; 3] = ["ebpf", "tests/fuzz", "xtask/baseline"];
const UNUSED_RULES: [&str; 6] = [
    "--allow",
    "unmatched-skip",
    "--allow",
    "unnecessary-skip",
    "--allow",
    "license-not-encountered",
];
/// What is checked. Advisories change without a change of ours, and need the network.
const CHECKS: [&str; 3] = ["bans", "licenses", "sources"];

/// Checks the dependencies of all workspaces against deny.toml.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Options {}

pub(crate) fn run(_options: &Options) -> Result<()> {
    let installed = cargo::command().args(["deny", "--version"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        cargo::run(&["install", "--locked", "cargo-deny", "--version", CARGO_DENY])?;
    }
    cargo::run(&[&["deny", "--locked", "check", "-D", "warnings"][..], &CHECKS].concat())?;
    for folder in OTHERS {
        let manifest = format!("{folder}/Cargo.toml");
        let of = ["deny", "--locked", "--config", "deny.toml", "--manifest-path", &manifest];
        cargo::run(&[&of[..], &["check"], &UNUSED_RULES, &CHECKS].concat())?;
    }
    Ok(())
}
