//! A dashboard as a page of its own: laid out as Grafana does, with what Prometheus answered.

use serde_json::{Value, json};

use super::{Choices, Dashboard};
use crate::prometheus::Prometheus;
use anyhow::Result;

const STYLE: &str = include_str!("draw.css");
const SCRIPT: &str = include_str!("draw.js");

/// What Prometheus answered to all that a dashboard asks, over a time in seconds since 1970.
#[derive(Clone, Debug)]
pub struct Answers {
    start: f64,
    end: f64,
    /// By the panel's number and the query's name.
    found: Value,
}

impl Answers {
    /// Asks everything.
    pub fn ask(
        prometheus: &Prometheus,
        dashboard: &Dashboard,
        choices: &Choices<'_>,
        (start, end): (f64, f64),
    ) -> Result<Self> {
        let mut found = json!({});
        for query in dashboard.queries() {
            let expression = choices.fill(&query.expression);
            let panel = query.panel.0.to_string();
            found[&panel][&query.name] = if query.is_instant {
                prometheus.instant(&expression, end)?
            } else {
                prometheus.course(&expression, start, end)?
            };
            if query.has_exemplars {
                found[&panel][format!("{} exemplars", query.name)] =
                    prometheus.exemplars(&expression)?.into();
            }
        }
        Ok(Self { start, end, found })
    }

    /// The answer to a query: a list of series.
    pub fn of(&self, panel: u64, query: &str) -> &Value {
        &self.found[panel.to_string()][query]
    }
}

/// The page. It loads nothing.
pub fn page(dashboard: &Dashboard, choices: &Choices<'_>, answers: &Answers) -> String {
    let data = json!({
        "dashboard": dashboard.json,
        "answers": answers.found,
        "start": answers.start,
        "end": answers.end,
        "choices": {
            "datasource": "Prometheus", "traces": "Tempo", "cluster": "All", "namespace": "All",
            "workload": "All", "instance": "All", "role": choices.role,
            "authority": choices.authority,
        },
    });
    // Names from the network must not end the script.
    let data = data.to_string().replace('<', "\\u003c");
    let title = dashboard.name;
    format!(
        r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>
<body><script type="application/json" id="data">{data}</script><script>{SCRIPT}</script></body></html>
"#
    )
}
