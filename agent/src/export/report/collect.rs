//! What the page is made of, collected within bounds as records come: findings come last.

use super::group::{Group, Key};
use super::lanes::Lanes;
use super::row::{Pattern, Row};
use crate::export::Record;
use std::collections::{BTreeMap, HashMap};
use wrongdoor_core::explain::Finding;
use wrongdoor_core::explain::cause::{CauseId, Confidence};
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::explain::correlator::Unread;
use wrongdoor_core::explain::recovery::Outcome;
use wrongdoor_core::observation::Exchange;

/// The most exchanges that are listed one by one; the rest is counted by pattern.
pub(super) const MAX_ROWS: usize = 5_000;
/// The most groups of findings.
pub(super) const MAX_GROUPS: usize = 256;
/// The most authorities of one kind, server and SNI that have groups of their own.
pub(super) const MAX_AUTHORITIES: usize = 8;
/// The most patterns of what is not listed.
const MAX_PATTERNS: usize = 1_000;

/// Everything that the page tells.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) sums: Sums,
    pub(super) groups: HashMap<Key, Group>,
    /// How many authorities of each kind, server and SNI have groups of their own.
    authorities: HashMap<Key, usize>,
    /// Findings beyond [`MAX_GROUPS`].
    pub(super) ungrouped: u64,
    pub(super) lanes: Lanes,
    /// First those of findings, then the others: as many of each as could be listed.
    pub(super) findings: Vec<Row>,
    others: Vec<Row>,
    /// What is not listed.
    pub(super) patterns: HashMap<Pattern, u64>,
    /// Exchanges beyond [`MAX_PATTERNS`].
    pub(super) unpatterned: u64,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// 421s by who made them.
    pub(super) generators: BTreeMap<&'static str, u64>,
    /// 421s by cause, with the best confidence.
    pub(super) causes: BTreeMap<CauseId, (u64, Option<Confidence>)>,
    /// Refused for the name with another status, or none.
    pub(super) refused_otherwise: u64,
    pub(super) silent: u64,
    pub(super) outcomes: BTreeMap<Outcome, u64>,
    /// Mismatches that were legal as far as was seen.
    pub(super) legal: u64,
    /// Encrypted connections without keys.
    pub(super) undecrypted: u64,
    /// Connections of QUIC.
    pub(super) http3: u64,
    /// Connections with gaps.
    pub(super) with_gaps: u64,
}

impl Collected {
    pub(super) fn record(&mut self, record: &Record) {
        match record {
            Record::Exchange { number, exchange, classification, .. } => {
                self.exchange(number.0, exchange, classification);
            }
            Record::Connection { number, connection, .. } => {
                let facts = &connection.facts;
                match Unread::of(facts) {
                    Some(Unread::Encrypted) => self.sums.undecrypted += 1,
                    Some(Unread::Http3) => self.sums.http3 += 1,
                    None => {}
                }
                self.sums.with_gaps += u64::from(connection.gaps > 0);
                self.lanes.connection(number.0, connection);
            }
            Record::Recovery { .. } => {}
        }
    }

    /// The rows to be listed; what is left over joins the patterns.
    pub(super) fn take_rows(&mut self) -> Vec<Row> {
        let mut rows = std::mem::take(&mut self.findings);
        let others = std::mem::take(&mut self.others);
        for row in others {
            if rows.len() < MAX_ROWS {
                rows.push(row);
            } else {
                self.unlisted(row.pattern);
            }
        }
        rows
    }

    /// One that is not listed.
    pub(super) fn unlisted(&mut self, pattern: Pattern) {
        if self.patterns.len() >= MAX_PATTERNS && !self.patterns.contains_key(&pattern) {
            self.unpatterned += 1;
        } else {
            *self.patterns.entry(pattern).or_default() += 1;
        }
    }

    fn exchange(&mut self, number: u64, exchange: &Exchange, classification: &Classification) {
        let kind = Finding::of(exchange, classification);
        self.lanes.exchange(number, exchange, classification, kind.is_some());
        let rows = if kind.is_some() { &mut self.findings } else { &mut self.others };
        if rows.len() < MAX_ROWS {
            rows.push(Row::new(number, exchange, classification, kind));
        } else {
            self.unlisted(Pattern::new(exchange, classification));
        }
        if let Some(kind) = kind {
            self.sums.finding(kind, exchange, classification);
            self.group(kind, number, exchange, classification);
        }
    }

    fn group(
        &mut self,
        kind: Finding,
        number: u64,
        exchange: &Exchange,
        classification: &Classification,
    ) {
        let mut key = Key::of(kind, exchange, classification);
        if !self.groups.contains_key(&key) {
            let of_all = Key { authority: None, ..key.clone() };
            if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&of_all) {
                self.ungrouped += 1;
                return;
            }
            // Not more than groups: one is made of each.
            let authorities = self.authorities.entry(of_all.clone()).or_default();
            if *authorities < MAX_AUTHORITIES && self.groups.len() < MAX_GROUPS {
                *authorities += 1;
            } else {
                key = of_all;
            }
        }
        let group =
            self.groups.entry(key).or_insert_with(|| Group::new(number, exchange, classification));
        group.add(number, exchange, classification);
    }
}

impl Sums {
    fn finding(&mut self, kind: Finding, exchange: &Exchange, classification: &Classification) {
        self.silent += u64::from(classification.silent_misdirect);
        if let Some(recovery) = &classification.recovery {
            *self.outcomes.entry(recovery.outcome).or_default() += 1;
        }
        match kind {
            Finding::Refused(cause) if exchange.is_misdirected() => {
                let generator = classification
                    .generator
                    .map_or("a server that does not say what it is", super::words::generator);
                *self.generators.entry(generator).or_default() += 1;
                let (count, best) = self.causes.entry(cause).or_default();
                *count += 1;
                let confidence = classification.cause.as_ref().map(|cause| cause.confidence);
                *best = (*best).into_iter().chain(confidence).min();
            }
            Finding::Refused(_) => self.refused_otherwise += 1,
            Finding::Mismatched(_) => self.legal += u64::from(kind.rank() == 2),
            Finding::Silent => {}
        }
    }
}
