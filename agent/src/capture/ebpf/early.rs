//! Segments that came before their sockets: a listener that waits for data makes the socket only then.

use wrongdoor_core::bounded_map::BoundedMap;
use wrongdoor_ebpf_common::{Handshake, Tuple};

/// The most connections whose segments wait; beyond it the oldest are dropped.
const MAX_CONNECTIONS: usize = 1_024;
/// The most records that wait of one connection.
const MAX_RECORDS: usize = 8;

/// The key of a connection until it has a socket: its ends. Containers may use the same addresses and ports at the same
/// time, each in its network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct EarlyEnds {
    namespace: u32,
    local: ([u8; 16], u16),
    remote: ([u8; 16], u16),
}

/// Segments that wait, by the connection that they are of.
#[derive(Debug)]
pub(super) struct EarlySegments(BoundedMap<EarlyEnds, Vec<(Handshake, Vec<u8>)>>);

impl Default for EarlySegments {
    fn default() -> Self {
        Self(BoundedMap::new(MAX_CONNECTIONS))
    }
}

impl EarlySegments {
    /// Keeps a segment without a socket. Returns how many segments were dropped: this one or others.
    pub(super) fn keep(&mut self, record: &Handshake, bytes: &[u8]) -> usize {
        let ends = EarlyEnds::of(&record.tuple);
        // The same again, or another connection of the same ends: the last one gets the socket.
        let replaced = if record.offset == 0 { self.take(&ends).len() } else { 0 };
        let segment = (*record, bytes.to_vec());
        match self.0.get_mut(&ends) {
            Some(records) if records.len() >= MAX_RECORDS => replaced + 1,
            Some(records) => {
                records.push(segment);
                replaced
            }
            None => {
                let evicted = self.0.insert(ends, vec![segment]).evicted;
                replaced + evicted.map_or(0, |(_, records)| records.len())
            }
        }
    }

    /// Gives a socket the segments that came before it, with the socket in them.
    pub(super) fn claim(&mut self, tuple: &Tuple, give: &mut dyn FnMut(&Handshake, &[u8])) {
        if self.0.is_empty() {
            return;
        }
        for (mut record, bytes) in self.take(&EarlyEnds::of(tuple)) {
            record.tuple = *tuple;
            give(&record, &bytes);
        }
    }

    fn take(&mut self, ends: &EarlyEnds) -> Vec<(Handshake, Vec<u8>)> {
        self.0.remove(ends).unwrap_or_default()
    }
}

impl EarlyEnds {
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
        // One that waits on, and is the oldest.
        early.keep(&record(0, 0), b"first");
        for port in 1..=2_000 {
            early.keep(&record(port, 0), b"x");
            early.claim(&record(port, 1).tuple, &mut |_, _| {});
        }
        assert_eq!(early.0.len(), 1);
        let mut got = 0;
        early.claim(&record(0, 1).tuple, &mut |_, _| got += 1);
        assert_eq!((got, early.0.len()), (1, 0));
    }

    #[test]
    fn segments_that_are_never_claimed_are_bounded() {
        let mut early = EarlySegments::default();
        let mut dropped = 0;
        for port in 0..u16::MAX {
            dropped += early.keep(&record(port, 0), b"x");
        }
        assert!(early.0.len() <= MAX_CONNECTIONS);
        assert_eq!(dropped, usize::from(u16::MAX) - early.0.len());
    }
}
