//! The other way in: reports of probes, each to its connection.

use super::{ConnectionSlot, EndedConnection, Engine, Tracked, TrackedKey};
use crate::connection::{HelloSegment, PlaintextPiece, Resources, TlsObject};
use crate::counters::Loss;
use crate::observation::ConnectionId;

use crate::observation::probe_event::{Owner, ProbeEvent, SessionId, Socket, SocketId};
use crate::time::Timestamp;
use hashbrown::HashMap;
use std::borrow::Cow;
use std::collections::VecDeque;

/// How long a session is waited for to end once its socket is closed, in nanoseconds: what the library
/// holds may be read long after, but not for ever.
const AFTER_CLOSE: i64 = 10_000_000_000;

const PROTOCOL: &str = "live";

/// What leads to the connections of probes. Each has at most one of each, so that the bound on
/// connections bounds these too.
#[derive(Default)]
pub(super) struct LiveConnections {
    sockets: HashMap<SocketId, ConnectionId, foldhash::fast::RandomState>,
    sessions: HashMap<SessionId, ConnectionId, foldhash::fast::RandomState>,
    /// Connections whose socket is closed, and when they end at the latest.
    closing: VecDeque<(Timestamp, ConnectionId)>,
}

impl Engine {
    /// One report of the probes. `number` grows from report to report, and together with that of
    /// [`packet`](Self::packet)s.
    pub fn handle_probe_event(&mut self, number: u64, at: Timestamp, report: ProbeEvent<'_>) {
        self.packet = number;
        self.turn += 1;
        self.shared.counters.reports += 1;
        self.end_overdue(at);
        match report {
            ProbeEvent::Handshake { socket, direction, offset, needs_session, bytes } => {
                let segment = HelloSegment { at, direction, offset, needs_session, bytes };
                let id = self.of_socket(at, socket);
                self.feed(id, |connection, input| connection.segment(&segment, input));
            }
            ProbeEvent::Session { session, socket, process, role, is_older } => {
                if self.live.sessions.contains_key(&session) {
                    self.shared.counters.error(PROTOCOL, "repeated_session");
                    return;
                }
                let id = self.for_session(at, socket, role);
                self.live.sessions.insert(session, id);
                self.feed(id, |connection, input| {
                    connection.begin_session(session, process, role, is_older, input);
                });
            }
            ProbeEvent::EncryptedExtensions { session, body } => {
                if let Some(id) = self.of_session(session) {
                    self.feed(id, |connection, input| connection.extensions(body, input));
                }
            }
            ProbeEvent::Certificate { session, der } => {
                if let Some(id) = self.of_session(session) {
                    self.feed(id, |connection, input| connection.certificate(der, input));
                }
            }
            ProbeEvent::Plaintext { session, direction, sequence, omitted, at_boundary, bytes } => {
                let bytes = Cow::Borrowed(bytes);
                let piece = PlaintextPiece { at, direction, sequence, omitted, at_boundary, bytes };
                if let Some(id) = self.of_session(session) {
                    self.feed(id, |connection, input| connection.plaintext(piece, input));
                }
            }
            ProbeEvent::Silent { session, direction, why } => {
                if let Some(id) = self.of_session(session) {
                    self.feed(id, |connection, input| connection.silent(direction, why, input));
                }
            }
            ProbeEvent::Lost { owner } => self.lost(owner),
            ProbeEvent::SessionClosed { session } => {
                if let Some(id) = self.of_session(session) {
                    self.close(id, at);
                }
            }
            ProbeEvent::SocketClosed { socket } => self.socket_closed(at, socket),
        }
        self.keep_to_held_bytes();
    }

    /// The connection of a socket, new if need be.
    fn of_socket(&mut self, at: Timestamp, socket: Socket) -> ConnectionId {
        match self.live.sockets.get(&socket.id) {
            Some(id) => *id,
            None => self.open(TlsObject::new(ConnectionId(self.packet), at, Some(socket))),
        }
    }

    /// The connection of a session. Without one it was never told, or its connection was dropped.
    fn of_session(&mut self, session: SessionId) -> Option<ConnectionId> {
        let id = self.live.sessions.get(&session).copied();
        if id.is_none() {
            self.shared.counters.error(PROTOCOL, "unknown_session");
        }
        id
    }

    /// The connection that a new session is of: its socket's, unless that is, or was, another one's.
    fn for_session(
        &mut self,
        at: Timestamp,
        socket: Option<Socket>,
        role: Option<crate::side::Side>,
    ) -> ConnectionId {
        let new = ConnectionId(self.packet);
        let Some(socket) = socket else {
            return self.open(TlsObject::without_handshake(new, at, None));
        };
        let id = self.of_socket(at, socket);
        let key = TrackedKey::Live(id);
        let is_free = match self.connections.get(&key).map(|slot| &slot.tracked) {
            Some(Tracked::Live(connection)) if connection.session().is_some() => false,
            Some(Tracked::Live(connection)) if connection.can_be(role) => true,
            Some(Tracked::Live(_)) => {
                // The other end of a connection cannot be at this socket: it is not known where it is.
                self.shared.counters.error(PROTOCOL, "contradicted");
                return self.open(TlsObject::without_handshake(new, at, None));
            }
            _ => false,
        };
        if is_free {
            return id;
        }
        self.shared.counters.error(PROTOCOL, "second_session");
        if let Some(slot) = self.take(&key) {
            self.end(slot);
        }
        // The handshake that was seen was for the one before.
        self.open(TlsObject::without_handshake(new, at, Some(socket)))
    }

