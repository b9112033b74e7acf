//! Where servers disagree: with each other, or with themselves, as several behind one address do.

use super::options::Protocol;
use super::outcome::{ProbeResult, Verification};
use super::plan::PlannedProbe;
use super::runner::Results;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// What servers disagree about. What is told at one level is not told again at the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Whether there is a connection at all.
    Reachability,
    /// What the handshake shows for a name.
    Handshake {
        /// What was offered.
        protocol: Protocol,
        /// What was asked for.
        sni: Option<String>,
    },
    /// What a request is answered with.
    Answer(Arc<PlannedProbe>),
}

/// A disagreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disagreement {
    /// About what.
    pub(crate) about: About,
    /// Who says what. A server that says several things is in several.
    pub(crate) sides: Vec<(ParitySide, Vec<SocketAddr>)>,
}

/// What some servers say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ParitySide {
    /// `connected`, `served`, why there is no answer.
    pub(crate) outcome: String,
    /// The hundreds of the status, or 421: what may not differ.
    pub(crate) class: Option<u16>,
    /// The names in the certificate; of handshakes.
    pub(crate) names: Option<Vec<String>>,
    /// What came of checking it; of handshakes.
    pub(crate) verification: Option<Verification>,
}

/// All of them: first who is there at all, then handshakes, then answers.
pub(crate) fn disagreements(results: &Results) -> Vec<Disagreement> {
    let mut all = Vec::new();
    let reached = results.servers.iter().map(|(server, probe_error)| {
        let outcome = probe_error.as_ref().map_or("connected", |probe_error| &probe_error.kind);
        (ParitySide::outcome(outcome), *server)
    });
    all.extend(between(reached, About::Reachability));

    let mut handshakes = Groups::default();
    let mut answers = Groups::default();
    for found in &results.found {
        let probe = &found.probe;
        let handshake = (probe.protocol, probe.sni.clone(), probe.address());
        handshakes.add(handshake, found, ParitySide::of_handshake(found));
        if found.is_connected() {
            let first = probe.first.as_ref().map(|name| name.raw.clone());
            let request = (probe.test, probe.sni.clone(), first, probe.authority.raw.clone());
            answers.add((probe.protocol, request), found, ParitySide::of_answer(found));
        }
    }
    for (found, sides) in handshakes.groups {
        let protocol = found.probe.protocol;
        let about = About::Handshake { protocol, sni: found.probe.sni.clone() };
        all.extend(between(sides, about));
    }
    for (found, sides) in answers.groups {
        all.extend(between(sides, About::Answer(Arc::clone(&found.probe))));
    }
    all
}

fn between(
    said: impl IntoIterator<Item = (ParitySide, SocketAddr)>,
    about: About,
) -> Option<Disagreement> {
    let mut sides: Vec<(ParitySide, Vec<SocketAddr>)> = Vec::new();
    for (side, server) in said {
        match sides.iter_mut().find(|(known, _)| *known == side) {
            Some((_, servers)) => servers.push(server),
            None => sides.push((side, vec![server])),
        }
    }
    (sides.len() > 1).then_some(Disagreement { about, sides })
}

/// What was said to the same question, by questions in the order they were first asked.
struct Groups<'a, K> {
    places: BTreeMap<K, usize>,
    groups: Vec<(&'a ProbeResult, Vec<(ParitySide, SocketAddr)>)>,
}

impl<K> Default for Groups<'_, K> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), groups: Vec::new() }
    }
}

impl<'a, K: Ord> Groups<'a, K> {
    fn add(&mut self, key: K, found: &'a ProbeResult, side: ParitySide) {
        let new = self.groups.len();
        let place = *self.places.entry(key).or_insert(new);
        if place == new {
            self.groups.push((found, Vec::new()));
        }
        let said = (side, found.server);
        if let Some((_, sides)) = self.groups.get_mut(place)
            && !sides.contains(&said)
        {
            sides.push(said);
        }
    }
}

impl ParitySide {
    fn outcome(outcome: &str) -> Self {
        Self { outcome: outcome.to_owned(), class: None, names: None, verification: None }
    }

    fn of_handshake(found: &ProbeResult) -> Self {
        let failed = found.probe_error().filter(|_| !found.is_connected());
        Self {
            names: found.handshake.names(),
            verification: found.handshake.verification,
            ..Self::outcome(failed.map_or("connected", |probe_error| &probe_error.kind))
        }
    }

    fn of_answer(found: &ProbeResult) -> Self {
        let class = |status: u16| if status == 421 { status } else { status / 100 * 100 };
        Self { class: found.status().map(class), ..Self::outcome(found.outcome()) }
    }
}

impl About {
    /// As it is written.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Reachability => "reachability",
            Self::Handshake { .. } => "handshake",
            Self::Answer(_) => "answer",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::options::Test;
    use crate::probe::outcome::{ProbeEnd, ProbeError, ProbeStage};
    use crate::probe::testing::{answered, failed, found};

    const HERE: &str = "192.0.2.1:443";
    const THERE: &str = "192.0.2.2:443";

    fn at(server: &str, names: &[&str], end: ProbeEnd) -> ProbeResult {
        let mut found = found(Test::Own, "one.test", names, end);
        found.server = server.parse().unwrap();
        found
    }

    fn told(found: Vec<ProbeResult>) -> Vec<(&'static str, usize)> {
        let results = Results { servers: Vec::new(), found };
        let all = disagreements(&results);
        all.iter().map(|found| (found.about.as_str(), found.sides.len())).collect()
    }

    fn ok(status: u16) -> ProbeEnd {
        ProbeEnd::Answered(answered(status, None))
    }

    #[test]
    fn what_differs_is_told_at_its_own_level() {
        let names = &["one.test"][..];
        let pair = |names_there: &[&str], there: ProbeEnd| {
            told(vec![at(HERE, names, ok(200)), at(THERE, names_there, there)])
        };
        assert_eq!(pair(names, ok(200)), []);
        assert_eq!(pair(names, ok(204)), []);
        assert_eq!(pair(names, ok(301)), [("answer", 2)]);
        assert_eq!(pair(names, ok(421)), [("answer", 2)]);
        assert_eq!(pair(&["one.test", "two.test"], ok(200)), [("handshake", 2)]);
        let alert = failed(ProbeStage::Handshake, "unrecognized_name");
        assert_eq!(pair(names, alert), [("handshake", 2)]);
        assert_eq!(pair(names, failed(ProbeStage::Request, "stream_reset")), [("answer", 2)]);
    }

    #[test]
    fn the_order_of_names_and_of_servers_means_nothing() {
        let (one, two) = (&["one.test", "two.test"], &["two.test", "one.test"]);
        assert_eq!(told(vec![at(HERE, one, ok(200)), at(THERE, two, ok(200))]), []);
    }

    #[test]
    fn one_address_can_disagree_with_itself() {
        let different = vec![at(HERE, &["one.test"], ok(200)), at(HERE, &["two.test"], ok(200))];
        assert_eq!(told(different), [("handshake", 2)]);
    }

    #[test]
    fn who_is_not_there_is_told_once() {
        let refused = ProbeError::new(ProbeStage::Connect, "connection_refused", "");
        let servers = vec![(HERE.parse().unwrap(), None), (THERE.parse().unwrap(), Some(refused))];
        let found = vec![at(HERE, &["one.test"], ok(200))];
        let all = disagreements(&Results { servers, found });
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].about, About::Reachability);
        let outcomes: Vec<_> = all[0].sides.iter().map(|(side, _)| &*side.outcome).collect();
        assert_eq!(outcomes, ["connected", "connection_refused"]);
    }
}
