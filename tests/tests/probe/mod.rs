//! `wrongdoor probe` against real servers, on loopback.

use std::process::Output;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wrongdoor_tests::binary;
use wrongdoor_tests::report::text;

/// What the command line takes and refuses.
mod command_line;
/// Which pairs are hazards, by real certificates and real virtual hosts.
mod hazards;
/// Servers that do not say the same.
mod parity;
/// What a handshake shows, also one that fails.
mod tls;

/// The lines of one run.
struct Probed {
    lines: Vec<Value>,
}

/// Runs `wrongdoor probe --format json`.
fn run(arguments: &[&str]) -> Result<Output> {
    binary::run(&[&["probe", "--format", "json"], arguments].concat())
}

/// The same, where it exits with 0.
fn probe(arguments: &[&str]) -> Result<Probed> {
    let output = run(arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "it ended with {}: {said}", output.status);
    ensure!(said.is_empty() || said.contains("warning: no request was sent"), "it said: {said}");
    Probed::parse(&output.stdout)
}

impl Probed {
    fn parse(bytes: &[u8]) -> Result<Self> {
        let lines = std::str::from_utf8(bytes)?.lines().map(serde_json::from_str);
        Ok(Self { lines: lines.collect::<Result<_, _>>()? })
    }

    fn of_type(&self, kind: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| text(line, "type") == Some(kind)).collect()
    }

    /// The one probe with these facts.
    fn the(&self, facts: &[(&str, Value)]) -> Result<&Value> {
        let has = |line: &&Value| facts.iter().all(|(key, value)| line.get(key) == Some(value));
        let found: Vec<_> = self.of_type("probe").into_iter().filter(has).collect();
        ensure!(found.len() == 1, "{} probes with {facts:?} in {:#?}", found.len(), self.lines);
        found.first().copied().context("a probe")
    }

    fn summary(&self, key: &str) -> Option<u64> {
        self.lines.last()?.get(key)?.as_u64()
    }
}

/// A field of a line.
fn field<'a>(line: &'a Value, key: &str) -> &'a Value {
    line.get(key).unwrap_or_else(|| panic!("no {key} in {line}"))
}