    /// Reports of a connection are lost. A connection without any report has no line that shows the loss.
    fn lost(&mut self, owner: Option<Owner>) {
        let id = owner.and_then(|owner| match owner {
            Owner::Socket(socket) => self.live.sockets.get(&socket),
            Owner::Session(session) => self.live.sessions.get(&session),
        });
        match id.copied() {
            Some(id) => self.feed(id, TlsObject::lost),
            None => {
                self.shared.counters.lose(Loss::Gap);
                self.shared.counters.error(PROTOCOL, "unseen_connection");
            }
        }
    }

    fn socket_closed(&mut self, at: Timestamp, socket: SocketId) {
        let Some(id) = self.live.sockets.get(&socket).copied() else { return };
        match self.connections.get_mut(&TrackedKey::Live(id)).map(|slot| &mut slot.tracked) {
            Some(Tracked::Live(connection)) if connection.session().is_some() => {
                // What was received may be read yet.
                if connection.closed().is_none() {
                    connection.close(at);
                    self.live.closing.push_back((Timestamp(at.0.saturating_add(AFTER_CLOSE)), id));
                }
            }
            Some(Tracked::Live(_)) => {
                self.close(id, at);
                self.take(&TrackedKey::Live(id));
            }
            _ => drop(self.take(&TrackedKey::Live(id))),
        }
        if self.live.closing.len() > self.config.max_connections {
            self.end_closing();
        }
    }

    /// Ends a connection. As long as its socket is open, what still comes of it begins nothing new.
    fn close(&mut self, id: ConnectionId, at: Timestamp) {
        let Some(mut slot) = self.take(&TrackedKey::Live(id)) else { return };
        let Tracked::Live(connection) = &mut slot.tracked else { return };
        let is_open = connection.closed().is_none();
        connection.close(at);
        if let Some(socket) = connection.socket().filter(|_| is_open) {
            self.live.sockets.insert(socket.id, id);
            let tracked = Tracked::Ended(EndedConnection::Socket(socket.id));
            let last_seen = self.turn;
            self.connections
                .insert(TrackedKey::Live(id), ConnectionSlot { last_seen, held: 0, id, tracked });
        }
        self.end(slot);
    }

    /// Ends those whose socket was closed long enough ago.
    fn end_overdue(&mut self, at: Timestamp) {
        while self.live.closing.front().is_some_and(|(end, _)| *end <= at) {
            self.end_closing();
        }
    }

    /// Ends the connection whose socket was closed first, if it has not ended.
    fn end_closing(&mut self) {
        let Some((_, id)) = self.live.closing.pop_front() else { return };
        if let Some(slot) = self.take(&TrackedKey::Live(id)) {
            self.end(slot);
        }
    }

    fn open(&mut self, connection: TlsObject) -> ConnectionId {
        let (id, socket) = (ConnectionId(self.packet), connection.socket());
        self.follow(TrackedKey::Live(id), id, Tracked::Live(Box::new(connection)));
        if let Some(socket) = socket {
            self.live.sockets.insert(socket.id, id);
        }
        id
    }

    fn feed(&mut self, id: ConnectionId, work: impl FnOnce(&mut TlsObject, &mut Resources<'_>)) {
        let Some(slot) = self.connections.get_mut(&TrackedKey::Live(id)) else { return };
        slot.last_seen = self.turn;
        let Tracked::Live(connection) = &mut slot.tracked else { return };
        work(connection, &mut self.shared.resources(false));
        let held = connection.held();
        self.held = self.held + held - slot.held;
        slot.held = held;
        self.observe(id);
    }
}

impl LiveConnections {
    /// Nothing leads to this connection any more.
    pub(super) fn forget(&mut self, slot: &ConnectionSlot) {
        let (socket, session) = match &slot.tracked {
            Tracked::Live(connection) => {
                (connection.socket().map(|socket| socket.id), connection.session())
            }
            Tracked::Ended(EndedConnection::Socket(socket)) => (Some(*socket), None),
            Tracked::Ended(EndedConnection::Tcp(_) | EndedConnection::Left(_))
            | Tracked::Tcp(_)
            | Tracked::Quic(_) => {
                return;
            }
        };
        // A socket may lead to the connection that came after.
        if let Some(socket) = socket
            && self.sockets.get(&socket) == Some(&slot.id)
        {
            self.sockets.remove(&socket);
        }
        if let Some(session) = session {
            self.sessions.remove(&session);
        }
    }

    /// Whether nothing is left.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.sockets.is_empty() && self.sessions.is_empty() && self.closing.is_empty()
    }
}
