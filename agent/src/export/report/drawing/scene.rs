//! What is drawn of an incident: the connections that have a part in it, and some of what else was asked on them.

use crate::export::report::group::Incident;
use crate::export::report::lanes::{ExchangeKey, Lane, Lanes, Mark};
use crate::export::report::words;
use crate::text;
use std::time::Duration;
use wrongdoor_core::observation::Facts;
use wrongdoor_core::time::Timestamp;

/// The most connections of one drawing.
const MAX_LANES: usize = 5;
/// The most requests on one of them.
const MAX_MARKS: usize = 8;

/// What is drawn.
#[derive(Debug)]
pub(super) struct IncidentScene {
    pub(super) lanes: Vec<DrawnLane>,
    pub(super) links: Vec<DrawnLink>,
}

/// A connection.
#[derive(Debug)]
pub(super) struct DrawnLane {
    pub(super) number: u64,
    /// Who talks to whom.
    pub(super) ends: String,
    pub(super) sni: String,
    pub(super) protocol: String,
    pub(super) opened: Option<Timestamp>,
    pub(super) closed: Option<Timestamp>,
    /// In order of time.
    pub(super) marks: Vec<Mark>,
    /// Requests on it that are not drawn.
    pub(super) more: u64,
}

/// How two requests hang together.
#[derive(Debug)]
pub(super) struct DrawnLink {
    pub(super) from: ExchangeKey,
    /// Without a stream: the connection was opened, and nothing seen to be asked on it.
    pub(super) to: (u64, Option<u64>),
    pub(super) kind: DrawnLinkKind,
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DrawnLinkKind {
    /// Sent on by a proxy, which hands the answer back.
    Relayed,
    /// The client asked again, after so long.
    Retried(Option<Duration>),
}

impl IncidentScene {
    pub(super) fn of(incident: &Incident, lanes: &Lanes) -> Self {
        let place = (incident.number, incident.exchange.stream);
        let mut scene = Self { lanes: Vec::new(), links: Vec::new() };
        let mut chain = vec![place];
        while let Some(front) = chain.first().and_then(|first| lanes.front(*first))
            && chain.len() < MAX_LANES - 2
            && !chain.contains(&front)
        {
            chain.insert(0, front);
        }
        if let Some(back) = incident.classification.relayed_from {
            chain.push((back.connection, back.stream));
        }
        for pair in chain.windows(2) {
            if let [front, back] = pair {
                let to = (back.0, Some(back.1));
                scene.links.push(DrawnLink { from: *front, to, kind: DrawnLinkKind::Relayed });
            }
        }
        for place in chain {
            scene.add(place, incident, lanes);
        }
        scene.retry(incident, lanes);
        // A hop that there was no room to remember has no mark to be linked with.
        let lanes = &scene.lanes;
        let has = |number: u64, stream: Option<u64>| {
            let lane = lanes.iter().find(|lane: &&DrawnLane| lane.number == number);
            lane.is_some_and(|lane| stream.is_none_or(|stream| lane.mark(stream).is_some()))
        };
        scene.links.retain(|link| has(link.from.0, Some(link.from.1)) && has(link.to.0, link.to.1));
        scene
    }

    /// Where the client asked again.
    fn retry(&mut self, incident: &Incident, lanes: &Lanes) {
        let Some(recovery) = incident.classification.recovery else { return };
        let Some(number) = recovery.connection else { return };
        let refused = incident.exchange.ended();
        let stream = recovery.status.and_then(|status| {
            let marks = lanes.get(number).map_or(&[][..], |lane| &lane.marks);
            let host = incident.exchange.host();
            let fits = |mark: &&Mark| {
                let asked = mark.authority.parsed.as_ref().map(|authority| &authority.host);
                mark.status == Some(status) && asked == host && mark.started >= refused
            };
            marks.iter().filter(fits).min_by_key(|mark| mark.started).map(|mark| mark.stream)
        });
        if !self.lanes.iter().any(|lane| lane.number == number) || stream.is_some() {
            self.add((number, stream.unwrap_or_default()), incident, lanes);
        }
        self.links.push(DrawnLink {
            from: (incident.number, incident.exchange.stream),
            to: (number, stream),
            kind: DrawnLinkKind::Retried(recovery.after),
        });
    }

