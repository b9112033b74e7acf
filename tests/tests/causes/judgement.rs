use serde_json::Value;
use wrongdoor_tests::live::compare::Role;
use wrongdoor_tests::report::{Report, number, text};
use wrongdoor_tests::scenario::reproductions::{Finding, may_be};

/// Cause, generator and recovery.
pub(super) fn judgement(
    finding: &Finding,
    line: &Value,
    report: &Report,
    role: Role,
) -> Vec<String> {
    let mut differences = Vec::new();
    let cause = line.get("cause").cloned().unwrap_or_default();
    let (id, confidence) = (text(&cause, "id"), text(&cause, "confidence"));
    if !finding.allows(id.unwrap_or("none"), confidence.unwrap_or("none")) {
        differences.push(format!("expected cause {:?}, got {id:?} {confidence:?}", finding.causes));
    }
    let generator = text(line, "generator").unwrap_or("none");
    if !finding.generators.contains(&generator) {
        let expected = may_be(finding.generators);
        differences.push(format!("expected generator {expected}, got {generator}"));
    }
    for field in ["advice", "evidence"] {
        let is_said = |value: &Value| {
            value.as_str().is_some_and(|text| !text.is_empty())
                || value.as_array().is_some_and(|list| !list.is_empty())
        };
        if !cause.get(field).is_some_and(is_said) {
            differences.push(format!("no {field}"));
        }
    }
    let recovery = recovery(line, report);
    if let Some((recovery, other)) = recovery
        && !is_borne_out(line, recovery, other, report)
    {
        differences.push(format!("nothing bears this out: {recovery}"));
    }
    let outcome = recovery.and_then(|(recovery, _)| text(recovery, "outcome")).unwrap_or("none");
    // At its own end, a client is a process.
    let is_alone = role == Role::Client && finding.is_by_another;
    // A run that is stopped does not know who would have come again.
    let is_open = text(line, "source") == Some("ebpf")
        && outcome == "none"
        && (is_alone || finding.outcomes.contains(&"not_retried"));
    let is_alone = is_alone && outcome == "not_retried";
    if !is_alone && !is_open && !finding.outcomes.contains(&outcome) {
        let expected = may_be(finding.outcomes);
        differences.push(format!("expected recovery {expected}, got {outcome}"));
    }
    differences.into_iter().map(|difference| format!("{difference}, in {line}")).collect()
}

/// In the line itself, or in one that follows, which calls the other connection otherwise.
fn recovery<'a>(line: &'a Value, report: &'a Report) -> Option<(&'a Value, &'a str)> {
    let embedded = line.get("recovery").filter(|recovery| !recovery.is_null());
    let same = |recovery: &&Value| {
        ["connection", "stream"].iter().all(|key| recovery.get(key) == line.get(key))
    };
    let following = || report.recoveries.iter().find(same).map(|line| (line, "by_connection"));
    embedded.map(|recovery| (recovery, "connection")).or_else(following)
}

/// What is said of the request that was made again is a line of its own.
fn is_borne_out(line: &Value, recovery: &Value, other: &str, report: &Report) -> bool {
    let outcome = text(recovery, "outcome").unwrap_or_default();
    let status = number(recovery, "status");
    let is_that = |again: &Value| {
        again.get("connection") == recovery.get(other)
            && again.get("authority") == line.get("authority")
            && number(again, "status") == status
    };
    match outcome {
        "not_retried" => status.is_none(),
        "other_connection_opened" => recovery.get(other).is_some_and(Value::is_string),
        _ => {
            (status == Some(421)) == outcome.ends_with("421")
                && report.exchanges.iter().any(is_that)
        }
    }
}
