//! The correlator: joins exchanges with their causes and with what became of the client.
//!
//! A finding is not classified at once: evidence from other connections bears on it, and most of that comes a moment
//! later. In a capture all findings wait for its end; in live traffic they wait for [`HOLD`].

mod clock;
mod queue;
mod record;
mod unread;

pub use record::{ConnectionNumber, CorrelatedRecord, Summary};
pub use unread::Unread;

use super::certificates::{SeenCertificates, Settled};
use super::classifier::Classifier;
use super::recovery::{Recoveries, Recovery, RecoveryReport, Windows};
use crate::counters::Counters;
use crate::observation::{ConnectionId, Event, Exchange, Facts, Observation};
use crate::seen::Seen;
use clock::CaptureClock;
use queue::{Queue, Waiting};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a finding of live traffic waits for the other end of its connection and for the hop in front of it. Both
/// ends of an exchange are reported within a tick or two, and browsers retry at once.
pub const HOLD: Duration = Duration::from_millis(500);

/// Numbers connections, classifies exchanges, and counts.
#[derive(Debug)]
pub struct Correlator {
    classifier: Classifier,
    recoveries: Recoveries,
    /// The 421s that wait, by connection and stream, and what became of them as far as that is known.
    recovered: HashMap<(u64, u64), Option<Recovery>>,
    clock: CaptureClock,
    open: HashMap<ConnectionId, OpenConnection>,
    certificates: SeenCertificates,
    last_number: u64,
    queue: Queue,
    /// How long findings wait; to the end where it is not said.
    hold: Option<Duration>,
    summary: Summary,
}

/// A connection that has events, and has not ended.
#[derive(Debug)]
struct OpenConnection {
    number: ConnectionNumber,
    certificate: Settled,
}

impl Correlator {
    /// For captures: findings wait for all evidence.
    pub fn offline() -> Self {
        // What was asked again as long as the capture goes on was asked again.
        Self::new(None, Windows::default())
    }

    /// For live traffic: findings wait for [`HOLD`]; clients have `windows` to retry.
    pub fn live(windows: Windows) -> Self {
        Self::new(Some(HOLD), windows)
    }

    fn new(hold: Option<Duration>, windows: Windows) -> Self {
        Self {
            classifier: Classifier::default(),
            recoveries: Recoveries::new(windows),
            recovered: HashMap::new(),
            clock: CaptureClock::default(),
            open: HashMap::new(),
            certificates: SeenCertificates::default(),
            last_number: 0,
            queue: Queue::default(),
            hold,
            summary: Summary::default(),
        }
    }

    /// Takes the next observation, at `now`. Returns false once `each` did: it wants no more records.
    pub fn push(
        &mut self,
        observation: Observation,
        now: Duration,
        each: &mut impl FnMut(CorrelatedRecord) -> bool,
    ) -> bool {
        let number = self.number(observation.connection);
        match observation.event {
            Event::Serves { endpoint, host, asks_certificate } => {
                self.classifier.record_served(endpoint, host, asks_certificate);
                true
            }
            Event::Hello(facts) => {
                if !facts.is_probe() {
                    self.recoveries.hello(number.0, &facts);
                }
                true
            }
            Event::Exchange(mut exchange) => {
                self.settle(observation.connection, &mut exchange.connection, true);
                exchange.complete_verdict();
                self.exchange(number, exchange, now, each)
            }
            Event::Connection(mut connection) => {
                self.settle(observation.connection, &mut connection.facts, false);
                self.open.remove(&observation.connection);
                self.summary.connections += 1;
                self.summary.unread += u64::from(Unread::of(&connection.facts).is_some());
                let waiting = Waiting::Connection(connection);
                // Not before the lines of its exchanges, where those come soon.
                if self.hold.is_some() && self.queue.holds_any_of(number) {
                    return self.wait(now, number, waiting, each);
                }
                self.emit(number, waiting, each)
            }
        }
    }

    /// Classifies what has waited long enough, and ends the retry windows that have passed.
    pub fn tick(&mut self, now: Duration, each: &mut impl FnMut(CorrelatedRecord) -> bool) -> bool {
        if let Some(at) = self.clock.at(now) {
            let mut judged = Vec::new();
            self.recoveries.expire(at, &mut |one| judged.push(one));
            if !self.recovered(judged, now, each) {
                return false;
            }
        }
        let Some(hold) = self.hold else { return true };
        while let Some((number, waiting)) = self.queue.pop_older_than(now.saturating_sub(hold)) {
            if !self.emit(number, waiting, each) {
                return false;
            }
        }
        true
    }

