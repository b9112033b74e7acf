//! From the ring's records to the engine's reports.
//!
//! The kernel names a TLS object by process, address and time; the engine by a number of its own.

use super::clock::BootClock;
use super::early::EarlySegments;
use super::early_messages::EarlyMessages;
use super::older::OlderConnections;
use super::owners::ObjectOwners;
use super::records::RingRecord;
use crate::capture::scope::ProcessScope;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};
use wrongdoor_core::bounded_map::BoundedMap;
use wrongdoor_core::engine::Engine;
use wrongdoor_core::observation::probe_event::{
    Direction, Owner, ProbeEvent, SessionId, Silence, Socket, SocketId,
};
use wrongdoor_core::side::Side;
use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::Endpoint;
use wrongdoor_ebpf_common as kernel;

/// The most sessions that are known at a time; beyond it the oldest are forgotten.
const MAX_SESSIONS: usize = 131_072;
/// What a library had read before its socket was closed is still told so long after.
const GRACE_PERIOD: Duration = Duration::from_secs(10);

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Address {
    pid: u32,
    object: u64,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    epoch: u64,
    id: SessionId,
}

/// What became of the records so far. All counts only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SessionCounts {
    /// What they held: a record may have several pieces of plaintext.
    pub(super) news: u64,
    /// Of it, what is of sessions that are not known: the records that named them were lost.
    pub(super) unknown: u64,
    /// What is no record, and segments that waited for a socket in vain, and too long.
    pub(super) dropped: u64,
    /// What had been said before.
    pub(super) repeated: u64,
    /// Messages of handshakes that waited for their objects, and had to give way.
    pub(super) messages_dropped: u64,
}

/// What a record was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// One of the ledger.
    Record,
    /// A message of a handshake: it is in the ledger once its object is named.
    Message,
    /// This process runs another program, since then by the kernel side's clock.
    Exec { pid: u32, at: u64 },
}

/// The sessions that the kernel side has named.
pub(super) struct Sessions {
    known: BoundedMap<Address, Known>,
    by_socket: HashMap<u64, (Address, u64)>,
    /// Sessions whose sockets are closed.
    closing: VecDeque<(Instant, Address, u64)>,
    early: EarlySegments,
    early_messages: EarlyMessages,
    older: OlderConnections,
    scope: ProcessScope,
    last_id: u64,
    /// Records so far.
    number: u64,
    counts: SessionCounts,
}

impl Sessions {
    /// Of processes that are chosen; of others there are handshakes all the same.
    pub(super) fn new(scope: ProcessScope) -> Self {
        Self {
            known: BoundedMap::new(MAX_SESSIONS),
            by_socket: HashMap::new(),
            closing: VecDeque::new(),
            early: EarlySegments::default(),
            early_messages: EarlyMessages::default(),
            older: OlderConnections::default(),
            scope,
            last_id: 0,
            number: 0,
            counts: SessionCounts::default(),
        }
    }

    /// What became of the records so far.
    pub(super) fn counts(&self) -> SessionCounts {
        self.counts
    }

    /// How many connections are open that are older than the agent, by program.
    pub(super) fn older(&self) -> Vec<(Box<str>, u64)> {
        self.older.counts().iter().map(|(command, count)| (command.clone(), *count)).collect()
    }

