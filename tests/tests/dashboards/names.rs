use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wrongdoor_tests::dashboards::{AT_FIRST, Dashboard, Names, queries, rules};

/// The labels that a legend names.
fn of_legend(legend: &str) -> Vec<&str> {
    legend.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0.trim())).collect()
}

#[test]
fn dashboards_name_only_what_agents_export() -> Result<()> {
    let names = Names::exported()?;
    for dashboard in Dashboard::all()? {
        for panel in dashboard.panels() {
            for (query, target) in
                queries(panel).iter().zip(panel["targets"].as_array().context("no targets")?)
            {
                let labels = names.require(&AT_FIRST.fill(&query.expression))?;
                let legend = target["legendFormat"].as_str().context("no legend")?;
                let mut shown = of_legend(legend);
                if let Some(columns) = panel.pointer("/transformations/0/options/renameByName") {
                    shown.extend(
                        columns.as_object().context("no columns")?.keys().map(String::as_str),
                    );
                    shown.retain(|column| *column != "Value");
                }
                for label in shown {
                    ensure!(labels.contains(label), "{:?} has no {label}", query.panel);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn variables_ask_for_what_agents_export() -> Result<()> {
    let names = Names::exported()?;
    let mut asked = BTreeSet::new();
    for dashboard in Dashboard::all()? {
        for variable in dashboard.variables() {
            if variable["type"] != "query" {
                continue;
            }
            let query = variable["query"].as_str().context("no query")?;
            let query = AT_FIRST.fill(query);
            let (function, arguments) =
                query.strip_suffix(')').and_then(|query| query.split_once('(')).context("odd")?;
            asked.insert(function.to_owned());
            if function == "label_values" {
                let (series, label) = arguments.rsplit_once(", ").context("no label")?;
                let labels = names.require(series)?;
                ensure!(labels.contains(label) && variable["name"] == label, "{variable:#}");
            } else {
                names.require(arguments)?;
            }
        }
    }
    ensure!(asked.iter().eq(["label_values", "query_result"]), "{asked:?}");
    Ok(())
}

#[test]
fn rules_name_only_what_agents_export_or_rules_record() -> Result<()> {
    let mut names = Names::exported()?;
    for rule in rules()? {
        let labels = names.require(&rule.expr)?;
        if let Some(record) = &rule.record {
            names.record(record, &rule.expr)?;
        }
        // What people are told names labels too.
        for text in rule.annotations.values() {
            for used in text.split("$labels.").skip(1) {
                let end = used
                    .find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
                let label = used.get(..end.unwrap_or(used.len())).unwrap_or_default();
                ensure!(labels.contains(label), "{:?} has no {label}", rule.alert);
            }
        }
    }
    Ok(())
}

/// A link passes on what the other dashboard has a variable for.
#[test]
fn links_lead_to_variables_that_are_there() -> Result<()> {
    let dashboards = Dashboard::all()?;
    let mut links = Vec::new();
    for dashboard in &dashboards {
        collect(&dashboard.json, &mut links);
    }
    links
        .extend(rules()?.into_iter().filter_map(|rule| rule.annotations.get("dashboard").cloned()));
    ensure!(links.len() > 10, "{links:?}");
    for link in links {
        let place = link.trim_start_matches("/d/");
        let (uid, choices) = place.split_once('?').unwrap_or((place, ""));
        let target = dashboards.iter().find(|dashboard| dashboard.json["uid"] == uid);
        let target = target.with_context(|| format!("no dashboard of {link}"))?;
        for choice in
            choices.split('&').filter_map(|part| part.strip_prefix("var-")?.split_once('='))
        {
            let is_there = target.variables().iter().any(|variable| variable["name"] == choice.0);
            ensure!(is_there, "{link}: no variable {}", choice.0);
        }
    }
    Ok(())
}

fn collect(json: &Value, links: &mut Vec<String>) {
    match json {
        Value::String(text) if text.starts_with("/d/") => links.push(text.clone()),
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, links)),
        Value::Object(parts) => parts.values().for_each(|part| collect(part, links)),
        _ => {}
    }
}
