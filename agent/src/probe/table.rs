//! The report for people: who answers what, then what is wrong. The last line says what it comes to.

mod matrix;

use super::choice::Protocol;
use super::hazard::Hazard;
use super::outcome::Found;
use super::parity::{About, Disagreement, Side};
use super::report::Report;
use crate::export::{Tone, grid, harmless};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// The most servers or certificate names that are named in a place; the rest is counted.
const MAX_NAMED: usize = 4;

/// The whole text.
pub(crate) fn table(report: &Report<'_>, colour: bool) -> String {
    let mut text = String::new();
    for protocol in [Protocol::H2, Protocol::Http1] {
        for (servers, section) in matrix::matrices(report, protocol, colour) {
            let title = format!("{} at {}", protocol_name(protocol), listed(servers.iter()));
            text.push_str(&format!(
                "{title}: SNI of the connection, and what is asked for on it\n"
            ));
            text.push_str(&format!("{section}\n"));
        }
    }
    if text.contains(matrix::REUSED) {
        text.push_str("`200, reused 421`: the first request of a connection, and one after a request for its SNI.\n\n");
    }
    let sections = [
        ("Certificates", certificates(report, colour)),
        (
            "Coalescing hazards: pairs that a browser may send over one connection",
            hazards(report, colour),
        ),
        ("Addresses that disagree", disagreements(report, colour)),
    ];
    for (title, section) in sections {
        if !section.is_empty() {
            text.push_str(&format!("{title}\n{section}\n"));
        }
    }
    let kinds: BTreeSet<_> = report.hazards.iter().map(|hazard| hazard.kind).collect();
    for kind in kinds {
        text.push_str(&format!("{}: {}\n\n", kind.as_str(), kind.advice()));
    }
    text.push_str(&verdict(report));
    text
}

fn certificates(report: &Report<'_>, colour: bool) -> String {
    type Shown = (Option<String>, Option<Vec<String>>, &'static str);
    let mut shown: Vec<(Shown, Vec<SocketAddr>)> = Vec::new();
    for found in &report.results.found {
        let Some(verification) = found.handshake.verification else { continue };
        let names = found.handshake.names();
        let key = (found.probe.sni.clone(), names, verification.as_str());
        match shown.iter_mut().find(|(known, _)| *known == key) {
            Some((_, servers)) if servers.contains(&found.server) => {}
            Some((_, servers)) => servers.push(found.server),
            None => shown.push((key, vec![found.server])),
        }
    }
    let rows: Vec<_> = shown
        .into_iter()
        .map(|((sni, names, verification), servers)| {
            let names = names.map_or_else(|| "(unreadable)".to_owned(), |names| names_of(&names));
            let good = matches!(verification, "valid" | "skipped");
            let tone = if good { Tone::Good } else { Tone::Bad };
            (tone, [sni_of(sni.as_deref()), names, verification.to_owned(), listed(servers.iter())])
        })
        .collect();
    grid(["SNI", "certificate for", "verification", "at"], &rows, colour)
}

fn hazards(report: &Report<'_>, colour: bool) -> String {
    let row = |hazard: &Hazard<'_>| {
        let probe = &hazard.reused.probe;
        let first = probe.first.as_ref().map_or("", |name| &name.raw);
        let row = [
            hazard.kind.as_str().to_owned(),
            hazard.reused.server.to_string(),
            harmless(first),
            harmless(&probe.authority.raw),
            answer_of(hazard.reused),
            answer_of(hazard.own),
        ];
        (Tone::Bad, row)
    };
    let rows: Vec<_> = report.hazards.iter().map(row).collect();
    let header = ["hazard", "at", "connection of", "asked for", "answer", "on its own connection"];
    grid(header, &rows, colour)
}

fn disagreements(report: &Report<'_>, colour: bool) -> String {
    let rows: Vec<_> = report.disagreements.iter().map(disagreement).collect();
    grid(["about", "what", "who says what"], &rows, colour)
}

fn disagreement(found: &Disagreement) -> (Tone, [String; 3]) {
    let what = match &found.about {
        About::Reachability => "connection".to_owned(),
        About::Handshake { protocol, sni } => {
            format!("{}, SNI {}", protocol_name(*protocol), sni_of(sni.as_deref()))
        }
        About::Answer(probe) => {
            let first = probe.first.as_ref().map(|name| format!(" after {}", harmless(&name.raw)));
            format!(
                "{}, SNI {}, {}{}",
                protocol_name(probe.protocol),
                sni_of(probe.sni.as_deref()),
                harmless(&probe.authority.raw),
                first.unwrap_or_default(),
            )
        }
    };
    let sides = found
        .sides
        .iter()
        .map(|(side, servers)| format!("{}: {}", listed(servers.iter()), side_of(side)));
    let sides: Vec<_> = sides.collect();
    (Tone::Bad, [found.about.as_str().to_owned(), what, sides.join("\n")])
}

fn side_of(side: &Side) -> String {
    let mut text = match side.class {
        Some(421) => "421".to_owned(),
        Some(class) => format!("{}xx", class / 100),
        None => harmless(&side.outcome),
    };
    if let Some(names) = &side.names {
        text = format!("{text}, certificate for {}", names_of(names));
    }
    text
}

fn verdict(report: &Report<'_>) -> String {
    let counts = report.counts();
    let servers = report.results.servers.len();
    let unreachable = match counts.unreachable {
        0 => String::new(),
        some => format!(" ({some} not reached)"),
    };
    format!(
        "{}{unreachable}, {}: {} answered with 421, {}, {}.\n",
        number(servers, "address", "addresses"),
        number(report.results.found.len(), "probe", "probes"),
        counts.misdirected,
        number(report.hazards.len(), "coalescing hazard", "coalescing hazards"),
        number(report.disagreements.len(), "disagreement", "disagreements"),
    )
}

fn number(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// The status, or why there is none.
fn answer_of(found: &Found) -> String {
    found.status().map_or_else(|| harmless(found.outcome()), |status| status.to_string())
}

fn sni_of(sni: Option<&str>) -> String {
    sni.map_or_else(|| "(none)".to_owned(), harmless)
}

fn names_of(names: &[String]) -> String {
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        listed(names.iter().map(|name| harmless(name)))
    }
}

fn listed(items: impl ExactSizeIterator<Item = impl ToString>) -> String {
    let more = items.len().saturating_sub(MAX_NAMED);
    let named: Vec<_> = items.take(MAX_NAMED).map(|item| item.to_string()).collect();
    let named = named.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::H2 => "HTTP/2",
        Protocol::Http1 => "HTTP/1.1",
    }
}
