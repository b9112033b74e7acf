//! Who answers what: connections by their SNI, names that are asked for on them.

use super::{answer_of, sni_of};
use crate::probe::options::{Protocol, Test};
use crate::probe::outcome::ProbeResult;
use crate::probe::report::ProbeReport;
use crate::text::{Tone, sanitize, wide_grid};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

/// What stands before the answer to a request that is not the first of its connection.
pub(super) const REUSED: &str = "reused ";
/// The most names that have a column each; of more, each has a row with its answers counted.
const MAX_COLUMNS: usize = 6;
/// The most kinds of answers that are shown in a cell.
const MAX_ANSWERS: usize = 4;

/// The matrix of each server and protocol; those of which it is the same share one.
pub(super) fn matrices(
    report: &ProbeReport<'_>,
    colour: bool,
) -> Vec<(Vec<Protocol>, Vec<SocketAddr>, String)> {
    let mut found: HashMap<(Protocol, SocketAddr), Vec<&ProbeResult>> = HashMap::new();
    for one in &report.results.found {
        found.entry((one.probe.protocol, one.server)).or_default().push(one);
    }
    let mut matrices: Vec<(Vec<Protocol>, Vec<SocketAddr>, String)> = Vec::new();
    for protocol in [Protocol::H2, Protocol::Http1] {
        let mut of_protocol: Vec<(Vec<SocketAddr>, String)> = Vec::new();
        for (server, _) in &report.results.servers {
            let Some(found) = found.get(&(protocol, *server)) else { continue };
            let text = matrix(found, colour);
            match of_protocol.iter_mut().find(|(_, known)| *known == text) {
                Some((servers, _)) => servers.push(*server),
                None => of_protocol.push((vec![*server], text)),
            }
        }
        for (servers, text) in of_protocol {
            match matrices.iter_mut().find(|(_, known, same)| *known == servers && *same == text) {
                Some((protocols, ..)) => protocols.push(protocol),
                None => matrices.push((vec![protocol], servers, text)),
            }
        }
    }
    matrices
}

fn matrix(found: &[&ProbeResult], colour: bool) -> String {
    let mut authorities = Vec::new();
    let mut handshakes = Vec::new();
    for found in found {
        let (authority, sni) = (found.probe.authority.raw.as_str(), found.probe.sni.as_deref());
        if !authorities.contains(&authority) {
            authorities.push(authority);
        }
        if !handshakes.contains(&sni) {
            handshakes.push(sni);
        }
    }
    if authorities.len() > MAX_COLUMNS {
        return counted(found, &authorities, colour);
    }
    let mut cells: HashMap<_, Vec<&ProbeResult>> = HashMap::new();
    for found in found {
        let key = (found.probe.sni.as_deref(), found.probe.authority.raw.as_str());
        cells.entry(key).or_default().push(found);
    }
    let rows: Vec<_> = handshakes
        .into_iter()
        .map(|sni| {
            let of_row = authorities.iter().map(|authority| cells.get(&(sni, *authority)));
            let of_row: Vec<_> = of_row.map(|found| found.map_or(&[][..], Vec::as_slice)).collect();
            let mut row = vec![sni_of(sni)];
            row.extend(of_row.iter().map(|found| cell(found)));
            (tone(&of_row.concat()), row)
        })
        .collect();
    let mut header = vec!["SNI".to_owned()];
    header.extend(authorities.iter().map(|authority| sanitize(authority)));
    wide_grid(&header, &rows, colour)
}

/// The answer to a first request; and that to a later one, where it is another.
fn cell(found: &[&ProbeResult]) -> String {
    let (reused, first): (Vec<_>, Vec<_>) =
        found.iter().partition(|found| found.probe.test == Test::Reuse);
    let told = |found: Vec<&ProbeResult>| {
        let mut told: Vec<_> = found.into_iter().map(answer_of).collect();
        told.sort();
        told.dedup();
        told.join(" or ")
    };
    let (first, reused) = (told(first), told(reused));
    match (first.is_empty(), reused.is_empty()) {
        (_, true) => first,
        (true, false) => format!("{REUSED}{reused}"),
        (false, false) if first == reused => first,
        (false, false) => format!("{first}, {REUSED}{reused}"),
    }
}

