//! Everything that the page says, finished before any of it is rendered: rendering only reads it.

use super::group::{FindingGroup, FindingKey};
use super::lanes::Lanes;
use super::listed_request::ListedRequest;
use super::sums::FindingSums;
use super::unlisted::UnlistedRequests;
use crate::export::Summary;
use std::collections::HashMap;

/// What a page is made of.
#[derive(Debug)]
pub(super) struct ReportModel<'a> {
    /// The names of the captures.
    pub(super) inputs: &'a [String],
    /// A capture could be read in part only.
    pub(super) is_partial: bool,
    pub(super) summary: &'a Summary,
    pub(super) sums: FindingSums,
    /// In the order of the page, which numbers them from 1 on.
    pub(super) groups: Vec<(FindingKey, FindingGroup)>,
    /// The number of each group.
    pub(super) numbers: HashMap<FindingKey, usize>,
    /// Findings that are in no group.
    pub(super) ungrouped: u64,
    pub(super) lanes: Lanes,
    /// To be listed as far as the page has room: findings first.
    pub(super) requests: Vec<ListedRequest>,
    /// Those that are not among them.
    pub(super) unlisted: UnlistedRequests,
}

impl ReportModel<'_> {
    /// The number of the group that a request belongs to: its own, or that of all authorities.
    pub(super) fn group_number(&self, request: &ListedRequest) -> Option<usize> {
        let key = request.key()?;
        let own = self.numbers.get(&key).copied();
        own.or_else(|| self.numbers.get(&FindingKey { authority: None, ..key }).copied())
    }
}
