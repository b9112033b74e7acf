//! What was asked on which connection, remembered for the drawings: which of it matters is known only at the end.

use crate::text;
use std::collections::HashMap;
use std::sync::Arc;
use wrongdoor_core::engine::ConnectionEnd;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::name::RequestAuthority;
use wrongdoor_core::observation::{Exchange, Facts};
use wrongdoor_core::time::Timestamp;

/// The most connections that are remembered.
pub(super) const MAX_LANES: usize = 32_768;
/// The most requests of all of them together.
pub(super) const MAX_MARKS: usize = 262_144;
/// The most of one connection that are no findings, and the most that are.
const MAX_OF_A_KIND: usize = 16;
/// The most relayed refusals whose front exchange is remembered.
const MAX_FRONTS: usize = 16_384;

/// A request's place: the connection's number, and the stream.
pub(super) type ExchangeKey = (u64, u64);

/// Connections, as far as there is room.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_number: HashMap<u64, Lane>,
    marks: usize,
    /// From a refusal to the hop in front that handed it on.
    fronts: HashMap<ExchangeKey, ExchangeKey>,
    /// Connections that there was no room for.
    pub(super) forgotten: u64,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) facts: Arc<Facts>,
    pub(super) closed: Option<Timestamp>,
    pub(super) marks: Vec<Mark>,
    /// Requests on it, whether they are remembered or not.
    pub(super) requests: u64,
    findings: usize,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) stream: u64,
    pub(super) started: Timestamp,
    pub(super) responded: Option<Timestamp>,
    pub(super) authority: Arc<RequestAuthority>,
    pub(super) status: Option<u16>,
    pub(super) is_silent: bool,
}

impl Lanes {
    /// One more request.
    pub(super) fn exchange(
        &mut self,
        number: u64,
        exchange: &Exchange,
        classification: &Classification,
        finding: bool,
    ) {
        if let Some(back) = classification.relayed_from
            && self.fronts.len() < MAX_FRONTS
        {
            self.fronts.insert((back.connection, back.stream), (number, exchange.stream));
        }
        if !self.by_number.contains_key(&number) && self.by_number.len() >= MAX_LANES {
            // Counted when it ends, so that it is counted once.
            return;
        }
        let lane = self.by_number.entry(number).or_insert_with(|| Lane::new(&exchange.connection));
        lane.facts = Arc::clone(&exchange.connection);
        lane.requests += 1;
        let of_a_kind = if finding { lane.findings } else { lane.marks.len() - lane.findings };
        if of_a_kind < MAX_OF_A_KIND && self.marks < MAX_MARKS {
            self.marks += 1;
            lane.findings += usize::from(finding);
            lane.marks.push(Mark::new(exchange, classification));
        }
    }

    /// A connection ended.
    pub(super) fn connection(&mut self, number: u64, connection: &ConnectionEnd) {
        if let Some(lane) = self.by_number.get_mut(&number) {
            lane.closed = connection.closed;
            lane.facts = Arc::clone(&connection.facts);
        } else if self.by_number.len() < MAX_LANES {
            let lane = Lane::new(&connection.facts);
            self.by_number.insert(number, Lane { closed: connection.closed, ..lane });
        } else {
            self.forgotten += 1;
        }
    }

    pub(super) fn get(&self, number: u64) -> Option<&Lane> {
        self.by_number.get(&number)
    }

    /// Who handed the answer on.
    pub(super) fn front(&self, place: ExchangeKey) -> Option<ExchangeKey> {
        self.fronts.get(&place).copied()
    }
}

impl Lane {
    fn new(facts: &Arc<Facts>) -> Self {
        let facts = Arc::clone(facts);
        Self { facts, closed: None, marks: Vec::new(), requests: 0, findings: 0 }
    }
}

impl Mark {
    pub(super) fn new(exchange: &Exchange, classification: &Classification) -> Self {
        Self {
            stream: exchange.stream,
            started: exchange.started,
            responded: exchange.responded(),
            authority: Arc::clone(&exchange.authority),
            status: exchange.status(),
            is_silent: classification.silent_misdirect,
        }
    }

    /// Whom it asked for, for a drawing.
    pub(super) fn name(&self) -> String {
        text::authority(&self.authority)
    }

    /// When the last of it was seen.
    pub(super) fn ended(&self) -> Timestamp {
        self.responded.unwrap_or(self.started)
    }
}
