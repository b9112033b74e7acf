//! Every reproduction: what went wrong in it, why, who said so, and what the client did then are told as they happened.

/// From a capture, with keys.
mod captured;
/// What is said of one refusal, against what is known of it.
mod judgement;
/// From probes.
mod live;
/// The table of reproductions.
mod table;

use serde_json::Value;
use wrongdoor_tests::live::compare::Role;
use wrongdoor_tests::report::{Report, number, text};
use wrongdoor_tests::scenario::reproductions::{Finding, Reproduction};

use self::judgement::judgement;

/// What a line is about: the hop, the SNI, the authority and the status.
type Subject = (usize, Option<String>, String, Option<u64>);

/// What the report says, at one end of the hops, that differs from what happened.
fn differences(
    reproduction: &Reproduction,
    ports: &[u16],
    report: &Report,
    role: Role,
) -> Vec<String> {
    let mut lines: Vec<&Value> = report
        .exchanges
        .iter()
        .filter(|line| text(line, "role") == role.name() && hop(line, ports).is_some())
        .collect();
    // Which of two hops is seen first at an end is a matter of microseconds; the order on a hop is what happened.
    lines.sort_by_key(|line| (hop(line, ports), text(line, "started").map(ToOwned::to_owned)));
    let mut differences = Vec::new();
    if lines.is_empty() && expects_lines(reproduction, role) {
        differences.push(format!("nothing was told of it at {role:?}"));
    }
    let found: Vec<&Value> = lines.into_iter().filter(|line| is_refused(line)).collect();
    let mut expected: Vec<&Finding> = reproduction
        .findings
        .iter()
        .filter(|finding| is_seen(reproduction, finding.hop, role))
        .collect();
    expected.sort_by_key(|finding| finding.hop);
    let told: Vec<Subject> = found.iter().map(|line| subject(line, ports)).collect();
    let happened: Vec<Subject> = expected.iter().map(|finding| subject_of(finding)).collect();
    if told != happened {
        let lines: String = found.iter().map(|line| format!("{line}\n")).collect();
        differences.push(format!("expected {happened:#?}\ngot {told:#?}\n{lines}"));
        return prefixed(reproduction, role, differences);
    }
    for (finding, line) in expected.into_iter().zip(found) {
        differences.extend(judgement(finding, line, report, role));
    }
    for line in &report.exchanges {
        if !is_refused(line) && line.get("cause").is_some_and(|cause| !cause.is_null()) {
            differences.push(format!("a cause for what was not refused: {line}"));
        }
    }
    prefixed(reproduction, role, differences)
}

fn prefixed(reproduction: &Reproduction, role: Role, differences: Vec<String>) -> Vec<String> {
    let prefix = format!("{} ({role:?})", reproduction.name);
    differences.into_iter().map(|difference| format!("{prefix}: {difference}")).collect()
}

/// A capture tells what there are keys for; probes see the ends that they know.
fn is_seen(reproduction: &Reproduction, hop: usize, role: Role) -> bool {
    reproduction.hops.get(hop).is_some_and(|ends| match role {
        Role::Client => ends.client,
        Role::Server => ends.server,
        Role::None => ends.wire,
    })
}

fn expects_lines(reproduction: &Reproduction, role: Role) -> bool {
    (0..reproduction.hops.len()).any(|hop| is_seen(reproduction, hop, role))
}

/// A 421; or a name that does not agree with the SNI, or has none, and is answered with what else servers answer then.
fn is_refused(line: &Value) -> bool {
    let verdict = text(line, "verdict").unwrap_or_default();
    let disagrees = ["no_sni", "sni_invalid", "misdirected_uncovered"].contains(&verdict)
        || ["mismatch_h1", "coalesced_"].iter().any(|kind| verdict.starts_with(kind));
    match number(line, "status") {
        Some(421) => true,
        Some(400 | 403) | None => disagrees,
        Some(_) => false,
    }
}

fn hop(line: &Value, ports: &[u16]) -> Option<usize> {
    let port: u16 = text(line, "server")?.rsplit(':').next()?.parse().ok()?;
    ports.iter().position(|known| *known == port)
}

fn subject(line: &Value, ports: &[u16]) -> Subject {
    let own = |key: &str| text(line, key).map(ToOwned::to_owned);
    let authority = own("authority").unwrap_or_default();
    (hop(line, ports).unwrap_or(usize::MAX), own("sni"), authority, number(line, "status"))
}

fn subject_of(finding: &Finding) -> Subject {
    (
        finding.hop,
        finding.sni.map(ToOwned::to_owned),
        finding.authority.to_owned(),
        finding.status.map(u64::from),
    )
}
