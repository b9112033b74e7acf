//! What happened, in sentences, and what is not known of it.

use super::sums::FindingSums;
use super::words::list;
use crate::export::{Summary, unread};
use crate::text::{self, grouped, grouped_plural};
use wrongdoor_core::explain::recovery::Outcome;

/// The sentences at the top.
pub(super) fn lead(sums: &FindingSums, summary: &Summary) -> Vec<String> {
    let asked = format!(
        "{} on {}",
        grouped_plural(summary.exchanges, "request"),
        grouped_plural(summary.connections, "connection")
    );
    let mut lead = Vec::new();
    if summary.exchanges == 0 {
        lead.push(match summary.connections {
            0 if unread::is_any(summary) => {
                "No connection could be read in this capture: the capture may still contain misdirected requests.".to_owned()
            }
            0 => "There is no TLS and no HTTP in this capture.".to_owned(),
            connections => format!(
                "No request could be read on the {} of this capture: it may still contain misdirected requests.",
                grouped_plural(connections, "connection")
            ),
        });
        return lead;
    }
    if summary.misdirected == 0 {
        lead.push(format!("Of {asked}, none was refused with 421."));
    } else {
        let verb = if summary.misdirected == 1 { "was" } else { "were" };
        let count = grouped(summary.misdirected);
        lead.push(format!("Of {asked}, {count} {verb} refused with 421, {}.", by_whom(sums)));
        lead.push(why(sums, summary.misdirected));
        lead.extend(outcomes(sums));
    }
    if summary.unread > 0 {
        let unread = grouped_plural(summary.unread, "connection");
        lead.push(format!("{unread} could not be read and may have misdirected requests."));
    }
    if sums.refused_otherwise > 0 {
        let refused = grouped_plural(sums.refused_otherwise, "request");
        lead.push(format!(
            "{refused} for another host got no 421 but another refusal that is about the name."
        ));
    }
    if sums.silent > 0 {
        let verb = if sums.silent == 1 { "was" } else { "were" };
        lead.push(format!(
            "{} {verb} answered with success by a server that was not seen to serve the requested host: most likely the wrong virtual host answered (silent misdirect).",
            grouped_plural(sums.silent, "request")
        ));
    }
    let nothing =
        summary.misdirected == 0 && summary.mismatched == 0 && sums.refused_otherwise == 0;
    if nothing {
        lead.push(
            "No request that could be compared was for another host than its connection."
                .to_owned(),
        );
    } else if sums.legal > 0 {
        lead.push(format!(
            "{} used a connection of another host, which is allowed.",
            grouped_plural(sums.legal, "request")
        ));
    }
    lead
}

/// `all by Apache`, `35 by Apache and 2 by nginx`.
fn by_whom(sums: &FindingSums) -> String {
    let mut by: Vec<_> = sums.generators.iter().collect();
    by.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    match by.as_slice() {
        [(name, 1)] => format!("by {name}"),
        [(name, _)] => format!("all by {name}"),
        several => {
            let by = several.iter().map(|(name, count)| format!("{} by {name}", grouped(**count)));
            list(&by.collect::<Vec<_>>())
        }
    }
}

fn why(sums: &FindingSums, misdirected: u64) -> String {
    let mut causes: Vec<_> = sums.causes.iter().collect();
    causes.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let told = causes.iter().map(|(cause, (count, confidence))| {
        let of = match *count {
            count if count == misdirected && count == 1 => "The cause".to_owned(),
            count if count == misdirected => "The cause of all of them".to_owned(),
            count => format!("The cause of {}", grouped(count)),
        };
        let confidence = confidence.map_or_else(String::new, |confidence| {
            format!(" ({} confidence)", confidence.as_str())
        });
        format!("{of}: {}{confidence}.", cause.title())
    });
    told.collect::<Vec<_>>().join(" ")
}

