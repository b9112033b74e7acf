//! The engine: packets in, events out.
//!
//! Feed it with [`Engine::packet`], [`Engine::live`] and [`Engine::secrets`], end with [`Engine::finish`], and take what
//! it found with [`Engine::drain`] as often as you like.

mod config;
mod ending;
mod probe_events;
mod tracked;
mod waiting_for_keys;

use crate::connection::{Opening, Proposal, QuicConnection, Resources, TcpConnection};
use crate::counters::{Counters, Loss};
pub use crate::observation::{ConnectionEnd, Event, Observation};
use crate::observation::{ConnectionId, Scratch};
use crate::time::Timestamp;
use crate::wire::net::{End, Flags, FlowKey, LinkType, Packet, PacketDecoder, Tcp, Transport};
use crate::wire::quic;
use crate::wire::tls::keylog::KeyLog;
pub use config::{EngineConfig, MAX_CONNECTIONS, MAX_HELD_BYTES, MAX_PARKED, Shard, TlsInPackets};
use ending::{is_left_to_probes, visibility};
use hashbrown::HashMap;
use probe_events::LiveConnections;
use std::hash::BuildHasher;
use std::sync::Arc;
use tracked::{ConnectionSlot, EndedConnection, Tracked, TrackedKey};
use waiting_for_keys::WaitingForKeys;

/// Follows connections and tells what it finds.
pub struct Engine {
    config: EngineConfig,
    decoder: PacketDecoder,
    connections: HashMap<TrackedKey, ConnectionSlot, foldhash::quality::FixedState>,
    /// Connections that have ended and whose secrets may still come, in the order of their end.
    waiting_for_keys: WaitingForKeys,
    /// Which of the connections are those of probes.
    live: LiveConnections,
    held: usize,
    /// The number of the packet at hand.
    packet: u64,
    /// How many packets and reports there were: their numbers do not tell which came first.
    turn: u64,
    shared: Shared,
    observations: Vec<Observation>,
}

/// What connections are shared while they are fed.
struct Shared {
    keys: Arc<KeyLog>,
    tls_in_packets: TlsInPackets,
    /// The ports of which everything is handed in, unless everything is of all.
    cleartext: Box<[u16]>,
    counters: Counters,
    /// Events of the packet at hand.
    events: Vec<Event>,
    scratch: Scratch,
}

impl Engine {
    /// An engine that decrypts with `keys`.
    pub fn new(config: EngineConfig, keys: Arc<KeyLog>) -> Self {
        let shared = Shared {
            keys,
            tls_in_packets: TlsInPackets::Whole,
            cleartext: Box::default(),
            counters: Counters::default(),
            events: Vec::new(),
            scratch: Scratch::default(),
        };
        Self {
            config,
            decoder: PacketDecoder::default(),
            connections: HashMap::default(),
            waiting_for_keys: WaitingForKeys::default(),
            live: LiveConnections::default(),
            held: 0,
            packet: 0,
            turn: 0,
            shared,
            observations: Vec::new(),
        }
    }

    /// One captured frame. `number` grows from packet to packet; `wire_len` is its length on the wire.
    pub fn handle_packet(
        &mut self,
        number: u64,
        at: Timestamp,
        link: LinkType,
        bytes: &[u8],
        wire_len: usize,
    ) {
        self.packet = number;
        self.turn += 1;
        if self.config.shard.index == 0 {
            self.shared.counters.packets += 1;
            self.shared.counters.bytes += bytes.len() as u64;
        }
        // The decoder is shared out, since what it decodes is handled by the rest of the engine.
        let mut decoder = std::mem::take(&mut self.decoder);
        let decoded = decoder.decode(link, bytes, wire_len, |packet| self.decoded(at, &packet));
        self.decoder = decoder;
        if let Err(error) = decoded
            && self.config.shard.index == 0
        {
            self.shared.counters.error("net", error.as_str());
        }
    }

    /// More secrets, as key log text.
    pub fn add_secrets(&mut self, text: &[u8]) {
        Arc::make_mut(&mut self.shared.keys).add(text);
        for slot in self.waiting_for_keys.take() {
            if slot.tracked.awaits(&self.shared.keys) {
                self.waiting_for_keys.push(slot);
            } else {
                self.end_now(slot);
            }
        }
    }

    /// Reads what open connections hold for secrets that have come, without waiting for their next packets.
    pub fn resume(&mut self) {
        let keys_may_come = self.keys_may_come();
        let mut waiting: Vec<TrackedKey> = self
            .connections
            .iter()
            .filter(|(_, slot)| slot.held > 0)
            .map(|(key, _)| *key)
            .collect();
        waiting.sort_unstable_by_key(|key| self.connections.get(key).map(|slot| slot.id));
        for key in waiting {
            let Some(slot) = self.connections.get_mut(&key) else { continue };
            let Tracked::Tcp(connection) = &mut slot.tracked else { continue };
            connection.resume(&mut self.shared.resources(keys_may_come));
            let held = connection.held();
            self.held = self.held + held - slot.held;
            slot.held = held;
            let id = slot.id;
            self.observe(id);
        }
    }

