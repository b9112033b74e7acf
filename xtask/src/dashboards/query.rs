//! The PromQL queries of panels.

/// The selector for requests. It selects one role: if agents observe both ends, each request is counted at both.
pub(super) const CHOSEN: &str = r#"cluster=~"$cluster",namespace=~"$namespace",workload=~"$workload",authority=~"$authority",role="$role""#;

/// The same for all roles, for panels that compare them.
pub(super) const AT_ANY_END: &str =
    r#"cluster=~"$cluster",namespace=~"$namespace",workload=~"$workload",authority=~"$authority""#;

/// The selector for agents.
pub(super) const AGENTS: &str = r#"cluster=~"$cluster",instance=~"$instance""#;

/// Connections for HTTP over TCP: HTTP was negotiated, or only offered if the agent does not see more, as in TLS 1.3.
pub(super) const HTTP: &str = r#"alpn=~"h2|http/1.1|http_offered""#;

/// The selector for metrics without a role and without names.
pub(super) const CLUSTER: &str = r#"cluster=~"$cluster""#;

/// The rate per second, for graphs over time.
pub(super) fn rate(metric: &str, chosen: &str) -> String {
    format!("rate({metric}{{{chosen}}}[$__rate_interval])")
}

/// The increase in the selected time range.
pub(super) fn increase(metric: &str, chosen: &str) -> String {
    format!("increase({metric}{{{chosen}}}[$__range])")
}

/// The same for counters that start at 1 with their first event, which `increase` does not count. Agents that were not
/// scraped at the start of the time range are excluded, because all of their counters look new. Counters that were reset
/// within the time range are left to `increase`, which handles resets.
pub(super) fn increase_from_none(metric: &str, chosen: &str) -> String {
    let (counter, increase) = (format!("{metric}{{{chosen}}}"), increase(metric, chosen));
    format!(
        "({counter} unless {counter} offset $__range unless resets({counter}[$__range]) > 0) \
         and on (cluster, job, instance) process_start_time_seconds offset $__range or {increase}"
    )
}

/// A part of a whole, without a value if the whole is 0. A part without a series is 0.
pub(super) fn share(part: &str, whole: &str) -> String {
    format!("({part} or 0 * {whole}) / ({whole} > 0)")
}

/// The requests that got a 421. These counters start at 0 before the first 421.
pub(super) fn misdirected() -> String {
    format!(r#"{CHOSEN},outcome="misdirected""#)
}

/// A query, and the names of its series.
pub(super) struct Query {
    pub(super) expression: String,
    /// With `{{label}}` placeholders; empty for tables, which have columns.
    pub(super) legend: &'static str,
    /// Whether the query returns a single value instead of a course over time.
    pub(super) is_instant: bool,
    pub(super) has_exemplars: bool,
}

impl Query {
    /// A query over time.
    pub(super) fn over_time(expression: impl Into<String>, legend: &'static str) -> Self {
        let expression = expression.into();
        Self { expression, legend, is_instant: false, has_exemplars: false }
    }

    /// A query for one value: now, or for the whole time range.
    pub(super) fn instant(expression: impl Into<String>, legend: &'static str) -> Self {
        Self { is_instant: true, ..Self::over_time(expression, legend) }
    }

    /// With exemplars, which link to traces.
    pub(super) fn with_exemplars(self) -> Self {
        Self { has_exemplars: true, ..self }
    }
}
