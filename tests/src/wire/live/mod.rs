//! What probes at one end of a connection would report of it.

mod walk;

use std::sync::Arc;

use wrongdoor_core::engine::{Engine, EngineConfig};
use wrongdoor_core::observation::probe_event::{
    Direction, ProbeEvent, Process, SessionId, Silence, Socket, SocketId,
};
use wrongdoor_core::side::Side;
use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::Endpoint;
use wrongdoor_core::wire::tls::keylog::KeyLog;

use super::segment::SYN;
use super::{Dice, Found, Segment};
pub use walk::{Forwarded, Walker};

/// One report, with what it borrows.
#[derive(Clone, Debug)]
pub enum Report {
    /// A piece of the handshake: which way, from where on, and the bytes.
    Handshake(Socket, Direction, u32, Vec<u8>),
    /// A session of this process, at this end.
    Session(SessionId, Option<Socket>, Option<Side>, bool),
    /// What the library had of the server's EncryptedExtensions.
    Extensions(SessionId, Vec<u8>),
    /// What the library had of the server's certificate: the leaf.
    Certificate(SessionId, Vec<u8>),
    /// Plaintext with its sequence number.
    Plaintext(SessionId, Direction, u32, Forwarded),
    /// Nothing more of a direction.
    Silent(SessionId, Direction, Silence),
    /// The session is gone.
    SessionClosed(SessionId),
    /// The socket is gone.
    SocketClosed(SocketId),
}

/// One end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// The socket.
    pub socket: Socket,
    /// The session.
    pub session: SessionId,
    /// The end that it is.
    pub role: Side,
}

// ===== impl Watched =====

impl Watched {
    /// This end of the connection that `segments` are of. Each `number` is another socket.
    ///
    /// # Panics
    ///
    /// Where they do not begin with the SYN.
    pub fn new(number: u64, role: Side, segments: &[Segment]) -> Self {
        let Some(syn) = segments.iter().find(|segment| segment.has(SYN)) else {
            panic!("no SYN");
        };
        let (client, server) = (Endpoint::from(syn.from), Endpoint::from(syn.to));
        let (local, remote) =
            if role == Side::Client { (client, server) } else { (server, client) };
        let socket = Socket { id: SocketId(number), local, remote };
        Self { socket, session: SessionId(number), role }
    }

    /// Which way `side` sends, seen from here.
    pub fn direction(&self, side: Side) -> Direction {
        if side == self.role { Direction::Sent } else { Direction::Received }
    }

    /// Its session is met.
    pub fn session(&self, role: Option<Side>) -> Report {
        Report::Session(self.session, Some(self.socket), role, false)
    }

    /// The segments as pieces of the handshake.
    pub fn handshake(&self, segments: &[Segment]) -> Vec<Report> {
        let mut starts = [None, None];
        let mut reports = Vec::new();
        for segment in segments {
            let is_client = Endpoint::from(segment.from)
                == if self.role == Side::Client { self.socket.local } else { self.socket.remote };
            let side = if is_client { Side::Client } else { Side::Server };
            let [client, server] = &mut starts;
            let start = if is_client { client } else { server };
            if segment.has(SYN) {
                *start = Some(segment.sequence.wrapping_add(1));
            } else if !segment.payload.is_empty() {
                let offset = segment.sequence.wrapping_sub(start.unwrap_or(segment.sequence));
                let bytes = segment.payload.clone();
                reports.push(Report::Handshake(self.socket, self.direction(side), offset, bytes));
            }
        }
        reports
    }

    /// What was said, in calls of any length.
    pub fn plaintext(
        &self,
        is_http2: bool,
        said: &[(Side, Vec<u8>)],
        dice: &mut Dice,
    ) -> Vec<Report> {
        let mut walker = Walker::new(is_http2);
        let mut sequences = [0, 0];
        let mut reports = Vec::new();
        for (side, bytes) in said {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let longest = *dice.one_of(&[3, 30, 3000, 20_000]);
                let len = 1 + dice.within(0..rest.len().min(longest));
                let (call, behind) = rest.split_at(len);
                rest = behind;
                for piece in walker.call(*side, call) {
                    let [client, server] = &mut sequences;
                    let sequence = if *side == Side::Client { client } else { server };
                    let direction = self.direction(*side);
                    reports.push(Report::Plaintext(self.session, direction, *sequence, piece));
                    *sequence += 1;
                }
            }
        }
        reports
    }
}

/// Two lists as one, each in its order, mixed by chance.
pub fn mixed(mut a: Vec<Report>, mut b: Vec<Report>, dice: &mut Dice) -> Vec<Report> {
    a.reverse();
    b.reverse();
    let mut all = Vec::new();
    while !a.is_empty() || !b.is_empty() {
        let from = if b.is_empty() || !a.is_empty() && dice.once_in(2) { &mut a } else { &mut b };
        all.extend(from.pop());
    }
    all
}

/// What the engine tells of reports.
pub fn observe_reports(reports: &[Report]) -> Found {
    observe_reports_with(EngineConfig::default(), reports)
}

/// The same with other bounds.
pub fn observe_reports_with(config: EngineConfig, reports: &[Report]) -> Found {
    let mut engine = Engine::new(config, Arc::new(KeyLog::default()));
    let process = Arc::new(Process {
        pid: 7,
        command: "by hand".into(),
        container: None,
        pod: None,
        started: None,
    });
    let mut found = Found::default();
    for (number, report) in (1..).zip(reports) {
        let at = Timestamp(i64::try_from(number).unwrap_or(0).saturating_mul(1000));
        engine.handle_probe_event(number, at, report.input(&process));
        found.peak_held = found.peak_held.max(engine.held_bytes());
        found.peak_connections = found.peak_connections.max(engine.connections());
    }
    engine.finish();
    assert_eq!((engine.connections(), engine.held_bytes()), (0, 0), "nothing is left at the end");
    found.hear(&mut engine);
    found
}

// ===== impl Report =====

impl Report {
    /// As the engine takes it.
    pub fn input<'a>(&'a self, process: &'a Arc<Process>) -> ProbeEvent<'a> {
        match self {
            Self::Handshake(socket, direction, offset, bytes) => ProbeEvent::Handshake {
                socket: *socket,
                direction: *direction,
                offset: *offset,
                needs_session: false,
                bytes,
            },
            Self::Session(session, socket, role, is_older) => ProbeEvent::Session {
                session: *session,
                socket: *socket,
                process,
                role: *role,
                is_older: *is_older,
            },
            Self::Plaintext(session, direction, sequence, piece) => ProbeEvent::Plaintext {
                session: *session,
                direction: *direction,
                sequence: *sequence,
                omitted: piece.omitted,
                at_boundary: piece.at_boundary,
                bytes: &piece.bytes,
            },
            Self::Extensions(session, body) => {
                ProbeEvent::EncryptedExtensions { session: *session, body }
            }
            Self::Certificate(session, der) => ProbeEvent::Certificate { session: *session, der },
            Self::Silent(session, direction, why) => {
                ProbeEvent::Silent { session: *session, direction: *direction, why: *why }
            }
            Self::SessionClosed(session) => ProbeEvent::SessionClosed { session: *session },
            Self::SocketClosed(socket) => ProbeEvent::SocketClosed { socket: *socket },
        }
    }
}
