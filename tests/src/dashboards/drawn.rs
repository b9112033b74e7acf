//! A dashboard as a page of its own: laid out as Grafana does, with what Prometheus answered.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Choices, Dashboard};
use crate::prometheus::Prometheus;

const STYLE: &str = include_str!("draw.css");
const SCRIPT: &str = include_str!("draw.js");

/// What Prometheus answered to all that a dashboard asks, over a time in seconds since 1970.
#[derive(Clone, Debug)]
pub struct Answers {
    start: f64,
    end: f64,
    /// By the panel's number and the query's name.
    found: BTreeMap<u64, BTreeMap<String, Value>>,
}

impl Answers {
    /// Asks everything.
    pub fn ask(
        prometheus: &Prometheus,
        dashboard: &Dashboard,
        choices: &Choices<'_>,
        (start, end): (f64, f64),
    ) -> Result<Self> {
        let mut found = BTreeMap::<_, BTreeMap<_, _>>::new();
        for query in dashboard.queries() {
            let expression = choices.fill(&query.expression);
            let of_panel = found.entry(query.panel.0).or_default();
            if query.has_exemplars {
                let exemplars = prometheus.exemplars(&expression)?;
                of_panel.insert(format!("{} exemplars", query.name), exemplars.into());
            }
            let series = if query.is_instant {
                prometheus.instant(&expression, end)?
            } else {
                prometheus.course(&expression, start, end)?
            };
            of_panel.insert(query.name, series);
        }
        Ok(Self { start, end, found })
    }

    /// The answer to a query: a list of series.
    pub fn of(&self, panel: u64, query: &str) -> Option<&Vec<Value>> {
        self.found.get(&panel)?.get(query)?.as_array()
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
