//! The drawing in words, for readers who cannot see it.

use super::scene::{DrawnLane, DrawnLink, DrawnLinkKind, IncidentScene};
use crate::export::report::lanes::Mark;
use crate::export::report::words::{between, duration, short};
use crate::text::grouped_plural;
use wrongdoor_core::time::Timestamp;

impl IncidentScene {
    /// The same in sentences: the connections, and then what happened.
    pub(super) fn sentences(&self) -> Vec<String> {
        let start = self.times().into_iter().min().unwrap_or_default();
        let marks = self.lanes.iter().flat_map(|lane| {
            lane.marks.iter().map(move |mark| (mark.started, asked(lane.number, mark, start)))
        });
        let links = self.links.iter().map(|link| {
            let from = self.lane(link.from.0).and_then(|(_, lane)| lane.mark(link.from.1));
            (from.map_or(start, Mark::ended), followed(link))
        });
        let mut happened: Vec<(Timestamp, String)> = marks.chain(links).collect();
        happened.sort_by_key(|(at, _)| *at);
        let connections = self.lanes.iter().map(connection);
        connections.chain(happened.into_iter().map(|(_, sentence)| sentence)).collect()
    }
}

fn connection(lane: &DrawnLane) -> String {
    let DrawnLane { number, ends, sni, protocol, .. } = lane;
    let more = match lane.more {
        0 => String::new(),
        more => format!("; {} on it not drawn", grouped_plural(more, "more request")),
    };
    format!("c{number}: {ends}, SNI {}, {protocol}{more}.", short(sni))
}

fn asked(number: u64, mark: &Mark, start: Timestamp) -> String {
    let answer = match mark.status {
        Some(status) => format!("answered {status}"),
        None => "no response seen".to_owned(),
    };
    let silent = if mark.is_silent { " (silent)" } else { "" };
    let after = duration(between(start, mark.started));
    format!("+{after}, c{number}: {} asked for, {answer}{silent}.", short(&mark.name()))
}

fn followed(link: &DrawnLink) -> String {
    let (from, to) = (link.from.0, link.to.0);
    match link.kind {
        DrawnLinkKind::Relayed => format!("c{from} relayed the response of c{to}."),
        DrawnLinkKind::Retried(Some(after)) => {
            let after = duration(after);
            format!(
                "After the 421 on c{from}, the client retried on c{to}: response {after} later."
            )
        }
        DrawnLinkKind::Retried(None) => {
            format!("After the 421 on c{from}, c{to} was opened for the host.")
        }
    }
}
