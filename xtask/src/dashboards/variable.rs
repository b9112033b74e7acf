//! The variables of dashboards.

use serde_json::{Value, json};

/// A variable.
pub(super) enum Variable {
    /// The data source for metrics or traces.
    Datasource { name: &'static str, label: &'static str, plugin: &'static str },
    /// The values of a label of a metric.
    Label { name: &'static str, label: &'static str, of: &'static str },
    /// The role, that is the end of the connection, at which requests are counted.
    Role,
}

/// The query for the roles, with the default role first. The default is `server`, unless another role counted more than
/// 1.5 times as many requests. If no agent runs on the nodes of the servers, only the clients are observed.
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
                // `.*` instead of a list of all values also matches series without the label, as in a cluster without a name.
                let all = json!({
                    "includeAll": true, "multi": true, "allValue": ".*",
                    "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
                });
                query_json(name, label, &query, all)
            }
            Self::Role => {
                // Not sorted: the first value of the query is the default.
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

/// The Prometheus data source, for every dashboard.
pub(super) fn datasource() -> Variable {
    Variable::Datasource { name: "datasource", label: "Prometheus", plugin: "prometheus" }
}

/// The cluster, for every dashboard.
pub(super) fn cluster() -> Variable {
    Variable::Label { name: "cluster", label: "Cluster", of: "wrongdoor_build_info" }
}

/// The variables that select requests.
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
