//! The rules of grafana/dashboard-linter, by their names there.
//!
//! `template-job-rule`, `template-instance-rule`, `target-job-rule` and `target-instance-rule` are held where they tell
//! something: agents are chosen by node (`instance`) on the dashboard about agents. A job would tell nothing, as no
//! other job exports a metric that is called `wrongdoor_…`; and what requests did is asked of a whole cluster.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use wrongdoor_tests::dashboards::{AT_FIRST, Dashboard, Names, queries};

/// `template-datasource-rule`, `panel-datasource-rule`: every panel and target asks the datasource that is chosen.
#[test]
fn datasources_are_variables() -> Result<()> {
    for dashboard in Dashboard::all()? {
        let mut chosen = BTreeSet::new();
        for variable in dashboard.variables() {
            if variable["type"] == "datasource" {
                chosen.insert((
                    variable["query"].to_string(),
                    format!("\"${{{}}}\"", variable["name"].as_str().context("no name")?),
                ));
            }
        }
        ensure!(chosen.contains(&("\"prometheus\"".into(), "\"${datasource}\"".into())));
        for panel in dashboard.panels() {
            let targets = panel["targets"].as_array().context("no targets")?;
            ensure!(!targets.is_empty(), "{panel:#}");
            for asks in targets.iter().chain([panel]) {
                let source = &asks["datasource"];
                ensure!(
                    chosen.contains(&(source["type"].to_string(), source["uid"].to_string())),
                    "{asks:#}"
                );
            }
        }
    }
    Ok(())
}

/// `template-label-promql-rule`, `template-on-time-change-reload-rule`; and variables that nothing uses.
#[test]
fn variables_are_fresh_and_used() -> Result<()> {
    for dashboard in Dashboard::all()? {
        for variable in dashboard.variables() {
            let name = variable["name"].as_str().context("no name")?;
            ensure!(!variable["label"].as_str().unwrap_or_default().is_empty(), "{name}");
            if variable["type"] == "query" {
                // When the time that is looked at changes.
                ensure!(variable["refresh"] == 2, "{name}");
                ensure!(variable["datasource"]["uid"] == "${datasource}", "{name}");
            }
            let panels = dashboard.json["panels"].to_string();
            let is_used =
                [format!("${name}"), format!("${{{name}")].iter().any(|use_| panels.contains(use_));
            ensure!(is_used, "{}: ${name} is not used", dashboard.name);
        }
    }
    Ok(())
}

/// `panel-title-description-rule`, `panel-units-rule`; and that a description asks a question.
#[test]
fn panels_have_a_title_a_question_and_a_unit() -> Result<()> {
    for dashboard in Dashboard::all()? {
        let mut titles = BTreeSet::new();
        for panel in dashboard.panels() {
            let text = |key: &str| panel[key].as_str().unwrap_or_default().to_owned();
            ensure!(!text("title").is_empty() && titles.insert(text("title")), "{panel:#}");
            ensure!(text("description").contains('?'), "{} asks nothing", text("title"));
            ensure!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{}", text("title"));
        }
    }
    Ok(())
}

/// `target-promql-rule`, `target-rate-interval-rule`. What is now, of all the time that is looked at, takes that time.
#[test]
fn queries_parse_and_follow_the_scrape_interval() -> Result<()> {
    let names = Names::exported()?;
    for dashboard in Dashboard::all()? {
        for query in dashboard.queries() {
            names.require(&AT_FIRST.fill(&query.expression))?;
            let window = if query.is_instant { "[$__range]" } else { "[$__rate_interval]" };
            let windows = query.expression.matches('[').count();
            ensure!(query.expression.matches(window).count() == windows, "{}", query.expression);
        }
    }
    Ok(())
}

/// `target-required-matchers-rule` of ours: each metric is chosen by cluster; what has a role, at one end only, or told
/// apart by it.
#[test]
fn nothing_is_counted_at_both_ends_at_once() -> Result<()> {
    for dashboard in Dashboard::all()?.iter().filter(|dashboard| dashboard.name != "agent-health") {
        for query in dashboard.queries() {
            let of_requests = [
                "exchanges",
                "misdirected",
                "authority_mismatches",
                "silent_misdirects",
                "recoveries",
            ];
            for family in of_requests {
                for selector in
                    query.expression.split(&format!("wrongdoor_{family}_total{{")).skip(1)
                {
                    let selector = selector.split('}').next().unwrap_or_default();
                    ensure!(selector.contains(r#"cluster=~"$cluster""#), "{}", query.expression);
                    let is_one = selector.contains(r#"role="$role""#)
                        || query.expression.contains("sum by (role)");
                    // The handshakes of recoveries are counted at both ends, and told to be.
                    let is_share = query.expression.contains("wrongdoor_recovery_handshakes_total");
                    ensure!(is_one || is_share, "{}", query.expression);
                }
            }
        }
    }
    Ok(())
}

/// `template-uneditable-rule`; identities that links and later versions rely on; and panels that do not overlap.
#[test]
fn identities_and_places_are_unique() -> Result<()> {
    let mut uids = BTreeSet::new();
    for dashboard in Dashboard::all()? {
        ensure!(dashboard.json["editable"] == false && dashboard.json["id"].is_null());
        ensure!(dashboard.json["uid"] == format!("wrongdoor-{}", dashboard.name));
        ensure!(uids.insert(dashboard.json["uid"].to_string()));
        let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
        for panel in dashboard.json["panels"].as_array().context("no panels")? {
            ensure!(ids.insert(panel["id"].as_u64()), "{panel:#}");
            let side = |key: &str| panel["gridPos"][key].as_u64().context("no place");
            ensure!(side("x")? + side("w")? <= 24, "{panel:#}");
            for x in side("x")?..side("x")? + side("w")? {
                for y in side("y")?..side("y")? + side("h")? {
                    ensure!(cells.insert((x, y)), "{panel:#} is upon another");
                }
            }
        }
    }
    Ok(())
}

/// Links between all of them, with what was chosen.
#[test]
fn dashboards_lead_to_each_other() -> Result<()> {
    for dashboard in Dashboard::all()? {
        let link = &dashboard.json["links"][0];
        ensure!(
            link["type"] == "dashboards" && link["includeVars"] == true && link["keepTime"] == true
        );
        ensure!(link["tags"] == dashboard.json["tags"], "{link:#}");
        let names = Value::from("wrongdoor");
        ensure!(link["tags"][0] == names);
    }
    Ok(())
}

#[test]
fn exemplars_are_asked_for_where_they_are() -> Result<()> {
    let dashboards = Dashboard::all()?;
    let panels = dashboards.iter().flat_map(Dashboard::panels);
    let asking: Vec<_> = panels.flat_map(queries).filter(|query| query.has_exemplars).collect();
    let of = |family: &str| asking.iter().filter(|query| query.expression.contains(family)).count();
    ensure!(
        of("wrongdoor_misdirected_total") == 1 && of("wrongdoor_authority_mismatches_total") == 1
    );
    ensure!(asking.len() == 2, "{asking:?}");
    Ok(())
}