    /// Whether more secrets may come: then ciphertext is held for them, within bounds.
    pub fn expect_secrets(&mut self, may_come: bool) {
        self.config.keys_may_come = may_come;
    }

    /// How much was handed in so far.
    pub fn tick_count(&self) -> u64 {
        self.turn
    }

    /// Ends the connections that wait for secrets and ended before this [`turn`](Self::turn) was over: no secret came.
    pub fn end_waiting(&mut self, turn: u64) {
        while self.waiting_for_keys.front().is_some_and(|slot| slot.last_seen <= turn) {
            if let Some(slot) = self.waiting_for_keys.pop() {
                self.end_now(slot);
            }
        }
    }

    /// How much of TLS the packets that follow show. Unless that is everything, HTTP without TLS is whole on the
    /// `cleartext` ports only, and on others not told.
    pub fn set_tls_in_packets(&mut self, shown: TlsInPackets, cleartext: &[u16]) {
        self.shared.tls_in_packets = shown;
        self.shared.cleartext = cleartext.into();
    }

    /// The end of the input: everything that is open ends.
    pub fn finish(&mut self) {
        self.packet = u64::MAX;
        let open = self.connections.drain().map(|(_, slot)| slot);
        let mut open: Vec<ConnectionSlot> = open.chain(self.waiting_for_keys.take()).collect();
        self.live = LiveConnections::default();
        open.sort_unstable_by_key(|slot| slot.id);
        for slot in open {
            self.end_now(slot);
        }
        if self.config.shard.index == 0 {
            self.shared.counters.losses(Loss::Limit, self.decoder.dropped_datagrams());
            self.shared.counters.losses(Loss::Gap, self.decoder.incomplete_datagrams());
        }
    }

    /// What was found since the last time, in order.
    pub fn drain(&mut self) -> Vec<Observation> {
        debug_assert!(self.shared.events.is_empty(), "what a packet told was not filed with it");
        std::mem::take(&mut self.observations)
    }

    /// What could not be read and what was lost so far.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// How many connections are followed.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Bytes held by all of them for order, decryption and decoding.
    pub fn held_bytes(&self) -> usize {
        self.held
    }

    fn decoded(&mut self, at: Timestamp, packet: &Packet<'_>) {
        let protocol = match packet.transport {
            Transport::Tcp(_) => 6,
            Transport::Udp => 17,
        };
        let (key, from) = FlowKey::new(packet.source, packet.destination, protocol);
        if !self.is_own(&key) {
            return;
        }
        match &packet.transport {
            Transport::Tcp(tcp) => self.tcp(key, from, at, tcp, packet),
            Transport::Udp => self.udp(key, from, at, packet.payload),
        }
        self.keep_to_held_bytes();
    }

    /// Waiting for secrets must never cost connections their place.
    fn keys_may_come(&self) -> bool {
        self.config.keys_may_come && self.held < self.config.max_held_bytes / 2
    }

    fn is_own(&self, key: &FlowKey) -> bool {
        let Shard { index, count } = self.config.shard;
        // The high bits: the table uses the low ones and the top seven.
        count <= 1 || (self.connections.hasher().hash_one(key) >> 32) as u32 % count == index
    }

    fn tcp(&mut self, flow: FlowKey, from: End, at: Timestamp, tcp: &Tcp, packet: &Packet<'_>) {
        let key = TrackedKey::Flow(flow);
        let is_syn = tcp.flags.contains(Flags::SYN);
        let begun = match self.connections.get_mut(&key).map(|slot| &mut slot.tracked) {
            None => Opening::Another(None),
            Some(Tracked::Tcp(connection)) => {
                connection.opening(from, at, self.packet, tcp, &mut self.shared.counters)
            }
            Some(Tracked::Ended(EndedConnection::Tcp(ends) | EndedConnection::Left(ends)))
                if ends.is_followed_by(from, tcp) =>
            {
                Opening::Another(None)
            }
            Some(Tracked::Ended(EndedConnection::Tcp(ends))) => {
                let len = packet.payload.len() + packet.missing;
                return ends.segment(from, tcp, len, &mut self.shared.counters);
            }
            Some(Tracked::Ended(EndedConnection::Left(_))) => return,
            Some(_) if is_syn => Opening::Another(None),
            Some(
                Tracked::Quic(_) | Tracked::Live(_) | Tracked::Ended(EndedConnection::Socket(_)),
            ) => {
                return;
            }
        };
        match begun {
            Opening::Same => {}
            Opening::Unproven => return,
            Opening::Another(proposal) => {
                if let Some(slot) = self.connections.remove(&key) {
                    self.end(slot);
                }
                if let Some(Proposal { from, at, packet, tcp }) = proposal {
                    self.open_tcp(packet, flow, from, at, &tcp, &[]);
                    self.segment(&key, from, at, &tcp, &[], 0);
                } else if is_syn || !packet.payload.is_empty() || packet.missing > 0 {
                    self.open_tcp(self.packet, flow, from, at, tcp, packet.payload);
                } else {
                    // What carries no data and does not open anything is the tail of something that is over.
                    return;
                }
            }
        }
        self.segment(&key, from, at, tcp, packet.payload, packet.missing);
    }

