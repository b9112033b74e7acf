//! Which records are events.

use crate::config::EventsOf;
use crate::export::{Record, is_selected};
use std::collections::HashSet;
use wrongdoor_core::engine::MAX_CONNECTIONS;

/// The most connections with findings that are remembered until they end. Beyond it, the line of a
/// connection is left out.
const MAX_FOUND: usize = MAX_CONNECTIONS;

/// Tells which records are of interest.
pub(super) struct Selection {
    of: EventsOf,
    /// Connections that had an exchange of interest, by number.
    found: HashSet<u64>,
    max_found: usize,
    over_limit: u64,
}

impl Selection {
    pub(super) fn new(of: EventsOf) -> Self {
        Self { of, found: HashSet::new(), max_found: MAX_FOUND, over_limit: 0 }
    }

    /// What is of interest from now on.
    pub(super) fn select(&mut self, of: EventsOf) {
        self.of = of;
    }

    /// Whether a record is to be written.
    pub(super) fn wants(&mut self, record: &Record) -> bool {
        let is_found = match record {
            _ if self.of == EventsOf::All => return true,
            Record::Connection { number, .. } => return self.found.remove(&number.0),
            // Of a 421, which is always of interest.
            Record::Recovery { .. } => return true,
            Record::Exchange { exchange, classification, .. } => {
                is_selected(self.of, exchange, classification)
            }
        };
        if let (true, Record::Exchange { number, .. }) = (is_found, record) {
            self.remember(number.0);
        }
        is_found
    }

    /// How often there was no room to remember that a connection is of interest.
    pub(super) fn over_limit(&self) -> u64 {
        self.over_limit
    }

    fn remember(&mut self, number: u64) {
        if self.found.len() < self.max_found {
            self.found.insert(number);
        } else if !self.found.contains(&number) {
            self.over_limit += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_and_counted() {
        let mut selection = Selection { max_found: 2, ..Selection::new(EventsOf::Mismatched) };
        [1, 1, 2, 3, 2, 4].into_iter().for_each(|number| selection.remember(number));
        assert_eq!((selection.found.len(), selection.over_limit()), (2, 2));
    }
}
