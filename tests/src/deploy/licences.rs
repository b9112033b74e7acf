//! The licences of all that is in the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::repository;
use crate::tools;

/// The licences of the project: of the agent, and of its kernel side.
pub const OWN: [&str; 3] = ["LICENSE-APACHE", "LICENSE-GPL2", "LICENSE-MIT"];

/// Writes the project's own licences into `folder`, and in one file those of everything that it is built from.
pub fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for name in OWN {
        fs::copy(repository().join(name), folder.join(name))?;
    }
    Ok(fs::write(folder.join("THIRD-PARTY.txt"), third_parties()?)?)
}

/// Each text once, below the packages that come with it.
fn third_parties() -> Result<String> {
    let mut by_text: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let kernel_side = packages("ebpf/Cargo.toml", "wrongdoor-ebpf")?;
    for package in packages("Cargo.toml", "wrongdoor")?.into_iter().chain(kernel_side) {
        let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = format!("{} {} ({})", text("name"), text("version"), text("license"));
        let manifest = Path::new(text("manifest_path"));
        let mut texts = texts(manifest.parent().context("a manifest is in a folder")?)?;
        if texts.is_empty() {
            // It names its licence, and the text is among those of others.
            ensure!(!text("license").is_empty(), "{name} has no licence");
            texts.push("(no text in the package; see the others of this licence)\n".to_owned());
        }
        for text in texts {
            by_text.entry(text).or_default().insert(name.clone());
        }
    }
    let mut all = String::new();
    for (text, names) in by_text {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        all +=
            &format!("{0}\n{1}\n{0}\n\n{2}\n\n", "=".repeat(80), names.join("\n"), text.trim_end());
    }
    Ok(all)
}

fn texts(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        let is_one = ["LICEN", "COPYING", "NOTICE"].iter().any(|prefix| name.starts_with(prefix));
        if is_one && entry.file_type()?.is_file() {
            texts.push(String::from_utf8_lossy(&fs::read(entry.path())?).into_owned());
        }
    }
    Ok(texts)
}

/// All packages of others that a package of this manifest is linked from.
fn packages(manifest: &str, package: &str) -> Result<Vec<Value>> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(repository()).args(["metadata", "--locked", "--format-version", "1"]);
    cargo.args(["--manifest-path", manifest]);
    cargo.args(["--filter-platform", &format!("{}-unknown-linux-gnu", std::env::consts::ARCH)]);
    let metadata: Value = serde_json::from_slice(&tools::output(&mut cargo)?)?;
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned();
    let all = list(&metadata, "packages").context("no packages")?;
    let nodes = metadata.pointer("/resolve/nodes").and_then(Value::as_array).context("no graph")?;
    let root = all.iter().find(|found| found["name"] == package).context("not ours")?;

    let mut linked = BTreeSet::new();
    let mut next = vec![root["id"].clone()];
    while let Some(id) = next.pop() {
        if !linked.insert(id.to_string()) {
            continue;
        }
        let node = nodes.iter().find(|node| node["id"] == id).context("not in the graph")?;
        let is_linked = |kind: &Value| kind["kind"].is_null();
        let deps = list(node, "deps").unwrap_or_default();
        let normal = deps
            .iter()
            .filter(|dep| list(dep, "dep_kinds").unwrap_or_default().iter().any(is_linked));
        next.extend(normal.map(|dep| dep["pkg"].clone()));
    }
    // What has no source is ours.
    let is_theirs = |package: &Value| !package["source"].is_null();
    let mut theirs: Vec<Value> = all.into_iter().filter(is_theirs).collect();
    theirs.retain(|package| linked.contains(&package["id"].to_string()));
    ensure!(!theirs.is_empty(), "nothing is linked");
    Ok(theirs)
}
