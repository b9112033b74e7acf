//! Exchanges that are still to be ruled on, and what was ruled.
//!
//! What was refused or mismatched is not ruled on at once: other connections bear on it, and most of them are told a
//! moment later. With an input that ends, all of it waits for the end; with one that does not, for [`HOLD`].

mod clock;
mod queue;

use crate::enrich::Place;
use crate::export::unread::Unread;
use crate::export::{ConnectionNumber, Record, Summary};
use clock::Clock;
use queue::{Queue, Waiting};
use std::collections::HashMap;
use std::time::Duration;
use wrongdoor_core::connection::ConnectionId;
use wrongdoor_core::counters::Counters;
use wrongdoor_core::engine::{Event, Observation};
use wrongdoor_core::exchange::Exchange;
use wrongdoor_core::judge::Judge;
use wrongdoor_core::recovery::{Judged, Recoveries, Recovery, Windows};
use wrongdoor_core::seen::Seen;

/// So long a finding waits for what the other end of its connection, or the hop in front of it, is about to tell: both
/// ends of an exchange are told within a turn or two, and browsers ask again at once.
pub(super) const HOLD: Duration = Duration::from_millis(500);

/// Numbers connections, rules on exchanges, and counts.
pub(super) struct Docket {
    judge: Judge,
    recoveries: Recoveries,
    /// The 421s that wait, by connection and stream, and what became of them as far as that is known.
    recovered: HashMap<(u64, u64), Option<Recovery>>,
    clock: Clock,
    numbers: HashMap<ConnectionId, ConnectionNumber>,
    last_number: u64,
    queue: Queue,
    /// How long findings wait; to the end where it is not said.
    hold: Option<Duration>,
    summary: Summary,
}

impl Docket {
    /// For an input with an end, where findings wait for all evidence.
    pub(super) fn patient() -> Self {
        // What was asked again as long as the capture goes on was asked again.
        Self::new(None, Windows::default())
    }

    /// For an input without an end.
    pub(super) fn prompt(windows: Windows) -> Self {
        Self::new(Some(HOLD), windows)
    }

    fn new(hold: Option<Duration>, windows: Windows) -> Self {
        Self {
            judge: Judge::default(),
            recoveries: Recoveries::new(windows),
            recovered: HashMap::new(),
            clock: Clock::default(),
            numbers: HashMap::new(),
            last_number: 0,
            queue: Queue::default(),
            hold,
            summary: Summary::default(),
        }
    }

    /// One observation, in order, at `now`; false once nobody wants any more records.
    pub(super) fn hear(
        &mut self,
        observation: Observation,
        now: Duration,
        each: &mut impl FnMut(Record) -> bool,
    ) -> bool {
        let number = self.number(observation.connection);
        match observation.event {
            Event::Serves { endpoint, host, asks_certificate } => {
                self.judge.serves(endpoint, host, asks_certificate);
                true
            }
            Event::Hello(facts) => {
                if !facts.is_probe() {
                    self.recoveries.hello(number.0, &facts);
                }
                true
            }
            Event::Exchange(exchange) => self.exchange(number, exchange, now, each),
            Event::Connection(connection) => {
                self.numbers.remove(&observation.connection);
                self.summary.connections += 1;
                self.summary.unread += u64::from(Unread::of(&connection.facts).is_some());
                let waiting = Waiting::Connection(connection);
                // Not before the lines of its exchanges, where those come soon.
                if self.hold.is_some() && self.queue.holds_any_of(number) {
                    return self.wait(now, number, waiting, each);
                }
                self.tell(number, waiting, each)
            }
        }
    }

    /// Time goes by: rules on what has waited long enough, and ends the windows of those who did not come again.
    pub(super) fn turn(&mut self, now: Duration, each: &mut impl FnMut(Record) -> bool) -> bool {
        if let Some(at) = self.clock.at(now) {
            let mut judged = Vec::new();
            self.recoveries.expire(at, &mut |one| judged.push(one));
            if !self.recovered(judged, now, each) {
                return false;
            }
        }
        let Some(hold) = self.hold else { return true };
        while let Some((number, waiting)) = self.queue.pop_older_than(now.saturating_sub(hold)) {
            if !self.tell(number, waiting, each) {
                return false;
            }
        }
        true
    }

    /// The input is over: rules on everything that waited.
    pub(super) fn close(&mut self, now: Duration, each: &mut impl FnMut(Record) -> bool) {
        // Of a run that is stopped, clients may still come again; of a capture, nothing more will be seen.
        if self.hold.is_none() {
            let mut judged = Vec::new();
            self.recoveries.finish(&mut |one| judged.push(one));
            self.recovered(judged, now, each);
        }
        while let Some((number, waiting)) = self.queue.pop() {
            if !self.tell(number, waiting, each) {
                return;
            }
        }
    }

