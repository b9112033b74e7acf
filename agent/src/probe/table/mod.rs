//! The report for people: who answers what, then what is wrong. The last line says what it comes to.

mod matrix;

use super::hazard::{Hazard, HazardKind};
use super::options::Protocol;
use super::outcome::{ProbeResult, Verification};
use super::parity::{About, Disagreement, ParitySide};
use super::report::ProbeReport;
use crate::text::{Tone, grid, sanitize};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// The most servers or certificate names that are named in a place; the rest is counted.
const MAX_NAMED: usize = 4;

/// The whole text.
pub(crate) fn table(report: &ProbeReport<'_>, colour: bool) -> String {
    let mut text = String::new();
    for (protocols, servers, section) in matrix::matrices(report, colour) {
        let (protocols, servers) = (protocols_of(&protocols), listed(servers.iter()));
        text.push_str(&format!(
            "{protocols} at {servers}: SNI of the connection, and what is asked for on it\n"
        ));
        text.push_str(&format!("{section}\n"));
    }
    if text.contains(matrix::REUSED) {
        text.push_str(
            "`200, reused 421`: the first request of a connection, and one after a request for its SNI.\n\n",
        );
    }
    let sections = [
        ("Certificates", certificates(report, colour)),
        (
            "Coalescing hazards: what a browser may send over one connection",
            hazards(report, colour),
        ),
        ("What to do", advice(report, colour)),
        ("Addresses that disagree", disagreements(report, colour)),
    ];
    for (title, section) in sections {
        if !section.is_empty() {
            text.push_str(&format!("{title}\n{section}\n"));
        }
    }
    text.push_str(&verdict(report));
    text
}

/// Names in a certificate, what came of checking it, and at which servers.
type Certificate = (Option<Vec<String>>, Verification, Vec<SocketAddr>);

fn certificates(report: &ProbeReport<'_>, colour: bool) -> String {
    let mut of_sni: Vec<(Option<&str>, Certificate)> = Vec::new();
    for found in &report.results.found {
        let Some(verification) = found.handshake.verification else { continue };
        let (sni, names) = (found.probe.sni.as_deref(), found.handshake.names());
        let known = of_sni.iter_mut().find(|(known, (known_names, known_verification, _))| {
            *known == sni && *known_names == names && *known_verification == verification
        });
        match known {
            Some((_, (_, _, servers))) if servers.contains(&found.server) => {}
            Some((_, (_, _, servers))) => servers.push(found.server),
            None => of_sni.push((sni, (names, verification, vec![found.server]))),
        }
    }
    let mut shown: Vec<(Certificate, Vec<Option<&str>>)> = Vec::new();
    for (sni, certificate) in of_sni {
        match shown.iter_mut().find(|(known, _)| *known == certificate) {
            Some((_, snis)) => snis.push(sni),
            None => shown.push((certificate, vec![sni])),
        }
    }
    let row = |((names, verification, servers), snis): (Certificate, Vec<Option<&str>>)| {
        let names = names.map_or_else(|| "(unreadable)".to_owned(), |names| names_of(&names));
        let good = matches!(verification, Verification::Valid | Verification::Skipped);
        let tone = if good { Tone::Good } else { Tone::Bad };
        let verification = verification.as_str().to_owned();
        let snis = listed(snis.into_iter().map(sni_of));
        (tone, [snis, names, verification, listed(servers.iter())])
    };
    let rows: Vec<_> = shown.into_iter().map(row).collect();
    grid(["SNI", "certificate for", "verification", "at"], &rows, colour)
}

fn hazards(report: &ProbeReport<'_>, colour: bool) -> String {
    let row = |hazard: &Hazard<'_>| {
        let probe = &hazard.reused.probe;
        let first = probe.first.as_ref().map_or("", |name| &name.raw);
        let row = [
            hazard.kind.as_str().to_owned(),
            hazard.reused.server.to_string(),
            sanitize(first),
            sanitize(&probe.authority.raw),
            answer_of(hazard.reused),
            answer_of(hazard.own),
        ];
        (Tone::Bad, row)
    };
    let rows: Vec<_> = report.hazards.iter().map(row).collect();
    let header = ["hazard", "at", "connection of", "asked for", "answer", "on its own connection"];
    grid(header, &rows, colour)
}

