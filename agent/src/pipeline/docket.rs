//! Exchanges that are still to be ruled on, and what was ruled.

use crate::export::{ConnectionNumber, Record, Summary};
use std::collections::{HashMap, VecDeque};
use wrongdoor_core::connection::ConnectionId;
use wrongdoor_core::counters::Counters;
use wrongdoor_core::engine::{Event, Observation};
use wrongdoor_core::exchange::Exchange;
use wrongdoor_core::judge::Judge;
use wrongdoor_core::seen::Seen;

/// The most mismatched exchanges that wait for the end of the input, where all evidence is in. At the
/// limit the oldest is ruled on with what is known by then.
const MAX_WAITING: usize = 50_000;

/// Numbers connections, rules on exchanges, and counts.
pub(super) struct Docket {
    judge: Judge,
    numbers: HashMap<ConnectionId, ConnectionNumber>,
    last_number: u64,
    /// Mismatches: what endpoints are seen to serve later bears on them.
    waiting: VecDeque<(ConnectionNumber, Exchange)>,
    /// At most so many of them.
    max_waiting: usize,
    summary: Summary,
}

impl Docket {
    /// For an input with an end, where mismatches wait for all evidence.
    pub(super) fn patient() -> Self {
        Self::new(MAX_WAITING)
    }

    /// For an input without an end: everything is ruled on as it comes.
    pub(super) fn prompt() -> Self {
        Self::new(0)
    }

    fn new(max_waiting: usize) -> Self {
        Self {
            judge: Judge::default(),
            numbers: HashMap::new(),
            last_number: 0,
            waiting: VecDeque::new(),
            max_waiting,
            summary: Summary::default(),
        }
    }

    /// One observation, in order; false once nobody wants any more records.
    pub(super) fn hear(
        &mut self,
        observation: Observation,
        each: &mut impl FnMut(Record) -> bool,
    ) -> bool {
        let number = self.number(observation.connection);
        match observation.event {
            Event::Serves { endpoint, host } => {
                self.judge.serves(endpoint, host);
                true
            }
            Event::Exchange(exchange) if exchange.is_mismatched() => {
                self.waiting.push_back((number, exchange));
                if self.waiting.len() <= self.max_waiting {
                    return true;
                }
                self.rule_on_oldest(each)
            }
            Event::Exchange(exchange) => self.rule(number, exchange, each),
            Event::Connection(connection) => {
                self.numbers.remove(&observation.connection);
                self.summary.connections += 1;
                each(Record::Connection { number, connection })
            }
        }
    }

    /// The input is over: rules on everything that waited.
    pub(super) fn close(&mut self, each: &mut impl FnMut(Record) -> bool) {
        while !self.waiting.is_empty() && self.rule_on_oldest(each) {}
    }

    /// Proofs of what endpoints serve that could not be remembered.
    pub(super) fn forgotten(&self) -> u64 {
        self.judge.forgotten
    }

    /// The sums, with what the engines counted.
    pub(super) fn summary(self, counters: &Counters) -> Summary {
        let decode_errors = counters.decode_errors.iter();
        Summary {
            packets: counters.packets,
            bytes: counters.bytes,
            lost: counters.lost_total(),
            decode_errors: decode_errors
                .map(|((protocol, kind), count)| (format!("{protocol}.{kind}"), *count))
                .collect(),
            ..self.summary
        }
    }

    fn number(&mut self, id: ConnectionId) -> ConnectionNumber {
        *self.numbers.entry(id).or_insert_with(|| {
            self.last_number += 1;
            ConnectionNumber(self.last_number)
        })
    }

    fn rule_on_oldest(&mut self, each: &mut impl FnMut(Record) -> bool) -> bool {
        self.waiting.pop_front().is_none_or(|(number, exchange)| self.rule(number, exchange, each))
    }

    fn rule(
        &mut self,
        number: ConnectionNumber,
        exchange: Exchange,
        each: &mut impl FnMut(Record) -> bool,
    ) -> bool {
        let ruling = self.judge.rule(&exchange);
        self.summary.exchanges += 1;
        self.summary.misdirected += u64::from(exchange.is_misdirected());
        self.summary.mismatched += u64::from(exchange.is_mismatched());
        self.summary.unreadable += u64::from(exchange.authority.raw == Seen::Unreadable);
        each(Record::Exchange { number, exchange, ruling })
    }
}
