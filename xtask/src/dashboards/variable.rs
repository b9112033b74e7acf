//! What a person chooses above the panels.

use serde_json::{Value, json};

/// A choice.
pub(super) enum Variable {
    /// Which Prometheus, or which store of traces.
    Datasource { name: &'static str, label: &'static str, plugin: &'static str },
    /// Values of a label of a metric.
    Label { name: &'static str, label: &'static str, of: &'static str },
    /// The end at which requests are counted.
    Role,
}

/// The end that is taken unless somebody chooses: the server's, where not another has seen half as much again. A cluster
/// may have its servers where no agent is, and then its clients are what there is.
const ROLES: &str = r#"query_result(sort_desc(sum by (role) (increase(wrongdoor_exchanges_total{cluster=~"$cluster",role="server"}[$__range])) * 1.5 or sum by (role) (increase(wrongdoor_exchanges_total{cluster=~"$cluster",role!="server"}[$__range]))))"#;

impl Variable {
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Datasource { name, label, plugin } => json!({
                "name": name, "label": label, "type": "datasource", "query": plugin,
                "hide": 0, "includeAll": false, "multi": false, "refresh": 1, "skipUrlSync": false,
                "current": {}, "options": [], "regex": "",
            }),
            Self::Label { name, label, of } => {
                let query = format!("label_values({of}, {name})");
                // `.*` and not the list of all: labels that are not there, as of a cluster that has no name, match too.
                let all = json!({
                    "includeAll": true, "multi": true, "allValue": ".*",
                    "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
                });
                query_json(name, label, &query, all)
            }
            Self::Role => {
                // The order is the query's: the first is what is chosen at first.
                let one = json!({
                    "includeAll": false, "multi": false, "regex": r#"/role="([^"]+)"/"#, "sort": 0,
                });
                query_json("role", "Counted at", ROLES, one)
            }
        }
    }
}

fn query_json(name: &str, label: &str, query: &str, more: Value) -> Value {
    let mut json = json!({
        "name": name, "label": label, "type": "query", "query": query, "definition": query,
        "datasource": { "type": "prometheus", "uid": "${datasource}" },
        "hide": 0, "refresh": 2, "skipUrlSync": false, "regex": "", "sort": 1,
        "current": {}, "options": [],
    });
    if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    json
}

/// The Prometheus, of every dashboard.
pub(super) fn datasource() -> Variable {
    Variable::Datasource { name: "datasource", label: "Prometheus", plugin: "prometheus" }
}

/// The cluster, of every dashboard.
pub(super) fn cluster() -> Variable {
    Variable::Label { name: "cluster", label: "Cluster", of: "wrongdoor_build_info" }
}

/// What requests are chosen by.
pub(super) fn requests() -> [Variable; 4] {
    [
        Variable::Label {
            name: "namespace",
            label: "Namespace",
            of: r#"wrongdoor_exchanges_total{cluster=~"$cluster"}"#,
        },
        Variable::Label {
            name: "workload",
            label: "Workload",
            of: r#"wrongdoor_exchanges_total{cluster=~"$cluster",namespace=~"$namespace"}"#,
        },
        Variable::Label {
            name: "authority",
            label: "Authority",
            of: r#"wrongdoor_exchanges_total{cluster=~"$cluster",namespace=~"$namespace",workload=~"$workload"}"#,
        },
        Variable::Role,
    ]
}
