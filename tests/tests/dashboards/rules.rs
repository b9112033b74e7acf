use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use wrongdoor_core::explain::cause::CauseId;
use wrongdoor_tests::dashboards::{folder, rules};
use wrongdoor_tests::tools;

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<_> =
        fs::read_dir(folder)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}

fn alerts() -> Result<BTreeSet<String>> {
    Ok(rules()?.into_iter().filter_map(|rule| rule.alert).collect())
}

#[test]
fn prometheus_takes_the_rules() -> Result<()> {
    let mut command = tools::command("promtool")?;
    command.args(["check", "rules"]).args(files(&folder().join("rules"))?);
    tools::output(&mut command).map(drop)
}

#[test]
fn alerts_fire_and_stay_quiet() -> Result<()> {
    let tests = files(&folder().join("rules/tests"))?;
    tools::output(tools::command("promtool")?.args(["test", "rules"]).args(&tests))?;
    // All of them, both ways.
    let texts: Vec<_> = tests.iter().map(fs::read_to_string).collect::<Result<_, _>>()?;
    for alert in alerts()? {
        let fires = format!(r#""ALERTS",alertname="{alert}",alertstate="firing""#);
        ensure!(texts.iter().any(|text| text.contains(&fires)), "{alert} is not seen to fire");
        let quiet = texts.iter().flat_map(|text| text.split("\n      - ")).any(|test| {
            test.contains(&alert)
                && (test.contains("exp_alerts: []") || test.contains("exp_samples: []"))
        });
        ensure!(quiet, "{alert} is not seen to stay quiet");
    }
    Ok(())
}

#[test]
fn alerts_say_what_to_do() -> Result<()> {
    for rule in rules()? {
        let Some(alert) = &rule.alert else {
            ensure!(rule.record.as_ref().is_some_and(|name| name.contains(':')), "{rule:?}");
            continue;
        };
        ensure!(alert.starts_with("Wrongdoor") && !alert.contains('_'), "{alert}");
        let severity =
            rule.labels.get("severity").with_context(|| format!("{alert} has no severity"))?;
        ensure!(
            ["critical", "warning", "info"].contains(&severity.as_str()),
            "{alert}: {severity}"
        );
        for name in ["summary", "description", "runbook_url", "dashboard"] {
            ensure!(
                rule.annotations.get(name).is_some_and(|text| !text.is_empty()),
                "{alert} has no {name}"
            );
        }
        let runbook = format!("dashboards/runbooks/{alert}.md");
        ensure!(rule.annotations.get("runbook_url") == Some(&runbook), "{alert}: {runbook}");
    }
    Ok(())
}

#[test]
fn thresholds_are_argued() -> Result<()> {
    let text = fs::read_to_string(folder().join("rules/alerts.yaml"))?;
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    for pair in lines.windows(2) {
        let [before, line] = pair else { continue };
        ensure!(!line.starts_with("- alert:") || before.starts_with('#'), "{line} is not argued");
    }
    Ok(())
}

#[test]
fn each_alert_has_its_runbook_and_each_runbook_its_alert() -> Result<()> {
    let runbooks = files(&folder().join("runbooks"))?;
    let names = runbooks.iter().filter_map(|file| file.file_stem()?.to_str().map(str::to_owned));
    let names: BTreeSet<_> = names.collect();
    ensure!(names == alerts()?, "{names:?}");
    for file in runbooks {
        let text = fs::read_to_string(&file)?;
        for part in ["## What it means", "## What to do"] {
            ensure!(text.contains(part), "{} has no {part}", file.display());
        }
    }
    Ok(())
}

/// Whoever is woken by 421s finds each cause that a panel may show, and the setting.
#[test]
fn the_runbook_of_421s_has_every_cause() -> Result<()> {
    let text = fs::read_to_string(folder().join("runbooks/WrongdoorMisdirectedRatioHigh.md"))?;
    let rows: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    let ids: Vec<_> = rows.iter().filter_map(|row| row.split('`').next()).collect();
    ensure!(ids.iter().copied().eq(CauseId::ALL.iter().map(|cause| cause.as_str())), "{ids:?}");
    for row in rows {
        let cells: Vec<_> = row.split(" | ").collect();
        ensure!(cells.len() == 3 && cells.iter().all(|cell| cell.len() > 3), "{row}");
    }
    Ok(())
}
