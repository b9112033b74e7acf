//! The engine: packets in, events out.
//!
//! Feed it with [`Engine::packet`], [`Engine::live`] and [`Engine::secrets`], end with [`Engine::finish`], and take what
//! it found with [`Engine::drain`] as often as you like.

mod live;
mod parked;

use crate::connection::{
    ConnectionId, Decryption, Input, LiveConnection, Observed, QuicConnection, Scratch, Source,
    TcpConnection, TransportKind,
};
use crate::counters::{Counters, Loss};
pub use crate::event::{ConnectionEnd, Event, Observation};
use crate::live::{SocketId, Visibility};
use crate::net::{Decoder, End, Flags, FlowKey, LinkType, Packet, Tcp, Transport};
use crate::quic;
use crate::time::Timestamp;
use crate::tls::keylog::KeyLog;
use hashbrown::HashMap;
use live::Live;
use parked::Parked;
use std::hash::BuildHasher;
use std::sync::Arc;

/// The most connections that are followed at a time; at the limit the longest idle are dropped and counted.
pub const MAX_CONNECTIONS: usize = 100_000;
/// The most bytes that all connections together hold for order, decryption and decoding.
pub const MAX_HELD_BYTES: usize = 64 * 1024 * 1024;
/// The most connections that have ended and wait for secrets that may still come.
pub const MAX_PARKED: usize = 4096;
/// The share of connections that is dropped at a limit, so that finding them costs little for each.
const EVICTED_SHARE: usize = 16;

/// Which flows an engine is for, where several share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// This engine's number.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

/// How much of TLS the packets that are handed in show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsInPackets {
    /// All of it.
    #[default]
    Whole,
    /// The handshakes: what is missing behind them was left out on purpose, and is no loss.
    Handshakes,
    /// It is told by probes, so that a connection that turns out to be TLS is not told from packets.
    ToldByProbes,
}

/// How an engine works.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Which flows are its own.
    pub shard: Shard,
    /// More secrets may arrive while packets do.
    pub keys_may_come: bool,
    /// At most this many connections; [`MAX_CONNECTIONS`] by default.
    pub max_connections: usize,
    /// At most this many bytes held; [`MAX_HELD_BYTES`] by default.
    pub max_held_bytes: usize,
    /// Where its packets come from: a file, by default.
    pub source: Source,
}

/// Follows connections and tells what it finds.
pub struct Engine {
    config: Config,
    decoder: Decoder,
    connections: HashMap<Key, Slot, foldhash::quality::FixedState>,
    /// Connections that have ended and whose secrets may still come, in the order of their end.
    parked: Parked,
    /// Which of the connections are those of probes.
    live: Live,
    held: usize,
    /// The number of the packet at hand.
    packet: u64,
    /// How many packets and reports there were: their numbers do not tell which came first.
    turn: u64,
    lent: Lent,
    observations: Vec<Observation>,
}

/// What connections are lent while they are fed.
struct Lent {
    keys: Arc<KeyLog>,
    tls_in_packets: TlsInPackets,
    /// The ports of which everything is handed in, unless everything is of all.
    cleartext: Box<[u16]>,
    counters: Counters,
    /// Events of the packet at hand.
    events: Vec<Event>,
    scratch: Scratch,
}

struct Slot {
    last_seen: u64,
    held: usize,
    id: ConnectionId,
    follower: Follower,
}

/// What a connection is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// Packets.
    Flow(FlowKey),
    /// Reports of probes, by way of a socket or a session.
    Live(ConnectionId),
}

/// What follows a connection.
enum Follower {
    Tcp(Box<TcpConnection>),
    Quic(Box<QuicConnection>),
    Live(Box<LiveConnection>),
    /// It has ended: what is still in flight belongs to it and begins nothing new.
    Ended(Option<SocketId>),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            shard: Shard { index: 0, count: 1 },
            keys_may_come: false,
            max_connections: MAX_CONNECTIONS,
            max_held_bytes: MAX_HELD_BYTES,
            source: Source::File,
        }
    }
}

