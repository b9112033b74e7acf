//! A table for people: the pattern first, the count of everything last.

mod layout;
mod unread;
mod why;

use super::{Output, OutputError, Record, Sink, Summary};
use crate::text;
use std::collections::HashMap;
use unread::NotRead;
use why::Why;
use wrongdoor_core::explain::Finding;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::observation::Exchange;
use wrongdoor_core::observation::verdict::Verdict;
use wrongdoor_core::seen::Seen;

/// The most patterns that are listed; the rest is counted as one.
const MAX_PATTERNS: usize = 10_000;

/// Collects records and writes a table of them at the end.
pub(crate) struct PatternTable {
    output: Output,
    /// How often each pattern was seen.
    rows: HashMap<TableRow, u64>,
    /// Exchanges of patterns beyond [`MAX_PATTERNS`].
    ungrouped: u64,
    /// Why requests were refused.
    why: Why,
    /// What could not be read.
    not_read: NotRead,
}

/// What exchanges have in common that are one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct TableRow {
    section: TableSection,
    sni: String,
    authority: String,
    status: Option<u16>,
    version: &'static str,
    verdict: Verdict,
}

/// The sections, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum TableSection {
    Misdirected,
    Silent,
    Mismatched,
    Other,
}

impl PatternTable {
    pub(crate) fn new(output: Output) -> Self {
        let (rows, why, not_read) = (HashMap::new(), Why::default(), NotRead::default());
        Self { output, rows, ungrouped: 0, why, not_read }
    }

    fn exchange(&mut self, exchange: &Exchange, classification: &Classification) {
        self.why.add(exchange, classification);
        let row = TableRow::new(exchange, classification);
        if self.rows.len() >= MAX_PATTERNS && !self.rows.contains_key(&row) {
            self.ungrouped += 1;
            return;
        }
        *self.rows.entry(row).or_default() += 1;
    }
}

impl Sink for PatternTable {
    fn record(&mut self, record: &Record) -> Result<(), OutputError> {
        match record {
            Record::Exchange { exchange, classification, .. } => {
                self.exchange(exchange, classification)
            }
            Record::Connection { connection, .. } => self.not_read.add(&connection.facts),
            Record::Recovery { .. } => {}
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), OutputError> {
        let mut rows: Vec<(TableRow, u64)> = self.rows.drain().collect();
        rows.sort_by(|(a, x), (b, y)| (a.section, y).cmp(&(b.section, x)).then_with(|| a.cmp(b)));
        let table = layout::render(
            &rows,
            &self.why,
            summary,
            &self.not_read,
            self.ungrouped,
            self.output.wants_colour(),
        );
        self.output.write(table.as_bytes())?;
        self.output.flush()
    }
}

impl TableRow {
    fn new(exchange: &Exchange, classification: &Classification) -> Self {
        let section = match Finding::of(exchange, classification) {
            Some(Finding::Refused(_)) if exchange.is_misdirected() => TableSection::Misdirected,
            Some(Finding::Silent) => TableSection::Silent,
            Some(_) if exchange.is_mismatched() => TableSection::Mismatched,
            _ => TableSection::Other,
        };
        let authority = match &exchange.authority.raw {
            // Quoted, as what is no host may look like anything.
            Seen::Known(raw) if exchange.host().is_none() => format!("{raw:?}"),
            _ => text::authority(&exchange.authority),
        };
        Self {
            section,
            sni: text::sni(&exchange.connection),
            authority,
            status: exchange.status(),
            version: exchange.version.as_str(),
            verdict: classification.verdict,
        }
    }
}