    /// A new connection, which the packet with this number has opened.
    fn open_tcp(
        &mut self,
        number: u64,
        flow: FlowKey,
        from: End,
        at: Timestamp,
        tcp: &Tcp,
        payload: &[u8],
    ) {
        let (id, source) = (ConnectionId(number), self.config.source);
        let connection = TcpConnection::new(id, flow, from, at, tcp, payload, source);
        self.follow(TrackedKey::Flow(flow), id, Tracked::Tcp(Box::new(connection)));
    }

    /// A segment of a connection that is followed.
    fn segment(
        &mut self,
        key: &TrackedKey,
        from: End,
        at: Timestamp,
        tcp: &Tcp,
        payload: &[u8],
        missing: usize,
    ) {
        let keys_may_come = self.keys_may_come();
        let Some(slot) = self.connections.get_mut(key) else { return };
        slot.last_seen = self.turn;
        let Tracked::Tcp(connection) = &mut slot.tracked else { return };
        let mut input = self.shared.resources(keys_may_come);
        connection.segment(from, at, tcp, payload, missing, &mut input);
        let held = connection.held();
        self.held = self.held + held - slot.held;
        slot.held = held;
        let id = slot.id;
        let tls_in_packets = self.shared.tls_in_packets;
        if is_left_to_probes(tls_in_packets, &connection.observed) {
            self.shared.events.clear();
        }
        if connection.is_cleartext() && !self.shared.is_whole(&connection.key()) {
            self.held -= std::mem::take(&mut slot.held);
            slot.tracked = Tracked::Ended(EndedConnection::Left(connection.sequence_ends()));
            self.shared.events.clear();
        } else if connection.closing().is_some() {
            let over = Tracked::Ended(EndedConnection::Tcp(connection.sequence_ends()));
            let tracked = std::mem::replace(&mut slot.tracked, over);
            let held = std::mem::take(&mut slot.held);
            self.end(ConnectionSlot { last_seen: self.turn, held, id, tracked });
        } else {
            self.observe(id);
        }
    }

    fn udp(&mut self, flow: FlowKey, from: End, at: Timestamp, payload: &[u8]) {
        let key = TrackedKey::Flow(flow);
        if !self.connections.contains_key(&key) {
            if !quic::looks_like_initial(payload) {
                if let Some(version) = quic::unread_version(payload) {
                    self.shared.counters.error("quic", version);
                }
                return;
            }
            let (id, source) = (ConnectionId(self.packet), self.config.source);
            let connection = QuicConnection::new(id, flow, from, at, source);
            self.follow(key, id, Tracked::Quic(Box::new(connection)));
        }
        let keys_may_come = self.keys_may_come();
        let Some(slot) = self.connections.get_mut(&key) else { return };
        slot.last_seen = self.turn;
        let Tracked::Quic(connection) = &mut slot.tracked else { return };
        let mut input = self.shared.resources(keys_may_come);
        let former = connection.datagram(ConnectionId(self.packet), from, at, payload, &mut input);
        let held = connection.held();
        self.held = self.held + held - slot.held;
        slot.held = held;
        let id = slot.id;
        if let Some(former) = former {
            slot.id = ConnectionId(self.packet);
            self.ended(&former, None, visibility(&former));
        }
        self.observe(id);
    }

    fn follow(&mut self, key: TrackedKey, id: ConnectionId, tracked: Tracked) {
        if self.connections.len() >= self.config.max_connections {
            self.evict(|_| true);
        }
        let slot = ConnectionSlot { last_seen: self.turn, held: 0, id, tracked };
        self.connections.insert(key, slot);
    }
}

impl Shared {
    /// Whether everything is handed in of a flow without TLS.
    fn is_whole(&self, flow: &FlowKey) -> bool {
        let is_cleartext = |end| self.cleartext.contains(&flow.endpoint(end).port());
        self.tls_in_packets == TlsInPackets::Whole || is_cleartext(End::A) || is_cleartext(End::B)
    }

    fn resources(&mut self, keys_may_come: bool) -> Resources<'_> {
        let Self { keys, tls_in_packets, counters, events, scratch, .. } = self;
        let only_handshakes = *tls_in_packets == TlsInPackets::Handshakes;
        Resources { keys, keys_may_come, only_handshakes, counters, events, scratch }
    }
}

#[cfg(test)]
mod tests;
