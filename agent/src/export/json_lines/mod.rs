//! JSON lines: one object a line, for programs.
//!
//! The shapes are a contract. They are apart from the core's types, so that neither changes with the other.

mod lines;
mod place;

use super::clock::Clock;
use super::{ConnectionNumber, Output, Record, Sink, Summary};
use crate::enrich::Place;
use crate::failure::Failure;
use lines::{ConnectionLine, ConnectionPart, ExchangePart, RecoveryLine, SummaryLine};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use wrongdoor_core::connection::Facts;
use wrongdoor_core::exchange::Exchange;
use wrongdoor_core::judge::Ruling;

/// The most connections whose part of a line is kept. Beyond it, all are made anew.
const MAX_CONNECTION_PARTS: usize = 1024;

/// Writes records as JSON lines.
pub(crate) struct JsonLines {
    output: Output,
    line: Vec<u8>,
    /// The first half of exchange lines, which is the same for all exchanges of a connection as long as
    /// nothing new is learnt of it.
    connections: HashMap<u64, (Arc<Facts>, Vec<u8>)>,
    clock: Clock,
}

impl JsonLines {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, line: Vec::new(), connections: HashMap::new(), clock: Clock::default() }
    }

    /// Makes sure that what was written has arrived.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.output.flush()
    }

    /// Lines that did not arrive.
    pub(crate) fn lost(&self) -> u64 {
        self.output.lost()
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), Failure> {
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
        ruling: &Ruling,
        place: &Place,
    ) -> Result<(), Failure> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        line.extend_from_slice(self.connection_part(number, &exchange.connection));
        join(&mut line, &ExchangePart::new(exchange, ruling, place, &mut self.clock));
        line.push(b'\n');
        let written = self.output.write(&line);
        self.line = line;
        written
    }

    fn connection_part(&mut self, number: ConnectionNumber, facts: &Arc<Facts>) -> &[u8] {
        if self.connections.len() >= MAX_CONNECTION_PARTS
            && !self.connections.contains_key(&number.0)
        {
            self.connections.clear();
        }
        let (known, part) =
            self.connections.entry(number.0).or_insert_with(|| (Arc::clone(facts), Vec::new()));
        if part.is_empty() || !Arc::ptr_eq(known, facts) {
            *known = Arc::clone(facts);
            part.clear();
            append(part, &ConnectionPart::new(number, facts));
        }
        part
    }
}

/// One object as a line.
pub(crate) fn json_line(object: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::new();
    append(&mut line, object);
    line.push(b'\n');
    line
}

/// The object of one exchange.
pub(super) fn exchange_line(
    number: ConnectionNumber,
    exchange: &Exchange,
    ruling: &Ruling,
    place: &Place,
) -> Vec<u8> {
    let mut line = Vec::new();
    append(&mut line, &ConnectionPart::new(number, &exchange.connection));
    join(&mut line, &ExchangePart::new(exchange, ruling, place, &mut Clock::default()));
    line
}

/// Goes on with the object that was written last: `}` of the first and `{` of the second become the comma between them.
fn join(line: &mut Vec<u8>, part: &impl Serialize) {
    line.pop();
    let seam = line.len();
    append(line, part);
    if let Some(brace) = line.get_mut(seam) {
        *brace = b',';
    }
}

/// Writing to memory fails only for maps with keys that are no text, which there are none of.
fn append(bytes: &mut Vec<u8>, line: &impl Serialize) {
    let written = serde_json::to_writer(bytes, line);
    debug_assert!(written.is_ok(), "{written:?}");
}

impl Sink for JsonLines {
    fn record(&mut self, record: &Record) -> Result<(), Failure> {
        match record {
            Record::Exchange { number, exchange, ruling, place } => {
                self.exchange(*number, exchange, ruling, place)
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

    fn finish(&mut self, summary: &Summary) -> Result<(), Failure> {
        self.write(&SummaryLine::new(summary))?;
        self.output.flush()
    }
}
