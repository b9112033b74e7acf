//! Requests that the page does not list one by one, counted by what they have in common.

use crate::text;
use std::collections::HashMap;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::observation::Exchange;

/// The most patterns that are counted apart.
const MAX_PATTERNS: usize = 1_000;

/// What requests have in common that are one line of those not listed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RequestPattern {
    pub(super) sni: String,
    pub(super) authority: String,
    pub(super) version: &'static str,
    pub(super) status: Option<u16>,
    pub(super) verdict: &'static str,
}

/// The counts, within bounds.
#[derive(Clone, Debug, Default)]
pub(super) struct UnlistedRequests {
    patterns: HashMap<RequestPattern, u64>,
    /// Of patterns beyond [`MAX_PATTERNS`].
    beyond: u64,
}

impl RequestPattern {
    pub(super) fn new(exchange: &Exchange, classification: &Classification) -> Self {
        Self {
            sni: text::sni(&exchange.connection),
            authority: text::authority(&exchange.authority),
            version: exchange.version.as_str(),
            status: exchange.status(),
            verdict: classification.verdict.as_str(),
        }
    }
}

impl UnlistedRequests {
    /// One more.
    pub(super) fn add(&mut self, pattern: RequestPattern) {
        if self.patterns.len() >= MAX_PATTERNS && !self.patterns.contains_key(&pattern) {
            self.beyond += 1;
        } else {
            *self.patterns.entry(pattern).or_default() += 1;
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.patterns.values().sum::<u64>() + self.beyond
    }

    /// The patterns that are counted apart, the most frequent first.
    pub(super) fn by_count(&self) -> Vec<(&RequestPattern, u64)> {
        let mut patterns: Vec<_> =
            self.patterns.iter().map(|(pattern, count)| (pattern, *count)).collect();
        patterns.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        patterns
    }
}