impl Config {
    /// The defaults, for one of several engines that share the bounds.
    pub fn for_shard(shard: Shard) -> Self {
        let share = usize::try_from(shard.count).unwrap_or(1).max(1);
        Self {
            shard,
            max_connections: MAX_CONNECTIONS / share,
            max_held_bytes: MAX_HELD_BYTES / share,
            ..Self::default()
        }
    }
}

impl Engine {
    /// An engine that decrypts with `keys`.
    pub fn new(config: Config, keys: Arc<KeyLog>) -> Self {
        let lent = Lent {
            keys,
            tls_in_packets: TlsInPackets::Whole,
            cleartext: Box::default(),
            counters: Counters::default(),
            events: Vec::new(),
            scratch: Scratch::default(),
        };
        Self {
            config,
            decoder: Decoder::default(),
            connections: HashMap::default(),
            parked: Parked::default(),
            live: Live::default(),
            held: 0,
            packet: 0,
            turn: 0,
            lent,
            observations: Vec::new(),
        }
    }

    /// One captured frame. `number` grows from packet to packet; `wire_len` is its length on the wire.
    pub fn packet(
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
            self.lent.counters.packets += 1;
            self.lent.counters.bytes += bytes.len() as u64;
        }
        // The decoder is lent out, since what it decodes is handled by the rest of the engine.
        let mut decoder = std::mem::take(&mut self.decoder);
        let decoded = decoder.decode(link, bytes, wire_len, |packet| self.decoded(at, &packet));
        self.decoder = decoder;
        if let Err(error) = decoded
            && self.config.shard.index == 0
        {
            self.lent.counters.error("net", error.as_str());
        }
    }

    /// More secrets, as key log text.
    pub fn secrets(&mut self, text: &[u8]) {
        Arc::make_mut(&mut self.lent.keys).add(text);
        for slot in self.parked.take() {
            if slot.follower.awaits(&self.lent.keys) {
                self.parked.push(slot);
            } else {
                self.end_now(slot);
            }
        }
    }

    /// Reads what open connections hold for secrets that have come, without waiting for their next packets.
    pub fn resume(&mut self) {
        let keys_may_come = self.keys_may_come();
        let mut waiting: Vec<Key> = self
            .connections
            .iter()
            .filter(|(_, slot)| slot.held > 0)
            .map(|(key, _)| *key)
            .collect();
        waiting.sort_unstable_by_key(|key| self.connections.get(key).map(|slot| slot.id));
        for key in waiting {
            let Some(slot) = self.connections.get_mut(&key) else { continue };
            let Follower::Tcp(connection) = &mut slot.follower else { continue };
            connection.resume(&mut self.lent.input(keys_may_come));
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
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// Ends the connections that wait for secrets and ended before this [`turn`](Self::turn) was over: no secret came.
    pub fn end_waiting(&mut self, turn: u64) {
        while self.parked.front().is_some_and(|slot| slot.last_seen <= turn) {
            if let Some(slot) = self.parked.pop() {
                self.end_now(slot);
            }
        }
    }

    /// How much of TLS the packets that follow show. Unless that is everything, HTTP without TLS is whole on the
    /// `cleartext` ports only, and on others not told.
    pub fn set_tls_in_packets(&mut self, shown: TlsInPackets, cleartext: &[u16]) {
        self.lent.tls_in_packets = shown;
        self.lent.cleartext = cleartext.into();
    }

    /// The end of the input: everything that is open ends.
    pub fn finish(&mut self) {
        self.packet = u64::MAX;
        let open = self.connections.drain().map(|(_, slot)| slot);
        let mut open: Vec<Slot> = open.chain(self.parked.take()).collect();
        self.live = Live::default();
        open.sort_unstable_by_key(|slot| slot.id);
        for slot in open {
            self.end_now(slot);
        }
        if self.config.shard.index == 0 {
            let dropped = self.decoder.dropped_datagrams();
            if dropped > 0 {
                *self.lent.counters.lost.entry(Loss::Limit).or_default() += dropped;
            }
        }
    }

    /// What was found since the last time, in order.
    pub fn drain(&mut self) -> Vec<Observation> {
        std::mem::take(&mut self.observations)
    }

    /// What could not be read and what was lost so far.
    pub fn counters(&self) -> &Counters {
        &self.lent.counters
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

    fn keep_to_held_bytes(&mut self) {
        while self.held > self.config.max_held_bytes {
            if let Some(slot) = self.parked.pop() {
                self.lent.counters.lose(Loss::Evicted);
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
        let key = Key::Flow(flow);
        let is_syn = tcp.flags.contains(Flags::SYN);
        let begins_anew = self.connections.get(&key).is_some_and(|slot| match &slot.follower {
            Follower::Tcp(connection) => connection.is_reopened_by(from, tcp),
            Follower::Quic(_) | Follower::Live(_) | Follower::Ended(_) => is_syn,
        });
        if begins_anew && let Some(slot) = self.connections.remove(&key) {
            self.end(slot);
        }
        if !self.connections.contains_key(&key) {
            // What carries no data and does not open anything is the tail of something that is over.
            if !is_syn && packet.payload.is_empty() && packet.missing == 0 {
                return;
            }
            let id = ConnectionId(self.packet);
            let source = self.config.source;
            let connection = TcpConnection::new(id, flow, from, at, tcp, packet.payload, source);
            self.follow(key, Follower::Tcp(Box::new(connection)));
        }
        let keys_may_come = self.keys_may_come();
        let Some(slot) = self.connections.get_mut(&key) else { return };
        slot.last_seen = self.turn;
        let Follower::Tcp(connection) = &mut slot.follower else { return };
        let mut input = self.lent.input(keys_may_come);
        connection.segment(from, at, tcp, packet.payload, packet.missing, &mut input);
        let held = connection.held();
        self.held = self.held + held - slot.held;
        slot.held = held;
        let id = slot.id;
        if connection.is_cleartext() && !self.lent.is_whole(&flow) {
            self.held -= std::mem::take(&mut slot.held);
            slot.follower = Follower::Ended(None);
            self.lent.events.clear();
        } else if connection.closing().is_some() {
            let follower = std::mem::replace(&mut slot.follower, Follower::Ended(None));
            let held = std::mem::take(&mut slot.held);
            self.end(Slot { last_seen: self.turn, held, id, follower });
        } else {
            self.observe(id);
        }
    }

    fn udp(&mut self, flow: FlowKey, from: End, at: Timestamp, payload: &[u8]) {
        let key = Key::Flow(flow);
        if !self.connections.contains_key(&key) {
            if !quic::looks_like_initial(payload) {
                return;
            }
            let (id, source) = (ConnectionId(self.packet), self.config.source);
            let connection = QuicConnection::new(id, flow, from, at, source);
            self.follow(key, Follower::Quic(Box::new(connection)));
        }
        let keys_may_come = self.keys_may_come();
        let Some(slot) = self.connections.get_mut(&key) else { return };
        slot.last_seen = self.turn;
        let Follower::Quic(connection) = &mut slot.follower else { return };
        let mut input = self.lent.input(keys_may_come);
        let former = connection.datagram(ConnectionId(self.packet), from, at, payload, &mut input);
        let held = connection.held();
        self.held = self.held + held - slot.held;
        slot.held = held;
        if let Some(former) = former {
            let id = std::mem::replace(&mut slot.id, ConnectionId(self.packet));
            self.ended(&former, None, visibility(&former));
            self.observe(id);
        }
    }

    fn follow(&mut self, key: Key, follower: Follower) {
        if self.connections.len() >= self.config.max_connections {
            self.evict(|_| true);
        }
        let slot = Slot { last_seen: self.turn, held: 0, id: ConnectionId(self.packet), follower };
        self.connections.insert(key, slot);
    }

    /// Drops those connections among the eligible that were idle longest; false where there are none.
    fn evict(&mut self, is_eligible: impl Fn(&Slot) -> bool) -> bool {
        let eligible = self.connections.iter().filter(|(_, slot)| is_eligible(slot));
        let mut idle: Vec<(u64, Key)> =
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
                if !slot.follower.is_nothing() {
                    self.lent.counters.lose(Loss::Evicted);
                }
                self.end(slot);
            }
        }
        true
    }

    /// Takes a connection out, with all that leads to it.
    fn take(&mut self, key: &Key) -> Option<Slot> {
        let slot = self.connections.remove(key)?;
        self.live.forget(&slot);
        Some(slot)
    }

    /// Ends a connection, now or once its secrets have come.
    fn end(&mut self, slot: Slot) {
        // Those of the same endpoints are told in the order of their opening.
        let behind = slot.follower.flow().is_some_and(|flow| self.parked.has(&flow));
        let waits = self.keys_may_come() && slot.follower.awaits(&self.lent.keys);
        if (waits || behind) && self.parked.len() < MAX_PARKED {
            self.parked.push(slot);
        } else {
            self.end_now(slot);
        }
    }

    /// Ends a connection and tells it.
    fn end_now(&mut self, slot: Slot) {
        self.held -= slot.held;
        match slot.follower {
            Follower::Tcp(mut connection) => {
                let mut input = self.lent.input(false);
                connection.finish(&mut input);
                let observed = &connection.observed;
                if !self.is_left_to_probes(observed) {
                    self.ended(observed, connection.closing(), visibility(observed));
                }
            }
            Follower::Quic(connection) => {
                self.ended(&connection.observed, None, visibility(&connection.observed));
            }
            Follower::Live(mut connection) => {
                connection.finish(&mut self.lent.input(false));
                let (closed, visibility) = (connection.closed(), connection.visibility());
                self.ended(&connection.observed, closed, visibility);
            }
            Follower::Ended(_) => {}
        }
        self.observe(slot.id);
    }

    /// Whether it is TLS from its beginning, and told by probes. In a tunnel it is told from packets too: the
    /// request for the tunnel was in the clear.
    fn is_left_to_probes(&self, observed: &Observed) -> bool {
        self.lent.tls_in_packets == TlsInPackets::ToldByProbes
            && observed.facts.tls.is_some()
            && observed.exchanges == 0
    }

    /// Tells a connection, if it was TLS or HTTP.
    fn ended(&mut self, observed: &Observed, closed: Option<Timestamp>, visibility: Visibility) {
        if observed.is_ours {
            self.lent.events.push(Event::Connection(ConnectionEnd {
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
    fn observe(&mut self, connection: ConnectionId) {
        let packet = self.packet;
        self.observations.extend(self.lent.events.drain(..).map(|event| Observation {
            packet,
            connection,
            event,
        }));
    }
}

impl Follower {
    /// The flow of a TCP connection.
    fn flow(&self) -> Option<FlowKey> {
        match self {
            Self::Tcp(connection) => Some(connection.key()),
            Self::Quic(_) | Self::Live(_) | Self::Ended(_) => None,
        }
    }

    /// Whether nothing is lost with it.
    fn is_nothing(&self) -> bool {
        match self {
            Self::Ended(_) => true,
            Self::Live(connection) => connection.is_nothing(),
            Self::Tcp(_) | Self::Quic(_) => false,
        }
    }

    /// Whether it holds records whose secrets are not among these.
    fn awaits(&self, keys: &KeyLog) -> bool {
        matches!(self, Self::Tcp(connection) if connection.awaits(keys))
    }
}

/// How much packets showed of a connection.
fn visibility(observed: &Observed) -> Visibility {
    let facts = &observed.facts;
    let is_read = facts.transport == TransportKind::Tcp && facts.decryption != Decryption::None;
    if is_read || observed.exchanges > 0 {
        Visibility::Plaintext
    } else {
        Visibility::HandshakeOnly
    }
}

impl Lent {
    /// Whether everything is handed in of a flow without TLS.
    fn is_whole(&self, flow: &FlowKey) -> bool {
        let is_cleartext = |end| self.cleartext.contains(&flow.endpoint(end).port());
        self.tls_in_packets == TlsInPackets::Whole || is_cleartext(End::A) || is_cleartext(End::B)
    }

    fn input(&mut self, keys_may_come: bool) -> Input<'_> {
        let Self { keys, tls_in_packets, counters, events, scratch, .. } = self;
        let only_handshakes = *tls_in_packets == TlsInPackets::Handshakes;
        Input { keys, keys_may_come, only_handshakes, counters, events, scratch }
    }
}

#[cfg(test)]
mod tests;
