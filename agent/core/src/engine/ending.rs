//! How connections end: by themselves, or to make room for others.

use super::config::MAX_PARKED;
use super::tracked::{ConnectionSlot, Tracked, TrackedKey};
use super::{Engine, TlsInPackets};
use crate::counters::Loss;
use crate::observation::probe_event::Visibility;
use crate::observation::{
    ConnectionEnd, ConnectionId, Decryption, Event, Observation, Observed, TransportKind,
};
use crate::time::Timestamp;
use std::sync::Arc;

/// The share of connections that is dropped at a limit, so that finding them costs little for each.
const EVICTED_SHARE: usize = 16;

impl Engine {
    pub(super) fn keep_to_held_bytes(&mut self) {
        while self.held > self.config.max_held_bytes {
            if let Some(slot) = self.waiting_for_keys.pop() {
                self.shared.counters.lose(Loss::Evicted);
                self.end_now(slot);
                continue;
            }
            // Only from those that hold their share or more, so that what holds little stays.
            let share = (self.held / self.connections.len().max(1)).max(1);
            if !self.evict(|slot| slot.held >= share) {
                break;
            }
        }
    }

    /// Drops those connections among the eligible that were idle longest; false where there are none.
    pub(super) fn evict(&mut self, is_eligible: impl Fn(&ConnectionSlot) -> bool) -> bool {
        let eligible = self.connections.iter().filter(|(_, slot)| is_eligible(slot));
        let mut idle: Vec<(u64, TrackedKey)> =
            eligible.map(|(key, slot)| (slot.last_seen, *key)).collect();
        let share = (idle.len() / EVICTED_SHARE).max(1).min(idle.len());
        if share == 0 {
            return false;
        }
        idle.select_nth_unstable_by_key(share - 1, |(last_seen, _)| *last_seen);
        idle.truncate(share);
        idle.sort_unstable_by_key(|(last_seen, _)| *last_seen);
        for (_, key) in idle {
            if let Some(slot) = self.take(&key) {
                if !slot.tracked.is_nothing() {
                    self.shared.counters.lose(Loss::Evicted);
                }
                self.end(slot);
            }
        }
        true
    }

    /// Takes a connection out, with all that leads to it.
    pub(super) fn take(&mut self, key: &TrackedKey) -> Option<ConnectionSlot> {
        let slot = self.connections.remove(key)?;
        self.live.forget(&slot);
        Some(slot)
    }

    /// Ends a connection, now or once its secrets have come.
    pub(super) fn end(&mut self, slot: ConnectionSlot) {
        // Those of the same endpoints are told in the order of their opening.
        let behind = slot.tracked.flow().is_some_and(|flow| self.waiting_for_keys.has(&flow));
        let waits = self.keys_may_come() && slot.tracked.awaits(&self.shared.keys);
        if (waits || behind) && self.waiting_for_keys.len() < MAX_PARKED {
            // What its last packet told does not wait with it.
            self.observe(slot.id);
            self.waiting_for_keys.push(slot);
        } else {
            self.end_now(slot);
        }
    }

    /// Ends a connection and tells it.
    pub(super) fn end_now(&mut self, slot: ConnectionSlot) {
        self.held -= slot.held;
        match slot.tracked {
            Tracked::Tcp(mut connection) => {
                let mut input = self.shared.resources(false);
                connection.finish(&mut input);
                let observed = &connection.observed;
                if is_left_to_probes(self.shared.tls_in_packets, observed) {
                    self.shared.events.clear();
                } else {
                    self.ended(observed, connection.closing(), visibility(observed));
                }
            }
            Tracked::Quic(connection) => {
                self.ended(&connection.observed, None, visibility(&connection.observed));
            }
            Tracked::Live(mut connection) => {
                connection.finish(&mut self.shared.resources(false));
                if !connection.is_nothing() {
                    let (closed, visibility) = (connection.closed(), connection.visibility());
                    self.ended(&connection.observed, closed, visibility);
                }
            }
            Tracked::Ended(_) => {}
        }
        self.observe(slot.id);
    }

    /// Tells a connection, if it was TLS or HTTP.
    pub(super) fn ended(
        &mut self,
        observed: &Observed,
        closed: Option<Timestamp>,
        visibility: Visibility,
    ) {
        if observed.is_ours {
            self.shared.events.push(Event::Connection(ConnectionEnd {
                facts: Arc::clone(&observed.facts),
                closed,
                authorities: observed.authorities(),
                exchanges: observed.exchanges,
                misdirected: observed.misdirected,
                gaps: observed.gaps,
                visibility,
            }));
        }
    }

    /// Files the events of the packet at hand.
    pub(super) fn observe(&mut self, connection: ConnectionId) {
        let packet = self.packet;
        self.observations.extend(self.shared.events.drain(..).map(|event| Observation {
            packet,
            connection,
            event,
        }));
    }
}

/// Whether it is TLS from its beginning, and told by probes. In a tunnel it is told from packets too: the
/// request for the tunnel was in the clear.
pub(super) fn is_left_to_probes(tls_in_packets: TlsInPackets, observed: &Observed) -> bool {
    tls_in_packets == TlsInPackets::ToldByProbes
        && observed.facts.tls.is_some()
        && observed.exchanges == 0
}

/// How much packets showed of a connection.
pub(super) fn visibility(observed: &Observed) -> Visibility {
    let facts = &observed.facts;
    let is_read = facts.transport == TransportKind::Tcp && facts.decryption != Decryption::None;
    if observed.exchanges == 0 && is_read && observed.is_foreign {
        Visibility::NotHttp
    } else if is_read || observed.exchanges > 0 {
        Visibility::Plaintext
    } else {
        Visibility::HandshakeOnly
    }
}
