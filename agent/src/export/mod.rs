//! Where findings go.

mod clock;
mod events;
mod http;
mod json_lines;
mod metrics;
mod output;
mod recent;
mod record;
mod report;
mod rotation;
mod table;
mod traces;
pub(crate) mod unread;
mod written;

pub(crate) use events::{Events, EventsOf};
pub(crate) use http::{Access, AccessFiles, serve};
pub(crate) use json_lines::{JsonLines, json_line};
#[cfg(test)]
pub(crate) use metrics::Format;
pub(crate) use metrics::{Correlated, Metrics, Naming, State};
pub use metrics::{Exported, catalogue};
pub(crate) use output::Output;
pub(crate) use recent::Recent;
pub(crate) use record::{ConnectionNumber, Record, Summary, is_finding};
pub(crate) use report::Report;
pub(crate) use rotation::Limits;
pub(crate) use table::{Table, Tone, grid, harmless, wide_grid};
pub(crate) use traces::{Environment, Protocol, Traces, TracesSettings, TracesWish};
pub(crate) use written::Written;

use crate::failure::Failure;

/// Takes records as they come.
pub(crate) trait Sink {
    /// One record.
    fn record(&mut self, record: &Record) -> Result<(), Failure>;
    /// There are no more.
    fn finish(&mut self, summary: &Summary) -> Result<(), Failure>;
}