    /// A request's connection, and some of what else was asked on it.
    fn add(&mut self, (number, stream): ExchangeKey, incident: &Incident, lanes: &Lanes) {
        let own = (number == incident.number)
            .then(|| Mark::new(&incident.exchange, &incident.classification))
            .into_iter();
        let lane = lanes.get(number);
        if let Some(drawn) = self.lanes.iter_mut().find(|lane| lane.number == number) {
            let known = lane.and_then(|lane| lane.marks.iter().find(|mark| mark.stream == stream));
            if let Some(mark) = known
                && drawn.mark(stream).is_none()
            {
                drawn.marks.push(mark.clone());
                drawn.marks.sort_by_key(|mark| (mark.started, mark.stream));
                drawn.more = drawn.more.saturating_sub(1);
            }
            return;
        }
        let facts = match lane {
            Some(lane) => &lane.facts,
            None if number == incident.number => &incident.exchange.connection,
            None => return,
        };
        let mut marks: Vec<Mark> = own.collect();
        let known = lane.map_or(&[][..], |lane| &lane.marks);
        let wanted = known.iter().filter(|mark| mark.stream == stream);
        let at = incident.exchange.started;
        let mut near: Vec<&Mark> = known.iter().collect();
        near.sort_by_key(|mark| mark.started.0.abs_diff(at.0));
        // The first request says what the connection was opened for.
        let first = known.iter().min_by_key(|mark| mark.started);
        for mark in wanted.chain(first).chain(near) {
            if marks.len() < MAX_MARKS && marks.iter().all(|known| known.stream != mark.stream) {
                marks.push(mark.clone());
            }
        }
        marks.sort_by_key(|mark| (mark.started, mark.stream));
        let requests = lane.map_or(0, |lane| lane.requests);
        let more = requests.saturating_sub(marks.len() as u64);
        self.lanes.push(DrawnLane { marks, more, ..DrawnLane::new(number, facts, lane) });
    }

    pub(super) fn lane(&self, number: u64) -> Option<(usize, &DrawnLane)> {
        self.lanes.iter().enumerate().find(|(_, lane)| lane.number == number)
    }

    /// All times that are drawn.
    pub(super) fn times(&self) -> Vec<Timestamp> {
        let of_lanes =
            self.lanes.iter().flat_map(|lane| lane.opened.into_iter().chain(lane.closed));
        let marks = self.lanes.iter().flat_map(|lane| &lane.marks);
        of_lanes.chain(marks.flat_map(|mark| [mark.started, mark.ended()])).collect()
    }
}

impl DrawnLane {
    fn new(number: u64, facts: &Facts, lane: Option<&Lane>) -> Self {
        let end = |end: Option<wrongdoor_core::wire::net::Endpoint>| {
            end.map_or_else(|| "?".to_owned(), |end| end.to_string())
        };
        let tls = facts.tls.as_ref();
        let version =
            tls.and_then(|tls| tls.version?.name()).map(|version| format!("TLS {version}"));
        let alpn = tls.and_then(|tls| tls.alpn.as_deref()).map(words::short);
        let protocol: Vec<String> = version.into_iter().chain(alpn).collect();
        Self {
            number,
            ends: format!("{} → {}", end(facts.client()), end(facts.server())),
            sni: text::sni(facts),
            protocol: if protocol.is_empty() { "plain".to_owned() } else { protocol.join(", ") },
            opened: facts.opened,
            closed: lane.and_then(|lane| lane.closed),
            marks: Vec::new(),
            more: 0,
        }
    }

    pub(super) fn mark(&self, stream: u64) -> Option<&Mark> {
        self.marks.iter().find(|mark| mark.stream == stream)
    }
}
