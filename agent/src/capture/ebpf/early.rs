//! Segments that came before their sockets: a listener that waits for data makes the socket only then.

use std::collections::{HashMap, VecDeque};
use wrongdoor_ebpf_common::{Handshake, Tuple};

/// The most connections whose segments wait; beyond it the oldest are dropped.
const MAX_CONNECTIONS: usize = 1_024;
/// The most records that wait of one connection.
const MAX_RECORDS: usize = 8;

/// What a connection is known by until it has a socket: its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ends {
    local: ([u8; 16], u16),
    remote: ([u8; 16], u16),
}

/// Segments that wait.
#[derive(Debug, Default)]
pub(super) struct Early {
    waiting: HashMap<Ends, Vec<(Handshake, Vec<u8>)>>,
    order: VecDeque<Ends>,
}

impl Early {
    /// A segment without a socket. How many were dropped: it or others.
    pub(super) fn keep(&mut self, record: &Handshake, bytes: &[u8]) -> usize {
        let ends = Ends::of(&record.tuple);
        if !self.waiting.contains_key(&ends) {
            self.order.push_back(ends);
        }
        let waiting = self.waiting.entry(ends).or_default();
        let mut dropped = 0;
        if record.offset == 0 {
            // The same again, or another connection of the same ends: the last one gets the socket.
            dropped += waiting.len();
            waiting.clear();
        }
        if waiting.len() < MAX_RECORDS {
            waiting.push((*record, bytes.to_vec()));
        } else {
            dropped += 1;
        }
        while self.order.len() > MAX_CONNECTIONS {
            if let Some(ends) = self.order.pop_front() {
                dropped += self.waiting.remove(&ends).map_or(0, |waiting| waiting.len());
            }
        }
        dropped
    }

    /// A socket: gives what came before it, with the socket in it.
    pub(super) fn claim(&mut self, tuple: &Tuple, give: &mut dyn FnMut(&Handshake, &[u8])) {
        if self.waiting.is_empty() {
            return;
        }
        for (mut record, bytes) in self.waiting.remove(&Ends::of(tuple)).unwrap_or_default() {
            record.tuple = *tuple;
            give(&record, &bytes);
        }
        if self.waiting.is_empty() {
            self.order.clear();
        }
    }
}

impl Ends {
    fn of(tuple: &Tuple) -> Self {
        Self { local: (tuple.local, tuple.local_port), remote: (tuple.remote, tuple.remote_port) }
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
        let mut early = Early::default();
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
    fn what_nobody_claims_is_bounded() {
        let mut early = Early::default();
        let mut dropped = 0;
        for port in 0..u16::MAX {
            dropped += early.keep(&record(port, 0), b"x");
        }
        assert!(early.waiting.len() <= MAX_CONNECTIONS);
        assert!(early.order.len() <= MAX_CONNECTIONS);
        assert_eq!(dropped, usize::from(u16::MAX) - early.waiting.len());
    }
}
