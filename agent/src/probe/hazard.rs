//! Pairs of names that a browser may put on one connection, and that the server does not serve alike there.

use super::options::{Protocol, Test};
use super::outcome::{ProbeAnswer, ProbeEnd, ProbeResult, ProbeStage, Verification};
use std::collections::HashMap;
use std::net::SocketAddr;

/// What happens to the second name on a connection that was opened for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HazardKind {
    /// It gets a 421: clients that try again find their way, and not all do.
    Misdirected,
    /// It gets another error, after which nobody tries again.
    Refused,
    /// It gets the first name's page.
    WrongHost,
    /// It gets an answer of another kind than on a connection of its own.
    Different,
}

/// A pair, at a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hazard<'a> {
    /// What happens.
    pub(crate) kind: HazardKind,
    /// On the connection of another name.
    pub(crate) reused: &'a ProbeResult,
    /// On a connection of its own.
    pub(crate) own: &'a ProbeResult,
}

/// All of them, in the order of what was found.
pub(crate) fn hazards(found: &[ProbeResult]) -> Vec<Hazard<'_>> {
    let own: HashMap<_, _> = found
        .iter()
        .filter(|found| found.probe.test == Test::Own && found.probe.protocol == Protocol::H2)
        .map(|found| (place(found), found))
        .collect();
    let reused = found.iter().filter(|found| may_be_coalesced(found));
    reused
        .filter_map(|reused| {
            let own = own.get(&place(reused)).copied()?;
            Some(Hazard { kind: kind(reused, own)?, reused, own })
        })
        .collect()
}

fn place(found: &ProbeResult) -> (SocketAddr, &str) {
    (found.server, &found.probe.authority.raw)
}

/// The conditions under which a client may send a name's request on the connection of another (RFC 9113
/// §9.1.1), as far as they can be seen here: the name leads to the same address, for it was named for both.
fn may_be_coalesced(found: &ProbeResult) -> bool {
    let Some(first) = &found.probe.first else { return false };
    let is_believed =
        matches!(found.handshake.verification, Some(Verification::Valid | Verification::Skipped));
    let authority = &found.probe.authority;
    found.probe.protocol == Protocol::H2
        && first.host != authority.host
        && first.port == authority.port
        && is_believed
        && found.covers() == Some(true)
        // A name that is refused on its own connection is not what a browser has open.
        && found.first.as_ref().is_some_and(|first| first.outcome() != "misdirected")
}

fn kind(reused: &ProbeResult, own: &ProbeResult) -> Option<HazardKind> {
    match (&reused.end, &own.end) {
        // The connection was no longer there: a browser opens another.
        (ProbeEnd::Failed(probe_error), _) if probe_error.stage <= ProbeStage::Reuse => None,
        (_, ProbeEnd::Answered(own)) if own.outcome() == "misdirected" => {
            // It is not served here at all, so nobody is led here for it; unless it is served, to others.
            reused
                .answer()
                .filter(|answer| answer.outcome() == "served")
                .map(|_| HazardKind::Different)
        }
        (ProbeEnd::Answered(answer), ProbeEnd::Answered(own)) => between(reused, answer, own),
        (ProbeEnd::Answered(answer), ProbeEnd::Failed(_)) => {
            (answer.outcome() == "served").then_some(HazardKind::Different)
        }
        (ProbeEnd::Failed(_), ProbeEnd::Answered(own)) => {
            (own.outcome() == "served").then_some(HazardKind::Refused)
        }
        (ProbeEnd::Failed(_), ProbeEnd::Failed(_)) => None,
    }
}

fn between(reused: &ProbeResult, answer: &ProbeAnswer, own: &ProbeAnswer) -> Option<HazardKind> {
    if answer.outcome() == "misdirected" {
        return Some(HazardKind::Misdirected);
    }
    if own.outcome() == "served" && answer.outcome() != "served" {
        return Some(HazardKind::Refused);
    }
    if answer.status / 100 != own.status / 100 {
        return Some(HazardKind::Different);
    }
    let first = reused.first.as_ref()?.fingerprint?;
    let is_firsts = answer.fingerprint == Some(first);
    (is_firsts && own.fingerprint.is_some_and(|own| own != first)).then_some(HazardKind::WrongHost)
}

