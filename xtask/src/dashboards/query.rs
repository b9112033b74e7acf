//! What a panel asks Prometheus for.

/// What requests are chosen by. One end at a time: a request whose both ends are on watched nodes is counted at both.
pub(super) const CHOSEN: &str = r#"cluster=~"$cluster",namespace=~"$namespace",workload=~"$workload",authority=~"$authority",role="$role""#;

/// The same at every end, for questions that compare them.
pub(super) const AT_ANY_END: &str =
    r#"cluster=~"$cluster",namespace=~"$namespace",workload=~"$workload",authority=~"$authority""#;

/// What agents are chosen by.
pub(super) const AGENTS: &str = r#"cluster=~"$cluster",instance=~"$instance""#;

/// Connections for HTTP over TCP: negotiated, or offered where that is all that is seen, as in TLS 1.3.
pub(super) const HTTP: &str = r#"alpn=~"h2|http/1.1|http_offered""#;

/// What has neither a role nor a name is chosen by.
pub(super) const CLUSTER: &str = r#"cluster=~"$cluster""#;

/// How often a second, as drawn over time.
pub(super) fn rate(metric: &str, chosen: &str) -> String {
    format!("rate({metric}{{{chosen}}}[$__rate_interval])")
}

/// How often in the time that is looked at.
pub(super) fn increase(metric: &str, chosen: &str) -> String {
    format!("increase({metric}{{{chosen}}}[$__range])")
}

/// The same of counters that begin at 1 with the first of what they count: to `increase` that one did not happen. Where
/// nothing was scraped when the time that is looked at began, all of them would seem to begin in it; and one that was
/// reset since has lost what it had, which `increase` knows.
pub(super) fn increase_from_none(metric: &str, chosen: &str) -> String {
    let (counter, increase) = (format!("{metric}{{{chosen}}}"), increase(metric, chosen));
    format!(
        "({counter} unless {counter} offset $__range unless resets({counter}[$__range]) > 0) \
         and on (cluster, job, instance) process_start_time_seconds offset $__range or {increase}"
    )
}

/// A part of a whole; nothing where there is no whole. A part that was never counted has no series, and is 0.
pub(super) fn share(part: &str, whole: &str) -> String {
    format!("({part} or 0 * {whole}) / ({whole} > 0)")
}

/// The requests answered with 421: also where there is none yet, these counters stand at 0.
pub(super) fn misdirected() -> String {
    format!(r#"{CHOSEN},outcome="misdirected""#)
}

/// A query, and how its answers are called.
pub(super) struct Query {
    pub(super) expression: String,
    /// With `{{label}}`; empty in tables, which have columns.
    pub(super) legend: &'static str,
    /// What is now, and no course of time.
    pub(super) is_instant: bool,
    pub(super) has_exemplars: bool,
}

impl Query {
    /// A course of time.
    pub(super) fn over_time(expression: impl Into<String>, legend: &'static str) -> Self {
        let expression = expression.into();
        Self { expression, legend, is_instant: false, has_exemplars: false }
    }

    /// What is now, or in all of the time that is looked at.
    pub(super) fn instant(expression: impl Into<String>, legend: &'static str) -> Self {
        Self { is_instant: true, ..Self::over_time(expression, legend) }
    }

    /// With the traces that the agent has put beside the counts.
    pub(super) fn with_exemplars(self) -> Self {
        Self { has_exemplars: true, ..self }
    }
}
