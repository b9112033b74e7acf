//! The committed dashboards and rules, what they ask Prometheus, and pages that show the answers.

mod drawn;
mod names;
mod rules;

pub use drawn::{Answers, page};
pub use names::{Names, TARGET_LABELS};
pub use rules::{Rule, rules};

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

/// The files' names, without their ending.
pub const NAMES: [&str; 3] = ["overview", "incident", "agent-health"];

/// The folder of dashboards, rules and runbooks.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../dashboards")
}

/// A dashboard as it is committed.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// Of its file.
    pub name: &'static str,
    /// All of it.
    pub json: Value,
}

/// What a panel asks Prometheus.
#[derive(Clone, Debug)]
pub struct Query {
    /// The panel's number and title.
    pub panel: (u64, String),
    /// Which one of the panel's.
    pub name: String,
    /// With Grafana's variables in it.
    pub expression: String,
    /// What is now, and no course of time.
    pub is_instant: bool,
    /// With the traces beside the counts.
    pub has_exemplars: bool,
}

/// What is chosen where a dashboard has variables.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    /// The end at which requests are counted.
    pub role: &'a str,
    /// The hosts asked for, as a regular expression.
    pub authority: &'a str,
    /// For `$__rate_interval`.
    pub interval: &'a str,
    /// For `$__range`.
    pub range: &'a str,
}

/// As a dashboard is when it is opened, in a cluster whose servers are seen.
pub const AT_FIRST: Choices<'static> =
    Choices { role: "server", authority: ".*", interval: "2m", range: "1h" };

// ===== impl Dashboard =====

impl Dashboard {
    /// All of them.
    pub fn all() -> Result<Vec<Self>> {
        NAMES.into_iter().map(Self::read).collect()
    }

    fn read(name: &'static str) -> Result<Self> {
        let file = folder().join(format!("{name}.json"));
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        Ok(Self { name, json: serde_json::from_str(&text)? })
    }

    /// Its panels; headings are none.
    pub fn panels(&self) -> Vec<&Value> {
        list(&self.json, "/panels").filter(|panel| text(panel, "type") != "row").collect()
    }

    /// Its variables.
    pub fn variables(&self) -> Vec<&Value> {
        list(&self.json, "/templating/list").collect()
    }

    /// All that it asks Prometheus.
    pub fn queries(&self) -> Vec<Query> {
        self.panels().into_iter().flat_map(queries).collect()
    }
}

/// What a panel asks Prometheus.
pub fn queries(panel: &Value) -> Vec<Query> {
    let targets = list(panel, "/targets").filter(|target| target.get("expr").is_some());
    let is = |target: &Value, key: &str| target.get(key) == Some(&Value::Bool(true));
    let query = |target: &Value| Query {
        panel: (panel.get("id").and_then(Value::as_u64).unwrap_or_default(), text(panel, "title")),
        name: text(target, "refId"),
        expression: text(target, "expr"),
        is_instant: is(target, "instant"),
        has_exemplars: is(target, "exemplar"),
    };
    targets.map(query).collect()
}

fn list<'a>(json: &'a Value, place: &str) -> impl Iterator<Item = &'a Value> {
    json.pointer(place).and_then(Value::as_array).into_iter().flatten()
}

fn text(json: &Value, key: &str) -> String {
    json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

// ===== impl Choices =====

impl Choices<'_> {
    /// An expression with these in place of the variables; whatever else is chosen by is `All`.
    pub fn fill(&self, expression: &str) -> String {
        let mut filled = expression
            .replace("$__rate_interval", self.interval)
            .replace("$__range", self.range)
            .replace("$role", self.role)
            .replace("$authority", self.authority);
        for variable in ["$cluster", "$namespace", "$workload", "$instance"] {
            filled = filled.replace(variable, ".*");
        }
        filled
    }
}