    /// Classifies all that waits: the input has ended.
    pub fn close(&mut self, now: Duration, each: &mut impl FnMut(CorrelatedRecord) -> bool) {
        // Of a run that is stopped, clients may still come again; of a capture, nothing more will be seen.
        if self.hold.is_none() {
            let mut judged = Vec::new();
            self.recoveries.finish(&mut |one| judged.push(one));
            self.recovered(judged, now, each);
        }
        while let Some((number, waiting)) = self.queue.pop() {
            if !self.emit(number, waiting, each) {
                return;
            }
        }
    }

    /// How many handshakes for hosts that endpoints serve were not remembered for want of room.
    pub fn forgotten(&self) -> u64 {
        self.classifier.forgotten()
    }

    /// How many exchanges were not remembered for want of room, or forgotten with an endpoint that was not in use; and how
    /// many certificates were forgotten.
    pub fn pairs_forgotten(&self) -> u64 {
        self.classifier.pairs_forgotten() + self.certificates.forgotten()
    }

    /// How many retry windows were closed for want of room.
    pub fn shed(&self) -> u64 {
        self.recoveries.shed
    }

    /// How many retry windows are open.
    pub fn open_windows(&self) -> usize {
        self.recoveries.open_windows()
    }

    /// The sums, with what the engines counted.
    pub fn summary(self, counters: &Counters) -> Summary {
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
        let open = self.open.entry(id).or_insert_with(|| {
            self.last_number += 1;
            let number = ConnectionNumber(self.last_number);
            OpenConnection { number, certificate: Settled::default() }
        });
        open.number
    }

    /// Completes what is known of a connection by the certificate of an earlier one.
    fn settle(&mut self, id: ConnectionId, facts: &mut Arc<Facts>, is_used: bool) {
        if let Some(open) = self.open.get_mut(&id) {
            self.certificates.settle(&mut open.certificate, facts, is_used);
        }
    }

    fn exchange(
        &mut self,
        number: ConnectionNumber,
        exchange: Exchange,
        now: Duration,
        each: &mut impl FnMut(CorrelatedRecord) -> bool,
    ) -> bool {
        self.clock.set(exchange.ended(), now);
        self.classifier.record(number.0, &exchange);
        let mut judged = Vec::new();
        // A probe does not ask again, and its requests are not what a client did next.
        if !exchange.is_probe() {
            self.recoveries.exchange(number.0, &exchange, &mut |one| judged.push(one));
        }
        let needs_evidence = self.classifier.needs_evidence(&exchange);
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
        let told = if needs_evidence {
            self.wait(now, number, waiting, each)
        } else {
            self.emit(number, waiting, each)
        };
        told && self.recovered(own, now, each)
    }

    /// Lets one wait; where there is no room, tells the oldest.
    fn wait(
        &mut self,
        now: Duration,
        number: ConnectionNumber,
        waiting: Waiting,
        each: &mut impl FnMut(CorrelatedRecord) -> bool,
    ) -> bool {
        let oldest = self.queue.push(now, number, waiting);
        oldest.is_none_or(|(number, waiting)| self.emit(number, waiting, each))
    }

    /// Who came again, or did not: told with the finding where that still waits, and behind it in a run.
    fn recovered(
        &mut self,
        judged: Vec<RecoveryReport>,
        now: Duration,
        each: &mut impl FnMut(CorrelatedRecord) -> bool,
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
                self.emit(number, waiting, each)
            };
            if !told {
                return false;
            }
        }
        true
    }

    fn emit(
        &mut self,
        number: ConnectionNumber,
        waiting: Waiting,
        each: &mut impl FnMut(CorrelatedRecord) -> bool,
    ) -> bool {
        match waiting {
            Waiting::Exchange(exchange) => self.classify(number, *exchange, each),
            Waiting::Connection(connection) => {
                each(CorrelatedRecord::Connection { number, connection })
            }
            Waiting::Recovery(judged) => each(CorrelatedRecord::Recovery { number, judged }),
        }
    }

    fn classify(
        &mut self,
        number: ConnectionNumber,
        exchange: Exchange,
        each: &mut impl FnMut(CorrelatedRecord) -> bool,
    ) -> bool {
        let mut classification = self.classifier.classify(&exchange);
        classification.recovery = self.recovered.remove(&(number.0, exchange.stream)).flatten();
        self.summary.exchanges += 1;
        self.summary.misdirected += u64::from(exchange.is_misdirected());
        self.summary.mismatched += u64::from(exchange.is_mismatched());
        self.summary.unreadable += u64::from(exchange.authority.raw == Seen::Unreadable);
        each(CorrelatedRecord::Exchange { number, exchange, classification })
    }
}

#[cfg(test)]
mod tests;
