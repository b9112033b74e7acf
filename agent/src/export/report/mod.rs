//! `analyze --report`: one page that stands for itself, to be attached to an incident.
//!
//! ```text
//! Record ──▶ collect (within bounds) ──▶ model ──▶ page: story · findings, each with a drawing · list ──▶ atomic_file ──▶ FILE.html
//! ```
//!
//! The page loads nothing and sends nothing, and says so to the browser: styles and script are in it, by hash. Templates
//! escape all text that they are given, and [`visible`] names what is hidden in it.

mod atomic_file;
mod collect;
mod drawing;
mod group;
mod lanes;
mod listed_request;
mod meaning;
mod model;
mod page;
mod story;
mod sums;
#[cfg(test)]
mod tests;
mod unlisted;
mod visible;
mod words;

use super::{OutputError, Record, Sink, Summary};
use atomic_file::AtomicFile;
use collect::ReportCollector;
use std::path::{Path, PathBuf};

/// Collects records, and writes a page of them at the end.
#[derive(Debug)]
pub(crate) struct HtmlReport {
    /// Taken when it is finished.
    atomic_file: Option<AtomicFile>,
    collector: ReportCollector,
    /// The names of the captures.
    inputs: Vec<String>,
    /// A capture could be read in part only.
    is_partial: bool,
}

impl HtmlReport {
    /// A page about `inputs`, to be written to `path`.
    pub(crate) fn begin(path: &Path, inputs: &[PathBuf]) -> Result<Self, OutputError> {
        let atomic_file = Some(AtomicFile::begin(path)?);
        let inputs = inputs.iter().map(|input| name(input)).collect();
        Ok(Self { atomic_file, collector: ReportCollector::default(), inputs, is_partial: false })
    }

    /// A capture broke off.
    pub(crate) fn breaks_off(&mut self) {
        self.is_partial = true;
    }
}

impl Sink for HtmlReport {
    fn record(&mut self, record: &Record) -> Result<(), OutputError> {
        self.collector.record(record);
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), OutputError> {
        let Some(atomic_file) = self.atomic_file.take() else { return Ok(()) };
        let collector = std::mem::take(&mut self.collector);
        let model = collector.finish(summary, &self.inputs, self.is_partial);
        atomic_file.finish(page::render(&model).as_bytes())
    }
}

/// Without its folders, which say nothing about the capture.
fn name(path: &Path) -> String {
    match path.file_name() {
        Some(name) if path.as_os_str() != "-" => name.to_string_lossy().into_owned(),
        _ => "standard input".to_owned(),
    }
}
