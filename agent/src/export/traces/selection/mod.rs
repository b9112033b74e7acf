//! Which connections become traces, and which of their exchanges spans.

use super::before::{Before, Ruled};
use super::ids::TraceId;
use crate::config::EventsOf;
use crate::enrich::ClusterEnds;
use crate::export::is_selected;
use std::collections::HashMap;
use wrongdoor_core::engine::{ConnectionEnd, MAX_CONNECTIONS};
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::observation::Exchange;
use wrongdoor_core::time::Timestamp;

/// The most exchanges of one trace.
const MAX_EXCHANGES: u64 = 128;
/// Of them, the most that are of no interest themselves: those that are find room on a connection that is
/// used for long.
const MAX_OTHER_EXCHANGES: u64 = 64;

/// An exchange, how it was ruled on, and where it was seen.
pub(super) type RuledRef<'a> = (&'a Exchange, &'a Classification, &'a ClusterEnds);

/// Chooses.
pub(super) struct SpanSelection {
    of: EventsOf,
    connections: HashMap<u64, Connection>,
    max_connections: usize,
    before: Before,
    over_limit: u64,
}

/// What is remembered of a connection until it ends.
enum Connection {
    /// Nothing was found on it; so many exchanges there were.
    Unremarkable(u64),
    Traced(Trace),
}

/// A connection that is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trace {
    /// As known when the connection was chosen. In a tunnel that is the TLS session inside, which the other
    /// end knows too.
    pub(super) id: TraceId,
    /// When it was last seen to be alive.
    pub(super) latest: Timestamp,
    exchanges: u64,
}

impl SpanSelection {
    pub(super) fn new(of: EventsOf) -> Self {
        Self {
            of,
            connections: HashMap::new(),
            max_connections: MAX_CONNECTIONS,
            before: Before::new(),
            over_limit: 0,
        }
    }

    /// An exchange, and with it what came before on its connection, where that is of interest now.
    pub(super) fn exchange(
        &mut self,
        number: u64,
        (exchange, classification, place): RuledRef<'_>,
        send: &mut impl FnMut(TraceId, RuledRef<'_>),
    ) {
        let is_found = is_selected(self.of, exchange, classification);
        if self.connections.len() >= self.max_connections && !self.connections.contains_key(&number)
        {
            // Without a memory of the connection there will be no span of it.
            if is_found {
                self.over_limit += 1;
                send(exchange.connection.trace_id(), (exchange, classification, place));
            }
            return;
        }
        let connection = self.connections.entry(number).or_insert(Connection::Unremarkable(0));
        if let Connection::Unremarkable(exchanges) = connection {
            if !is_found {
                *exchanges += 1;
                self.before.keep(number, (exchange.clone(), classification.clone(), place.clone()));
                return;
            }
            let mut trace = Trace::new(exchange);
            let before = self.before.take(number);
            self.over_limit += exchanges.saturating_sub(before.len() as u64);
            trace.begin_with(&before, send);
            *connection = Connection::Traced(trace);
        }
        let Connection::Traced(trace) = connection else { return };
        if trace.takes(exchange, is_found) {
            send(trace.id, (exchange, classification, place));
        } else {
            self.over_limit += 1;
        }
    }

    /// A connection that ended; the trace that it is part of.
    pub(super) fn connection(&mut self, number: u64, connection: &ConnectionEnd) -> Option<Trace> {
        let remembered = self.connections.remove(&number);
        drop(self.before.take(number));
        match remembered {
            Some(Connection::Traced(trace)) => Some(trace),
            // Of a connection without exchanges nothing is remembered.
            None if self.of == EventsOf::All && connection.exchanges == 0 => Some(Trace {
                id: connection.facts.trace_id(),
                latest: connection.facts.first_seen,
                exchanges: 0,
            }),
            _ => None,
        }
    }

    /// Spans that were left out for a bound.
    pub(super) fn over_limit(&self) -> u64 {
        self.over_limit
    }
}

impl Trace {
    fn new(exchange: &Exchange) -> Self {
        Self { id: exchange.connection.trace_id(), latest: exchange.started, exchanges: 0 }
    }

    fn begin_with<'a>(
        &mut self,
        before: impl IntoIterator<Item = &'a Ruled>,
        send: &mut impl FnMut(TraceId, RuledRef<'_>),
    ) {
        for (exchange, classification, place) in before {
            self.exchanges += 1;
            send(self.id, (exchange, classification, place));
        }
    }

    /// Whether there is room for one more.
    fn takes(&mut self, exchange: &Exchange, is_found: bool) -> bool {
        self.latest = self.latest.max(exchange.ended());
        let room = if is_found { MAX_EXCHANGES } else { MAX_OTHER_EXCHANGES };
        let takes = self.exchanges < room;
        self.exchanges += u64::from(takes);
        takes
    }
}

#[cfg(test)]
mod tests;
