//! Segments that came before their sockets: a listener that waits for data makes the socket only then.

use std::collections::{BTreeMap, HashMap};
use wrongdoor_ebpf_common::{Handshake, Tuple};

/// The most connections whose segments wait; beyond it the oldest are dropped.
const MAX_CONNECTIONS: usize = 1_024;
/// The most records that wait of one connection.
const MAX_RECORDS: usize = 8;

/// The key of a connection until it has a socket: its ends. Containers may use the same addresses and ports at the same
/// time, each in its network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ends {
    namespace: u32,
    local: ([u8; 16], u16),
    remote: ([u8; 16], u16),
}

/// Segments that wait.
#[derive(Debug, Default)]
pub(super) struct EarlySegments {
    waiting: HashMap<Ends, Waiting>,
    /// What waits, by its number: the oldest first.
    order: BTreeMap<u64, Ends>,
    last: u64,
}

/// The segments of one connection.
#[derive(Debug)]
struct Waiting {
    number: u64,
    records: Vec<(Handshake, Vec<u8>)>,
}

impl EarlySegments {
    /// Keeps a segment without a socket. Returns how many segments were dropped: this one or others.
    pub(super) fn keep(&mut self, record: &Handshake, bytes: &[u8]) -> usize {
        let ends = Ends::of(&record.tuple);
        let mut dropped = 0;
        if record.offset == 0 {
            // The same again, or another connection of the same ends: the last one gets the socket.
            dropped += self.take(&ends).len();
        }
        let waiting = self.waiting.entry(ends).or_insert_with(|| {
            self.last += 1;
            self.order.insert(self.last, ends);
            Waiting { number: self.last, records: Vec::new() }
        });
        if waiting.records.len() < MAX_RECORDS {
            waiting.records.push((*record, bytes.to_vec()));
        } else {
            dropped += 1;
        }
        while self.waiting.len() > MAX_CONNECTIONS
            && let Some((_, oldest)) = self.order.first_key_value()
        {
            let oldest = *oldest;
            dropped += self.take(&oldest).len();
        }
        dropped
    }

    /// Gives a socket the segments that came before it, with the socket in them.
    pub(super) fn claim(&mut self, tuple: &Tuple, give: &mut dyn FnMut(&Handshake, &[u8])) {
        if self.waiting.is_empty() {
            return;
        }
        for (mut record, bytes) in self.take(&Ends::of(tuple)) {
            record.tuple = *tuple;
            give(&record, &bytes);
        }
    }

    fn take(&mut self, ends: &Ends) -> Vec<(Handshake, Vec<u8>)> {
        let Some(Waiting { number, records }) = self.waiting.remove(ends) else {
            return Vec::new();
        };
        self.order.remove(&number);
        records
    }
}

impl Ends {
    fn of(tuple: &Tuple) -> Self {
        let Tuple { namespace, local, local_port, remote, remote_port, .. } = *tuple;
        Self { namespace, local: (local, local_port), remote: (remote, remote_port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(remote_port: u16, cookie: u64) -> Handshake {
        let tuple = Tuple { cookie, remote_port, ..Tuple::default() };
        Handshake { tuple, ..Handshake::default() }
    }

    #[test]
    fn the_socket_gets_what_came_before_it() {
        let mut early = EarlySegments::default();
        early.keep(&record(1, 0), b"one");
        early.keep(&record(2, 0), b"two");
        let mut got = Vec::new();
        early.claim(&record(2, 7).tuple, &mut |record, bytes| {
            got.push((record.tuple.cookie, bytes.to_vec()));
        });
        assert_eq!(got, [(7, b"two".to_vec())]);
        early.claim(&record(2, 7).tuple, &mut |_, _| panic!("given twice"));
    }

    #[test]
    fn the_same_ends_in_another_network_namespace_are_another_connection() {
        let in_namespace = |namespace: u32, cookie| {
            let record = record(1, cookie);
            Handshake { tuple: Tuple { namespace, ..record.tuple }, ..record }
        };
        let mut early = EarlySegments::default();
        assert_eq!(early.keep(&in_namespace(1, 0), b"one"), 0);
        assert_eq!(early.keep(&in_namespace(2, 0), b"two"), 0);
        for (namespace, expected) in [(1, b"one"), (2, b"two")] {
            let mut got = Vec::new();
            early.claim(&in_namespace(namespace, 7).tuple, &mut |record, bytes| {
                got.push((record.tuple.namespace, bytes.to_vec()));
            });
            assert_eq!(got, [(namespace, expected.to_vec())]);
        }
    }

    #[test]
    fn what_was_claimed_does_not_cost_later_segments_their_place() {
        let mut early = EarlySegments::default();
        // One that waits on, so that the order is never empty.
        early.keep(&record(0, 0), b"first");
        for port in 1..=2_000 {
            early.keep(&record(port, 0), b"x");
            early.claim(&record(port, 1).tuple, &mut |_, _| {});
        }
        assert_eq!(early.order.len(), 1);
        let mut got = 0;
        early.claim(&record(0, 1).tuple, &mut |_, _| got += 1);
        assert_eq!((got, early.order.len()), (1, 0));
    }

    #[test]
    fn what_nobody_claims_is_bounded() {
        let mut early = EarlySegments::default();
        let mut dropped = 0;
        for port in 0..u16::MAX {
            dropped += early.keep(&record(port, 0), b"x");
        }
        assert!(early.waiting.len() <= MAX_CONNECTIONS);
        assert!(early.order.len() <= MAX_CONNECTIONS);
        assert_eq!(dropped, usize::from(u16::MAX) - early.waiting.len());
    }
}
