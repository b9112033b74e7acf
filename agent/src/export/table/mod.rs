//! A table for people: the pattern first, the count of everything last.

mod layout;
mod unread;
mod why;

use super::{Output, OutputError, Record, Sink, Summary};
use std::collections::HashMap;
use unread::NotRead;
use why::Why;
use wrongdoor_core::explain::Finding;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::name::Sni;
use wrongdoor_core::observation::verdict::Verdict;
use wrongdoor_core::observation::{Exchange, Facts};
use wrongdoor_core::seen::Seen;

/// The most patterns that are told apart; the rest is counted as one.
const MAX_GROUPS: usize = 10_000;

/// Collects records and writes a table of them at the end.
pub(crate) struct Table {
    output: Output,
    /// How often each pattern was seen.
    groups: HashMap<Pattern, u64>,
    /// Exchanges of patterns beyond [`MAX_GROUPS`].
    ungrouped: u64,
    /// Why requests were refused.
    why: Why,
    /// What could not be read.
    not_read: NotRead,
}

/// What exchanges have in common that are one row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Pattern {
    class: Class,
    sni: String,
    authority: String,
    status: Option<u16>,
    version: &'static str,
    verdict: Verdict,
}

/// The order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Class {
    Misdirected,
    Silent,
    Mismatched,
    Other,
}

impl Table {
    pub(crate) fn new(output: Output) -> Self {
        let (groups, why, not_read) = (HashMap::new(), Why::default(), NotRead::default());
        Self { output, groups, ungrouped: 0, why, not_read }
    }

    fn exchange(&mut self, exchange: &Exchange, classification: &Classification) {
        self.why.add(exchange, classification);
        let pattern = Pattern::new(exchange, classification);
        if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&pattern) {
            self.ungrouped += 1;
            return;
        }
        *self.groups.entry(pattern).or_default() += 1;
    }
}

impl Sink for Table {
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
        let mut rows: Vec<(Pattern, u64)> = self.groups.drain().collect();
        rows.sort_by(|(a, x), (b, y)| (a.class, y).cmp(&(b.class, x)).then_with(|| a.cmp(b)));
        let text = layout::render(
            &rows,
            &self.why,
            summary,
            &self.not_read,
            self.ungrouped,
            self.output.wants_colour(),
        );
        self.output.write(text.as_bytes())?;
        self.output.flush()
    }
}

impl Pattern {
    fn new(exchange: &Exchange, classification: &Classification) -> Self {
        let class = match Finding::of(exchange, classification) {
            Some(Finding::Refused(_)) if exchange.is_misdirected() => Class::Misdirected,
            Some(Finding::Silent) => Class::Silent,
            Some(_) if exchange.is_mismatched() => Class::Mismatched,
            _ => Class::Other,
        };
        let authority = match (exchange.host(), &exchange.authority.raw) {
            (Some(host), _) => host.to_string(),
            (None, Seen::Known(raw)) => format!("{raw:?}"),
            (None, Seen::Absent) => "(none)".to_owned(),
            (None, Seen::Unreadable) => "(unreadable)".to_owned(),
        };
        Self {
            class,
            sni: sni(&exchange.connection),
            authority,
            status: exchange.status(),
            version: exchange.version.as_str(),
            verdict: classification.verdict,
        }
    }
}

fn sni(facts: &Facts) -> String {
    match facts.sni() {
        Sni::Name(name) => name.to_string(),
        Sni::Absent if facts.tls.is_none() => "(no TLS)".to_owned(),
        Sni::Absent => "(none)".to_owned(),
        Sni::Encrypted => "(encrypted)".to_owned(),
        Sni::Unseen => "(unseen)".to_owned(),
    }
}
