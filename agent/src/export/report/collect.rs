//! What the page is made of, collected within bounds as records come: findings come last.

use super::group::{FindingGroup, FindingKey};
use super::lanes::Lanes;
use super::listed_request::ListedRequest;
use super::model::ReportModel;
use super::sums::FindingSums;
use super::unlisted::{RequestPattern, UnlistedRequests};
use crate::export::{Record, Summary};
use std::collections::HashMap;
use wrongdoor_core::explain::Finding;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::explain::correlator::Unread;
use wrongdoor_core::observation::Exchange;

/// The most exchanges that are listed one by one; the rest is counted by pattern.
pub(super) const MAX_ROWS: usize = 5_000;
/// The most groups of findings.
pub(super) const MAX_GROUPS: usize = 256;
/// The most authorities of one kind, server and SNI that have groups of their own.
pub(super) const MAX_AUTHORITIES: usize = 8;

/// What the page will say, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct ReportCollector {
    sums: FindingSums,
    groups: HashMap<FindingKey, FindingGroup>,
    /// How many authorities of each kind, server and SNI have groups of their own.
    authorities: HashMap<FindingKey, usize>,
    /// Findings beyond [`MAX_GROUPS`].
    ungrouped: u64,
    lanes: Lanes,
    /// Requests that are findings, and the others: as many of each as could be listed.
    findings: Vec<ListedRequest>,
    others: Vec<ListedRequest>,
    unlisted: UnlistedRequests,
}

impl ReportCollector {
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

    /// There are no more: what the page says of all of them.
    pub(super) fn finish<'a>(
        self,
        summary: &'a Summary,
        inputs: &'a [String],
        is_partial: bool,
    ) -> ReportModel<'a> {
        let Self { sums, groups, ungrouped, lanes, findings, others, mut unlisted, .. } = self;
        let mut groups: Vec<(FindingKey, FindingGroup)> = groups.into_iter().collect();
        groups.sort_by(|(a, x), (b, y)| {
            (a.finding.rank(), y.count, a).cmp(&(b.finding.rank(), x.count, b))
        });
        let mut requests = findings;
        for other in others {
            if requests.len() < MAX_ROWS {
                requests.push(other);
            } else {
                unlisted.add(other.pattern);
            }
        }
        let numbers = groups.iter().map(|(key, _)| key.clone()).zip(1..).collect();
        ReportModel {
            inputs,
            is_partial,
            summary,
            sums,
            groups,
            numbers,
            ungrouped,
            lanes,
            requests,
            unlisted,
        }
    }

    fn exchange(&mut self, number: u64, exchange: &Exchange, classification: &Classification) {
        let finding = Finding::of(exchange, classification);
        self.lanes.exchange(number, exchange, classification, finding.is_some());
        let rows = if finding.is_some() { &mut self.findings } else { &mut self.others };
        if rows.len() < MAX_ROWS {
            rows.push(ListedRequest::new(number, exchange, classification, finding));
        } else {
            self.unlisted.add(RequestPattern::new(exchange, classification));
        }
        if let Some(finding) = finding {
            self.sums.add(finding, exchange, classification);
            self.group(finding, number, exchange, classification);
        }
    }

    fn group(
        &mut self,
        finding: Finding,
        number: u64,
        exchange: &Exchange,
        classification: &Classification,
    ) {
        let mut key = FindingKey::of(finding, exchange, classification);
        if !self.groups.contains_key(&key) {
            let of_all = FindingKey { authority: None, ..key.clone() };
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
        let group = self
            .groups
            .entry(key)
            .or_insert_with(|| FindingGroup::new(number, exchange, classification));
        group.add(number, exchange, classification);
    }
}