    /// One record of the ring.
    pub(super) fn record(
        &mut self,
        bytes: &[u8],
        clock: &BootClock,
        owners: &mut ObjectOwners,
        engine: &mut Engine,
    ) -> Taken {
        let Some(record) = RingRecord::read(bytes) else {
            self.counts.news += 1;
            self.counts.dropped += 1;
            return Taken::Record;
        };
        match record {
            RingRecord::Exec(record) => {
                return Taken::Exec { pid: record.pid, at: record.head.at };
            }
            RingRecord::Message(record, bytes) => {
                self.message(&record, bytes, clock, engine);
                return Taken::Message;
            }
            _ => {}
        }
        self.number += 1;
        let number = self.number;
        // A record of plaintext says itself how much it holds.
        self.counts.news += u64::from(!matches!(record, RingRecord::Plaintext(..)));
        match record {
            RingRecord::Handshake(record, bytes) => {
                if record.tuple.cookie == 0 {
                    let dropped = self.early.keep(&record, bytes);
                    self.counts.dropped += u64::try_from(dropped).unwrap_or(u64::MAX);
                } else {
                    let namespace = record.tuple.namespace.into();
                    // The packets of a handshake do not say whose it is.
                    let needs_session = self.scope.chooses_namespace(namespace) != Some(true);
                    let mut hand_on = |record: &kernel::Handshake, bytes: &[u8]| {
                        let input = ProbeEvent::Handshake {
                            socket: socket(&record.tuple),
                            direction: direction(record.head.direction),
                            offset: record.offset,
                            needs_session,
                            bytes,
                        };
                        engine.handle_probe_event(number, clock.time(record.head.at), input);
                    };
                    self.early.claim(&record.tuple, &mut hand_on);
                    hand_on(&record, bytes);
                }
            }
            RingRecord::Object(record) => self.object(&record, clock, owners, engine),
            RingRecord::Plaintext(record, pieces) => {
                let session = self.find(record.pid, record.object, record.epoch);
                let at = clock.time(record.head.at);
                for (sequence, (piece, bytes)) in (0..).zip(pieces) {
                    self.counts.news += 1;
                    let Some(session) = session else {
                        self.counts.unknown += 1;
                        continue;
                    };
                    let input = ProbeEvent::Plaintext {
                        session,
                        direction: direction(record.head.direction),
                        sequence: record.sequence.wrapping_add(sequence),
                        omitted: piece.omitted,
                        at_boundary: piece.at_boundary != 0,
                        bytes,
                    };
                    engine.handle_probe_event(number, at, input);
                }
            }
            RingRecord::Silence(record) => {
                if let Some(session) = self.find(record.pid, record.object, record.epoch) {
                    let direction = direction(record.head.direction);
                    let input =
                        ProbeEvent::Silent { session, direction, why: why(record.head.detail) };
                    engine.handle_probe_event(number, clock.time(record.head.at), input);
                } else {
                    self.counts.unknown += 1;
                }
            }
            RingRecord::ObjectClosed(record) => {
                if let Some(session) = self.find(record.pid, record.object, record.epoch) {
                    if record.lost > 0 {
                        let at = clock.time(record.head.at);
                        self.lost(Some(Owner::Session(session)), at, engine);
                    }
                    let address = Address { pid: record.pid, object: record.object };
                    self.forget(address, record.epoch);
                    let input = ProbeEvent::SessionClosed { session };
                    engine.handle_probe_event(number, clock.time(record.head.at), input);
                } else {
                    self.counts.unknown += 1;
                }
            }
            RingRecord::SocketClosed(record) => {
                if record.lost > 0 {
                    let owner = Owner::Socket(SocketId(record.epoch));
                    self.lost(Some(owner), clock.time(record.head.at), engine);
                }
                if let Some((address, epoch)) = self.by_socket.remove(&record.epoch) {
                    self.closing.push_back((Instant::now(), address, epoch));
                }
                let input = ProbeEvent::SocketClosed { socket: SocketId(record.epoch) };
                engine.handle_probe_event(number, clock.time(record.head.at), input);
            }
            RingRecord::Exec(_) | RingRecord::Message(..) => {}
        }
        Taken::Record
    }

    /// A message of a handshake: for its session, or to wait until that is named.
    fn message(
        &mut self,
        record: &kernel::Message,
        bytes: &[u8],
        clock: &BootClock,
        engine: &mut Engine,
    ) {
        let Some(session) = self.find(record.pid, record.object, record.epoch) else {
            let dropped = self.early_messages.keep(record, bytes);
            self.counts.messages_dropped += u64::try_from(dropped).unwrap_or(u64::MAX);
            return;
        };
        self.number += 1;
        self.counts.news += 1;
        let input = match record.head.detail {
            kernel::message::CERTIFICATE => ProbeEvent::Certificate { session, der: bytes },
            _ => ProbeEvent::EncryptedExtensions { session, body: bytes },
        };
        engine.handle_probe_event(self.number, clock.time(record.head.at), input);
    }