impl HazardKind {
    /// As it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Misdirected => "misdirected",
            Self::Refused => "refused",
            Self::WrongHost => "wrong_host",
            Self::Different => "different",
        }
    }

    /// What it means, and what to do.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Misdirected => {
                "the certificate lets browsers share a connection that the server refuses with 421, after which \
                 only some clients try again: give both names the same TLS settings (Apache: the same \
                 certificate file; nginx: the same ssl_verify_client), or certificates that do not cover each other"
            }
            Self::Refused => {
                "the certificate lets browsers share a connection on which the server answers with an error, \
                 and after that nobody tries again: answer with 421, serve both, or use certificates that do \
                 not cover each other"
            }
            Self::WrongHost => {
                "requests for one name are answered with the other's page: whoever routes by the name in the \
                 handshake must answer 421 to others, or the certificates must not cover each other"
            }
            Self::Different => {
                "the answer depends on which name the connection was opened for: serve both names alike, or use \
                 certificates that do not cover each other"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::testing::{answered, failed, found};

    fn of(reused: ProbeEnd, first: u16, own: ProbeEnd) -> Option<HazardKind> {
        let covering = &["one.test", "two.test"];
        let mut all = [
            found(Test::Own, "two.test", covering, own),
            found(Test::Reuse, "two.test", covering, reused),
        ];
        all[1].first = Some(answered(first, Some(1)));
        hazards(&all).first().map(|hazard| hazard.kind)
    }

    fn ok(status: u16, fingerprint: u64) -> ProbeEnd {
        ProbeEnd::Answered(answered(status, Some(fingerprint)))
    }

    #[test]
    fn a_hazard_is_what_differs_from_a_connection_of_its_own() {
        let reset = || failed(ProbeStage::Request, "stream_reset");
        let refused = || failed(ProbeStage::Handshake, "unrecognized_name");
        let cases = [
            (ok(200, 2), ok(200, 2), None),
            (ok(421, 2), ok(200, 2), Some(HazardKind::Misdirected)),
            // Client certificates: on its own connection it is an error of another kind.
            (ok(421, 2), ok(400, 2), Some(HazardKind::Misdirected)),
            (ok(421, 2), ok(421, 2), None),
            (ok(200, 2), ok(421, 2), Some(HazardKind::Different)),
            (ok(404, 2), ok(200, 2), Some(HazardKind::Refused)),
            (ok(404, 2), ok(403, 2), None),
            (reset(), ok(200, 2), Some(HazardKind::Refused)),
            (failed(ProbeStage::Reuse, "connection_closed"), ok(200, 2), None),
            (ok(301, 2), ok(200, 2), Some(HazardKind::Different)),
            (ok(204, 2), ok(200, 2), None),
            (ok(200, 2), refused(), Some(HazardKind::Different)),
            (ok(404, 2), refused(), None),
            (ok(421, 2), refused(), None),
            (reset(), reset(), None),
            // The first name's page.
            (ok(200, 1), ok(200, 2), Some(HazardKind::WrongHost)),
            // Both have the same page.
            (ok(200, 1), ok(200, 1), None),
            // A page that is never the same.
            (ok(200, 3), ok(200, 2), None),
        ];
        for (reused, own, expected) in cases {
            assert_eq!(of(reused.clone(), 200, own.clone()), expected, "{reused:?} {own:?}");
        }
        // Nobody has a connection for a name that is refused on it.
        assert_eq!(of(ok(421, 2), 421, ok(200, 2)), None);
    }

    #[test]
    fn only_what_may_be_coalesced_counts() {
        let pair = |change: fn(&mut ProbeResult)| {
            let mut all = [
                found(Test::Own, "two.test", &["two.test"], ok(200, 2)),
                found(Test::Reuse, "two.test", &["one.test", "two.test"], ok(421, 2)),
            ];
            all[1].first = Some(answered(200, Some(1)));
            change(&mut all[1]);
            hazards(&all).len()
        };
        assert_eq!(pair(|_| {}), 1);
        assert_eq!(pair(|found| found.handshake.verification = Some(Verification::Expired)), 0);
        assert_eq!(pair(|found| found.handshake.certificate = None), 0);
        let uncovered = [
            found(Test::Own, "two.test", &["two.test"], ok(200, 2)),
            found(Test::Reuse, "two.test", &["one.test"], ok(421, 2)),
        ];
        assert!(hazards(&uncovered).is_empty());
    }
}