fn advice(report: &ProbeReport<'_>, colour: bool) -> String {
    let kinds: BTreeSet<_> = report.hazards.iter().map(|hazard| hazard.kind).collect();
    let row =
        |kind: HazardKind| (Tone::Warning, [kind.as_str().to_owned(), kind.advice().to_owned()]);
    let rows: Vec<_> = kinds.into_iter().map(row).collect();
    grid(["hazard", "remedy"], &rows, colour)
}

/// One row for what is the same in both protocols.
fn disagreements(report: &ProbeReport<'_>, colour: bool) -> String {
    let mut shown: Vec<(&'static str, String, String, Vec<Protocol>)> = Vec::new();
    for found in &report.disagreements {
        let (what, protocol) = subject(found);
        let sides = found
            .sides
            .iter()
            .map(|(side, servers)| format!("{}: {}", listed(servers.iter()), side_of(side)));
        let sides = sides.collect::<Vec<_>>().join("\n");
        let about = found.about.as_str();
        let known = shown
            .iter_mut()
            .find(|row| (row.0, row.1.as_str(), row.2.as_str()) == (about, &what, &sides));
        match known {
            Some((.., protocols)) => protocols.extend(protocol),
            None => shown.push((about, what, sides, protocol.into_iter().collect())),
        }
    }
    let row = |(about, what, sides, protocols): (&str, String, String, Vec<Protocol>)| {
        let what = [protocols_of(&protocols), what];
        let what = what.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        (Tone::Bad, [about.to_owned(), what, sides])
    };
    let rows: Vec<_> = shown.into_iter().map(row).collect();
    grid(["about", "what", "who says what"], &rows, colour)
}

fn subject(found: &Disagreement) -> (String, Option<Protocol>) {
    match &found.about {
        About::Reachability => ("connection".to_owned(), None),
        About::Handshake { protocol, sni } => {
            (format!("SNI {}", sni_of(sni.as_deref())), Some(*protocol))
        }
        About::Answer(probe) => {
            let (sni, authority) = (sni_of(probe.sni.as_deref()), sanitize(&probe.authority.raw));
            let first = probe.first.as_ref().map(|name| format!(" after {}", sanitize(&name.raw)));
            let first = first.unwrap_or_default();
            (format!("SNI {sni}, {authority}{first}"), Some(probe.protocol))
        }
    }
}

fn side_of(side: &ParitySide) -> String {
    let mut text = match side.class {
        Some(421) => "421".to_owned(),
        Some(class) => format!("{}xx", class / 100),
        None => sanitize(&side.outcome),
    };
    if let Some(names) = &side.names {
        text = format!("{text}, certificate for {}", names_of(names));
    }
    text
}

fn verdict(report: &ProbeReport<'_>) -> String {
    let counts = report.counts();
    let servers = report.results.servers.len();
    let unreachable = match counts.unreachable {
        0 => String::new(),
        some => format!(" ({some} not reached)"),
    };
    format!(
        "{}{unreachable}, {}: {} answered with 421, {} not answered, {}, {}.\n",
        number(servers, "address", "addresses"),
        number(report.results.found.len(), "probe", "probes"),
        counts.misdirected,
        counts.unanswered,
        number(report.hazards.len(), "coalescing hazard", "coalescing hazards"),
        number(report.disagreements.len(), "disagreement", "disagreements"),
    )
}

fn number(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// The status, or why there is none.
fn answer_of(found: &ProbeResult) -> String {
    found.status().map_or_else(|| sanitize(found.outcome()), |status| status.to_string())
}

fn sni_of(sni: Option<&str>) -> String {
    sni.map_or_else(|| "(none)".to_owned(), sanitize)
}

fn names_of(names: &[String]) -> String {
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        listed(names.iter().map(|name| sanitize(name)))
    }
}

fn listed(items: impl ExactSizeIterator<Item = impl ToString>) -> String {
    let more = items.len().saturating_sub(MAX_NAMED);
    let named: Vec<_> = items.take(MAX_NAMED).map(|item| item.to_string()).collect();
    let named = named.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

fn protocols_of(protocols: &[Protocol]) -> String {
    let name = |protocol: &Protocol| match protocol {
        Protocol::H2 => "HTTP/2",
        Protocol::Http1 => "HTTP/1.1",
    };
    protocols.iter().map(name).collect::<Vec<_>>().join(" and ")
}
