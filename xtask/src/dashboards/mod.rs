//! Generates the Grafana dashboards (`dashboards/*.json`), and the copies of dashboards and rules in the Helm chart.

mod agent_health;
mod dashboard;
mod incident;
mod overview;
mod panel;
mod query;
mod variable;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cargo;
use dashboard::Dashboard;

/// The folder of the copies in the chart.
const CHART: &str = "deploy/chart/wrongdoor/files";
/// The rules are written by hand.
const RULES: [&str; 2] = ["recording.yaml", "alerts.yaml"];

/// Writes the dashboards, and the copies of dashboards and rules in the chart.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only check whether the files are up to date.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = cargo::root();
    let files = files(&root)?;
    if options.check {
        return check(&root, &files);
    }
    for (path, text) in &files {
        let file = root.join(path);
        fs::create_dir_all(file.parent().context("a file in no folder")?)?;
        fs::write(&file, text)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// The generated files, by their path in the repository.
fn files(root: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    for dashboard in all() {
        let name = format!("{}.json", dashboard.name);
        let text = format!("{:#}\n", dashboard.json());
        files.insert(Path::new(CHART).join("dashboards").join(&name), text.clone());
        files.insert(Path::new("dashboards").join(name), text);
    }
    for name in RULES {
        let rules = fs::read_to_string(root.join("dashboards/rules").join(name))?;
        files.insert(Path::new(CHART).join("rules").join(name), rules);
    }
    Ok(files)
}

fn all() -> [Dashboard; 3] {
    [overview::dashboard(), incident::dashboard(), agent_health::dashboard()]
}

fn check(root: &Path, files: &BTreeMap<PathBuf, String>) -> Result<()> {
    let is_current = |(path, text): &(&PathBuf, &String)| {
        fs::read_to_string(root.join(path)).is_ok_and(|found| is_same(&found, text))
    };
    let old: Vec<_> = files.iter().filter(|file| !is_current(file)).map(|(path, _)| path).collect();
    if !old.is_empty() {
        bail!("not what is generated: {old:?}; run: cargo xtask dashboards");
    }
    Ok(())
}

/// Whether two files have the same content. The order of JSON keys depends on the enabled features of `serde_json`.
fn is_same(one: &str, other: &str) -> bool {
    let json = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || json(one).is_some_and(|one| Some(one) == json(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_is_what_is_generated() -> Result<()> {
        let root = cargo::root();
        check(&root, &files(&root)?)
    }

    #[test]
    fn what_differs_is_found() -> Result<()> {
        let root = tempfile::tempdir()?;
        let files = BTreeMap::from([(PathBuf::from("a.json"), "{}".to_owned())]);
        assert!(check(root.path(), &files).is_err());
        fs::write(root.path().join("a.json"), "{}")?;
        check(root.path(), &files)
    }
}
