//! Exchanges of connections on which nothing was found so far: if something is, they belong to its trace.

use crate::enrich::ClusterEnds;
use std::collections::{BTreeMap, HashMap, VecDeque};
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::observation::Exchange;

/// The most exchanges that are kept of one connection: the latest.
pub(super) const MAX_BEFORE: usize = 32;
/// The most connections that any are kept of: those that were used last.
const MAX_CONNECTIONS_BEFORE: usize = 4096;

/// An exchange that was ruled on, and where it was seen.
pub(super) type Ruled = (Exchange, Classification, ClusterEnds);

/// Keeps them.
pub(super) struct Before {
    connections: HashMap<u64, Kept>,
    /// The connections by when they were used last.
    by_use: BTreeMap<u64, u64>,
    uses: u64,
    max_connections: usize,
}

struct Kept {
    last_use: u64,
    exchanges: VecDeque<Ruled>,
}

impl Before {
    pub(super) fn new() -> Self {
        Self::with_room_for(MAX_CONNECTIONS_BEFORE)
    }

    pub(super) fn with_room_for(max_connections: usize) -> Self {
        let (connections, by_use) = (HashMap::new(), BTreeMap::new());
        Self { connections, by_use, uses: 0, max_connections }
    }

    /// Keeps one more of a connection.
    pub(super) fn keep(&mut self, connection: u64, exchange: Ruled) {
        self.uses += 1;
        let last_use = self.uses;
        let kept = self
            .connections
            .entry(connection)
            .or_insert_with(|| Kept { last_use, exchanges: VecDeque::new() });
        self.by_use.remove(&kept.last_use);
        self.by_use.insert(last_use, connection);
        kept.last_use = last_use;
        if kept.exchanges.len() >= MAX_BEFORE {
            kept.exchanges.pop_front();
        }
        kept.exchanges.push_back(exchange);
        if self.connections.len() > self.max_connections
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.connections.remove(&oldest);
        }
    }

    /// What is kept of a connection, which is kept no longer.
    pub(super) fn take(&mut self, connection: u64) -> VecDeque<Ruled> {
        let Some(kept) = self.connections.remove(&connection) else { return VecDeque::new() };
        self.by_use.remove(&kept.last_use);
        kept.exchanges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ruled;

    fn streams(before: &mut Before, connection: u64) -> Vec<u64> {
        before.take(connection).iter().map(|(exchange, ..)| exchange.stream).collect()
    }

    fn keep(before: &mut Before, connection: u64, streams: std::ops::Range<u64>) {
        let (exchange, classification) = ruled("coalescing").remove(0);
        for stream in streams {
            let exchange = Exchange { stream, ..exchange.clone() };
            before.keep(connection, (exchange, classification.clone(), ClusterEnds::default()));
        }
    }

    #[test]
    fn the_latest_of_a_connection_are_kept() {
        let mut before = Before::new();
        keep(&mut before, 1, 0..40);
        keep(&mut before, 2, 0..2);
        assert_eq!(streams(&mut before, 1), (8..40).collect::<Vec<_>>());
        assert_eq!(streams(&mut before, 2), [0, 1]);
        assert!(streams(&mut before, 2).is_empty());
        assert!(before.connections.is_empty() && before.by_use.is_empty());
    }

    #[test]
    fn the_connections_used_last_are_kept() {
        let mut before = Before::with_room_for(2);
        keep(&mut before, 1, 0..1);
        keep(&mut before, 2, 0..1);
        keep(&mut before, 1, 1..2);
        keep(&mut before, 3, 0..1);
        assert_eq!((before.connections.len(), before.by_use.len()), (2, 2));
        assert!(streams(&mut before, 2).is_empty());
        assert_eq!(streams(&mut before, 1), [0, 1]);
        assert_eq!(streams(&mut before, 3), [0]);
    }
}
