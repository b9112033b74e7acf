//! Where findings go.

mod events;
mod json_lines;
mod metrics;
mod output;
mod recent;
mod record;
mod report;
mod rotation;
mod shapes;
mod sink_stats;
mod table;
mod traces;
pub(crate) mod unread;

pub(crate) use events::EventsSink;
pub(crate) use json_lines::JsonLines;
pub(crate) use metrics::{
    AgentCounts, CorrelateStats, Dialect, LabelLimiter, MetricsRegistry, TurnState,
};
pub(crate) use metrics::{CatalogueEntry, NotANamePattern, catalogue};
pub(crate) use output::{Output, OutputError};
pub(crate) use recent::RecentFindings;
pub(crate) use record::{Record, is_selected};
pub(crate) use report::HtmlReport;
pub(crate) use rotation::Limits;
pub(crate) use shapes::schema;
pub(crate) use sink_stats::SinkStats;
pub(crate) use table::PatternTable;
pub(crate) use traces::{
    Environment, Traces, TracesError, TracesProtocol, TracesSettings, TracesWish,
};

pub(crate) use wrongdoor_core::explain::correlator::{ConnectionNumber, Summary};

/// Takes records as they come.
pub(crate) trait Sink {
    /// One record.
    fn record(&mut self, record: &Record) -> Result<(), OutputError>;
    /// There are no more.
    fn finish(&mut self, summary: &Summary) -> Result<(), OutputError>;
    /// Writes what is buffered.
    fn flush(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
    /// How many records did not reach the output.
    fn lost(&self) -> u64 {
        0
    }
}