fn outcomes(sums: &FindingSums) -> Option<String> {
    let of = |wanted: &[Outcome]| -> u64 {
        sums.outcomes
            .iter()
            .filter(|(outcome, _)| wanted.contains(outcome))
            .map(|(_, count)| count)
            .sum()
    };
    let told = [
        &[Outcome::RecoveredNewConnection][..],
        &[Outcome::ProtocolFallback],
        &[Outcome::RecoveredSameConnection],
        &[Outcome::RetriedStill421, Outcome::RetriedSameConnection421],
        &[Outcome::OtherConnectionOpened],
        &[Outcome::NotRetried],
    ]
    .map(|outcomes| {
        (of(outcomes), outcomes.first().map_or("", |outcome| text::counted_outcome(*outcome)))
    });
    let told: Vec<String> = told
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", grouped(*count)))
        .collect();
    (!told.is_empty()).then(|| format!("Of the refused requests, {}.", list(&told)))
}

/// What could not be seen, so that it is not taken for what did not happen.
pub(super) fn unknowns(sums: &FindingSums, summary: &Summary, forgotten: u64) -> Vec<String> {
    let mut unknowns = Vec::new();
    let mut add = |count: u64, what: &str, meaning: &str| {
        if count > 0 {
            unknowns.push(format!("{} {meaning}", grouped_plural(count, what)));
        }
    };
    add(
        sums.undecrypted,
        "encrypted connection",
        "could not be read without keys: requests and responses on them are unknown.",
    );
    add(
        sums.http3,
        "connection",
        "of QUIC could not be read: of HTTP/3 only the handshake is read.",
    );
    for (count, what) in unread::packets(summary) {
        add(count, "packet", &format!("{what} could not be read."));
    }
    add(
        sums.with_gaps,
        "connection",
        "had gaps: packets are missing from the capture, and requests may be missing too.",
    );
    add(summary.unreadable, "request", "named an authority that could not be read.");
    add(
        summary.lost,
        "time",
        "something was lost: gaps, reached bounds, or connections dropped for newer ones.",
    );
    add(
        forgotten,
        "connection",
        "are not in the drawings, because a bound was reached; the counts include them.",
    );
    unknowns
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrongdoor_core::explain::cause::{CauseId, Confidence};

    #[test]
    fn it_says_what_happened_and_how_sure_that_is() {
        let mut sums = FindingSums { silent: 3, ..FindingSums::default() };
        sums.generators.insert("Apache", 37);
        sums.causes.insert(CauseId::ProxyOmitsSni, (35, Some(Confidence::High)));
        sums.causes.insert(CauseId::ClientOmitsSni, (2, Some(Confidence::Medium)));
        sums.outcomes.insert(Outcome::RecoveredNewConnection, 12);
        sums.outcomes.insert(Outcome::NotRetried, 25);
        let summary = Summary {
            exchanges: 1204,
            connections: 96,
            misdirected: 37,
            mismatched: 3,
            ..Summary::default()
        };
        let told = lead(&sums, &summary);
        assert_eq!(
            told[0],
            "Of 1,204 requests on 96 connections, 37 were refused with 421, all by Apache."
        );
        assert_eq!(
            told[1],
            "The cause of 35: a reverse proxy sends no SNI to its upstream (high confidence). \
             The cause of 2: the client sends no SNI (medium confidence)."
        );
        assert_eq!(
            told[2],
            "Of the refused requests, 12 succeeded on another connection and 25 had no retry."
        );
        assert!(told[3].starts_with("3 requests were answered with success"), "{told:?}");
    }

    #[test]
    fn nothing_is_said_plainly_and_what_is_not_known_too() {
        let none = lead(&FindingSums::default(), &Summary::default());
        assert_eq!(none, ["There is no TLS and no HTTP in this capture."]);
        let summary = Summary { exchanges: 1, connections: 1, lost: 2, ..Summary::default() };
        let sums = FindingSums { undecrypted: 1, ..FindingSums::default() };
        assert_eq!(
            lead(&sums, &summary)[0],
            "Of 1 request on 1 connection, none was refused with 421."
        );
        let unknowns = unknowns(&sums, &summary, 0);
        assert_eq!(unknowns.len(), 2);
        assert!(
            unknowns[0].starts_with("1 encrypted connection could not be read"),
            "{unknowns:?}"
        );
        assert!(unknowns[1].starts_with("2 times something was lost"), "{unknowns:?}");
    }
}