    /// Records of an owner found the ring full, and no record says so.
    pub(super) fn lost_unseen(
        &mut self,
        owner: &kernel::Owner,
        lost: &kernel::Lost,
        clock: &BootClock,
        engine: &mut Engine,
    ) {
        let owner = match owner.cookie() {
            Some(cookie) => Some(Owner::Socket(SocketId(cookie))),
            None => self.find(owner.pid, owner.object, owner.epoch).map(Owner::Session),
        };
        // Of an object that was never named, the record that names it was lost with its socket; or it has ended.
        if owner.is_some() || lost.is_unnamed != 0 {
            self.number += 1;
            self.lost(owner, clock.time(lost.at), engine);
        }
    }

    fn lost(&mut self, owner: Option<Owner>, at: Timestamp, engine: &mut Engine) {
        // No record of its own brought it.
        self.counts.news += 1;
        engine.handle_probe_event(self.number, at, ProbeEvent::Lost { owner });
    }

    /// Forgets sessions whose sockets are long closed.
    pub(super) fn turn(&mut self) {
        while let Some((closed, address, epoch)) = self.closing.front().copied()
            && closed.elapsed() >= GRACE_PERIOD
        {
            self.closing.pop_front();
            self.forget(address, epoch);
        }
        self.older.turn();
    }

    fn object(
        &mut self,
        record: &kernel::Object,
        clock: &BootClock,
        owners: &mut ObjectOwners,
        engine: &mut Engine,
    ) {
        let address = Address { pid: record.pid, object: record.object };
        if self.find(record.pid, record.object, record.epoch).is_some() {
            // A read and a write at the same time were both its first.
            self.counts.repeated += 1;
            return;
        }
        self.last_id += 1;
        let id = SessionId(self.last_id);
        let flags = kernel::Flags(record.head.flags);
        let process = owners.process(record.pid, &record.command);
        let at = clock.time(record.head.at);
        let known = Known { epoch: record.epoch, id };
        let replaced = self.known.insert(address, known);
        if let Some((_, evicted)) = replaced.evicted {
            self.older.end(evicted.id);
        }
        if let Some(former) = replaced.former {
            // The record of its end was lost: this one says both.
            self.counts.news += 1;
            self.older.end(former.id);
            let input = ProbeEvent::SessionClosed { session: former.id };
            engine.handle_probe_event(self.number, at, input);
        }
        let is_older = flags.contains(kernel::Flags::OLDER);
        if is_older {
            self.older.begin(id, &process);
        }
        let has_socket = record.tuple.cookie != 0;
        if has_socket {
            self.by_socket.insert(record.tuple.cookie, (address, record.epoch));
        }
        let role = if flags.contains(kernel::Flags::CLIENT) {
            Some(Side::Client)
        } else {
            flags.contains(kernel::Flags::SERVER).then_some(Side::Server)
        };
        let socket = has_socket.then(|| socket(&record.tuple));
        let input = ProbeEvent::Session { session: id, socket, process: &process, role, is_older };
        engine.handle_probe_event(self.number, at, input);
        for (message, bytes) in self.early_messages.claim((record.pid, record.object), record.epoch)
        {
            self.message(&message, &bytes, clock, engine);
        }
    }

    fn find(&self, pid: u32, object: u64, epoch: u64) -> Option<SessionId> {
        let address = Address { pid, object };
        self.known.get(&address).filter(|known| known.epoch == epoch).map(|known| known.id)
    }

    fn forget(&mut self, address: Address, epoch: u64) {
        if let Some(session) = self.find(address.pid, address.object, epoch) {
            self.known.remove(&address);
            self.older.end(session);
        }
    }
}

fn why(detail: u8) -> Silence {
    match detail {
        kernel::Silence::FOREIGN => Silence::Foreign,
        kernel::Silence::TUNNEL => Silence::Tunnel,
        _ => Silence::LostPlace,
    }
}

fn direction(number: u8) -> Direction {
    if number == kernel::Direction::Sent as u8 { Direction::Sent } else { Direction::Received }
}

fn socket(tuple: &kernel::Tuple) -> Socket {
    let endpoint = |address: [u8; 16], port| {
        if tuple.family == kernel::AF_INET6 {
            return Endpoint::v6(address, port);
        }
        let [a, b, c, d, ..] = address;
        Endpoint::v4([a, b, c, d], port)
    };
    Socket {
        id: SocketId(tuple.cookie),
        local: endpoint(tuple.local, tuple.local_port),
        remote: endpoint(tuple.remote, tuple.remote_port),
    }
}

#[cfg(test)]
mod tests;