    /// Proofs of what endpoints serve that could not be remembered for want of room.
    pub(super) fn forgotten(&self) -> u64 {
        self.judge.forgotten()
    }

    /// Exchanges that were not remembered for want of room, and what was forgotten of endpoints that were not in use.
    pub(super) fn pairs_forgotten(&self) -> u64 {
        self.judge.pairs_forgotten()
    }

    /// Clients who were given up before it was known whether they come again.
    pub(super) fn shed(&self) -> u64 {
        self.recoveries.shed
    }

    /// Clients of whom it is not known yet whether they come again.
    pub(super) fn open_windows(&self) -> usize {
        self.recoveries.open_windows()
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

    fn exchange(
        &mut self,
        number: ConnectionNumber,
        exchange: Exchange,
        now: Duration,
        each: &mut impl FnMut(Record) -> bool,
    ) -> bool {
        self.clock.set(exchange.responded.unwrap_or(exchange.started), now);
        self.judge.note(number.0, &exchange);
        let mut judged = Vec::new();
        // A probe does not ask again, and its requests are not what a client did next.
        if !exchange.is_probe() {
            self.recoveries.exchange(number.0, &exchange, &mut |one| judged.push(one));
        }
        let is_finding = self.judge.is_finding(&exchange);
        let itself = (number.0, exchange.stream);
        if exchange.is_misdirected() {
            self.recovered.insert(itself, None);
        }
        // Its own answer may have been told before it; of that it is told all the same behind it.
        let (own, others): (Vec<_>, Vec<_>) =
            judged.into_iter().partition(|judged| (judged.connection, judged.stream) == itself);
        if !self.recovered(others, now, each) {
            return false;
        }
        let waiting = Waiting::Exchange(Box::new(exchange));
        let told = if is_finding {
            self.wait(now, number, waiting, each)
        } else {
            self.tell(number, waiting, each)
        };
        told && self.recovered(own, now, each)
    }

    /// Lets one wait; where there is no room, tells the oldest.
    fn wait(
        &mut self,
        now: Duration,
        number: ConnectionNumber,
        waiting: Waiting,
        each: &mut impl FnMut(Record) -> bool,
    ) -> bool {
        let oldest = self.queue.push(now, number, waiting);
        oldest.is_none_or(|(number, waiting)| self.tell(number, waiting, each))
    }

    /// Who came again, or did not: told with the finding where that still waits, and behind it in a run.
    fn recovered(
        &mut self,
        judged: Vec<Judged>,
        now: Duration,
        each: &mut impl FnMut(Record) -> bool,
    ) -> bool {
        for judged in judged {
            let number = ConnectionNumber(judged.connection);
            let waits = self.queue.holds_any_of(number);
            // One that was told already has nothing to take it along.
            if let Some(known) = self.recovered.get_mut(&(judged.connection, judged.stream)) {
                *known = Some(judged.recovery);
            }
            if self.hold.is_none() {
                continue;
            }
            let waiting = Waiting::Recovery(judged);
            let told = if waits {
                self.wait(now, number, waiting, each)
            } else {
                self.tell(number, waiting, each)
            };
            if !told {
                return false;
            }
        }
        true
    }

    fn tell(
        &mut self,
        number: ConnectionNumber,
        waiting: Waiting,
        each: &mut impl FnMut(Record) -> bool,
    ) -> bool {
        match waiting {
            Waiting::Exchange(exchange) => self.rule(number, *exchange, each),
            Waiting::Connection(connection) => {
                each(Record::Connection { number, connection, place: Place::default() })
            }
            Waiting::Recovery(judged) => {
                each(Record::Recovery { number, judged, place: Place::default() })
            }
        }
    }

    fn rule(
        &mut self,
        number: ConnectionNumber,
        exchange: Exchange,
        each: &mut impl FnMut(Record) -> bool,
    ) -> bool {
        let mut ruling = self.judge.rule(&exchange);
        ruling.recovery = self.recovered.remove(&(number.0, exchange.stream)).flatten();
        self.summary.exchanges += 1;
        self.summary.misdirected += u64::from(exchange.is_misdirected());
        self.summary.mismatched += u64::from(exchange.is_mismatched());
        self.summary.unreadable += u64::from(exchange.authority.raw == Seen::Unreadable);
        each(Record::Exchange { number, exchange, ruling, place: Place::default() })
    }
}

#[cfg(test)]
mod tests;
