use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wrongdoor_tests::deploy::chart::{self, Chart};
use wrongdoor_tests::deploy::repository;

fn workflow() -> Result<(String, Value)> {
    let text = fs::read_to_string(repository().join(".github/workflows/release.yml"))?;
    let workflow = chart::yaml(&text)?;
    Ok((text, workflow))
}

#[test]
fn the_workflow_uses_only_what_cannot_change_under_it() -> Result<()> {
    let (_, workflow) = workflow()?;
    let jobs = workflow["jobs"].as_object().context("no jobs")?;
    let mut used = 0;
    for (name, job) in jobs {
        for step in job["steps"].as_array().with_context(|| format!("{name} has no steps"))? {
            let Some(action) = step["uses"].as_str() else {
                ensure!(step["run"].is_string(), "{name}: {step:#}");
                continue;
            };
            used += 1;
            let commit = action.split_once('@').context("no version")?.1;
            let is_hash = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            ensure!(is_hash, "{action} is not pinned");
        }
    }
    ensure!(used > 0, "no actions");
    // By default a job may do nothing but read; only the one that publishes may write.
    ensure!(workflow["permissions"]["contents"] == "read", "{:#}", workflow["permissions"]);
    Ok(())
}

#[test]
fn the_workflow_names_what_is_there() -> Result<()> {
    let (text, _) = workflow()?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let commands = fs::read_to_string(repository().join("xtask/src/main.rs"))?;
    let mut named = 0;
    for window in words.windows(3) {
        let [cargo, xtask, command] = window else { continue };
        if (*cargo, *xtask) == ("cargo", "xtask") {
            named += 1;
            ensure!(commands.contains(&format!("mod {command};")), "no xtask {command}");
        }
    }
    ensure!(named > 0, "no command");
    for path in words.iter().filter(|word| word.starts_with("deploy/")) {
        let there = repository().join(path.trim_end_matches(['\\', ';', '"']));
        ensure!(there.exists(), "{path} is not there");
    }
    Ok(())
}

#[test]
fn chart_and_program_have_one_version_and_one_image() -> Result<()> {
    let chart = chart::yaml(&fs::read_to_string(Chart::ours().folder().join("Chart.yaml"))?)?;
    let cargo = fs::read_to_string(repository().join("Cargo.toml"))?;
    let version =
        cargo.lines().find_map(|line| line.strip_prefix("version = ")).context("no version")?;
    let version = Value::from(version.trim_matches('"'));
    ensure!(chart["appVersion"] == version && chart["version"] == version, "{version}: {chart:#}");
    Ok(())
}