/// A row a name: how often it was answered how, by kinds of connections.
fn counted(found: &[&ProbeResult], authorities: &[&str], colour: bool) -> String {
    let mut tests: Vec<_> = found.iter().map(|found| found.probe.test).collect();
    tests.sort();
    tests.dedup();
    let mut of_name: HashMap<&str, Vec<&ProbeResult>> = HashMap::new();
    for found in found {
        of_name.entry(&found.probe.authority.raw).or_default().push(found);
    }
    let rows: Vec<_> = authorities
        .iter()
        .map(|authority| {
            let found = of_name.get(authority).map_or(&[][..], Vec::as_slice);
            let mut row = vec![sanitize(authority)];
            row.extend(tests.iter().map(|test| counts(found, *test)));
            (tone(found), row)
        })
        .collect();
    let mut header = vec!["authority".to_owned()];
    header.extend(tests.iter().map(|test| title(*test).to_owned()));
    wide_grid(&header, &rows, colour)
}

fn counts(found: &[&ProbeResult], test: Test) -> String {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for found in found.iter().filter(|found| found.probe.test == test) {
        *counts.entry(answer_of(found)).or_default() += 1;
    }
    if let (1, Some((answer, 1))) = (counts.len(), counts.first_key_value()) {
        return answer.clone();
    }
    let more = counts.len().saturating_sub(MAX_ANSWERS);
    let told = counts.iter().take(MAX_ANSWERS).map(|(answer, count)| format!("{answer} ×{count}"));
    let mut told: Vec<_> = told.collect();
    if more > 0 {
        told.push(format!("{more} other answers"));
    }
    told.join(", ")
}

fn title(test: Test) -> &'static str {
    match test {
        Test::Own => "own connection",
        Test::Cross => "others' connections",
        Test::NoSni => "without SNI",
        Test::FixedSni => "with --sni",
        Test::Reuse => "others', reused",
    }
}

fn tone(found: &[&ProbeResult]) -> Tone {
    let all = |is: fn(&ProbeResult) -> bool| found.iter().all(|found| is(found));
    if all(|found| found.answer().is_some_and(|answer| answer.outcome() == "served")) {
        Tone::Good
    } else if all(|found| found.answer().is_some()) {
        Tone::Warning
    } else {
        Tone::Bad
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::outcome::{ProbeEnd, ProbeStage};
    use crate::probe::testing::{answered, failed, found};

    fn ok(status: u16) -> ProbeEnd {
        ProbeEnd::Answered(answered(status, None))
    }

    #[test]
    fn a_cell_tells_the_second_answer_where_it_is_another() {
        let of = |first, reused| {
            let first = found(Test::Cross, "two.test", &[], first);
            let reused = found(Test::Reuse, "two.test", &[], reused);
            cell(&[&first, &reused])
        };
        assert_eq!(of(ok(200), ok(200)), "200");
        assert_eq!(of(ok(200), ok(421)), "200, reused 421");
        let alert = || failed(ProbeStage::Handshake, "unrecognized_name");
        assert_eq!(of(alert(), alert()), "unrecognized_name");
        assert_eq!(cell(&[&found(Test::Reuse, "two.test", &[], ok(421))]), "reused 421");
        assert_eq!(cell(&[]), "");
    }

    #[test]
    fn many_names_have_rows_with_counts() {
        let mut all = Vec::new();
        for at in 0..=MAX_COLUMNS {
            let name = format!("n{at}.test");
            all.push(found(Test::Own, &name, &[], ok(200)));
            all.extend((0..3).map(|other| {
                let status = if other == 0 { 200 } else { 421 };
                found(Test::Reuse, &name, &[], ok(status))
            }));
        }
        let text = matrix(&all.iter().collect::<Vec<_>>(), false);
        assert!(text.contains("| authority | own connection | others', reused |"), "{text}");
        assert!(text.contains("| n0.test   | 200            | 200 ×1, 421 ×2  |"), "{text}");
    }
}
