//! The JSON shapes of records.
//!
//! The shapes are a contract, and [`schema`] is its text. They are apart from the core's types, so that neither changes
//! with the other.

mod connection;
mod exchange;
mod field;
mod place;
mod recovery;
mod summary;

pub(super) use connection::ConnectionLine;
pub(super) use exchange::{ConnectionPart, ExchangePart};
pub(super) use recovery::RecoveryLine;
pub(super) use summary::SummaryLine;

use super::ConnectionNumber;
use crate::enrich::ClusterEnds;
use crate::text::{Clock, append, join};
use exchange::ExchangeLine;
use schemars::{JsonSchema, Schema};
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::observation::Exchange;

/// The version of the shapes.
const SCHEMA_VERSION: u8 = 1;

/// A line of `wrongdoor run --events` or `wrongdoor analyze --format json`.
#[derive(JsonSchema)]
#[schemars(untagged, title = "wrongdoor JSON lines")]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "lines are written one by one; this is their schema"
)]
enum Line<'a> {
    Exchange(ExchangeLine<'a>),
    Connection(ConnectionLine<'a>),
    Recovery(RecoveryLine),
    Summary(SummaryLine<'a>),
}

/// The JSON Schema of all lines.
pub(crate) fn schema() -> Schema {
    schemars::schema_for!(Line<'_>)
}

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
