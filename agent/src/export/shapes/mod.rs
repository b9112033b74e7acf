//! The JSON shapes of records.
//!
//! The shapes are a contract. They are apart from the core's types, so that neither changes with the other.

mod lines;
mod place;

pub(super) use lines::{
    CaptureSummaryLine, ConnectionLine, ConnectionPart, ExchangePart, RecoveryLine,
};

use super::ConnectionNumber;
use crate::enrich::ClusterEnds;
use crate::text::{Clock, append, join};
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::observation::Exchange;

/// The object of one exchange.
pub(super) fn exchange_line(
    number: ConnectionNumber,
    exchange: &Exchange,
    classification: &Classification,
    place: &ClusterEnds,
) -> Vec<u8> {
    let mut line = Vec::new();
    append(&mut line, &ConnectionPart::new(number, &exchange.connection));
    join(&mut line, &ExchangePart::new(exchange, classification, place, &mut Clock::default()));
    line
}
