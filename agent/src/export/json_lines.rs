//! JSON lines: one object a line, for programs.

use super::shapes::{ConnectionLine, ConnectionPart, ExchangePart, RecoveryLine, SummaryLine};
use super::{ConnectionNumber, Output, OutputError, Record, Sink, Summary};
use crate::enrich::ClusterEnds;
use crate::text::{Clock, append, join};
use serde::Serialize;
use std::sync::Arc;
use wrongdoor_core::bounded_map::BoundedMap;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::observation::{Exchange, Facts};

/// The most connections whose part of a line is kept. Beyond it, the oldest is made anew.
const MAX_CONNECTION_PARTS: usize = 1024;

/// Writes records as JSON lines.
pub(crate) struct JsonLines {
    output: Output,
    line: Vec<u8>,
    /// The first half of exchange lines, which is the same for all exchanges of a connection as long as
    /// nothing new is learnt of it.
    connections: BoundedMap<u64, (Arc<Facts>, Vec<u8>)>,
    clock: Clock,
}

impl JsonLines {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            output,
            line: Vec::new(),
            connections: BoundedMap::new(MAX_CONNECTION_PARTS),
            clock: Clock::default(),
        }
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), OutputError> {
        self.line.clear();
        append(&mut self.line, line);
        self.line.push(b'\n');
        self.output.write(&self.line)
    }

    /// Two objects that are written as one: what is the connection's, and what is the exchange's.
    fn exchange(
        &mut self,
        number: ConnectionNumber,
        exchange: &Exchange,
        classification: &Classification,
        place: &ClusterEnds,
    ) -> Result<(), OutputError> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line.extend_from_slice(self.connection_part(number, &exchange.connection));
        join(&mut line, &ExchangePart::new(exchange, classification, place, &mut self.clock));
        line.push(b'\n');
        let written = self.output.write(&line);
        self.line = line;
        written
    }

    fn connection_part(&mut self, number: ConnectionNumber, facts: &Arc<Facts>) -> &[u8] {
        let make = || (Arc::clone(facts), Vec::new());
        let (known, part) = self.connections.get_or_insert_with(number.0, make);
        if part.is_empty() || !Arc::ptr_eq(known, facts) {
            *known = Arc::clone(facts);
            part.clear();
            append(part, &ConnectionPart::new(number, facts));
        }
        part
    }
}

impl Sink for JsonLines {
    fn record(&mut self, record: &Record) -> Result<(), OutputError> {
        match record {
            Record::Exchange { number, exchange, classification, place } => {
                self.exchange(*number, exchange, classification, place)
            }
            Record::Connection { number, connection, .. } => {
                self.connections.remove(&number.0);
                let line = ConnectionLine::new(*number, connection, &mut self.clock);
                self.write(&line)
            }
            Record::Recovery { number, judged, .. } => {
                self.write(&RecoveryLine::new(*number, judged))
            }
        }
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), OutputError> {
        self.write(&SummaryLine::new(summary))?;
        self.output.flush()
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.output.flush()
    }

    fn lost(&self) -> u64 {
        self.output.lost()
    }
}
