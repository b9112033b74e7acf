//! A connection as probes see it: the handshake of a socket, and the plaintext of a TLS library's session.
//!
//! Either may come first, and either may be all there is. What the session carries is decoded as the
//! inside of the TLS that the socket's handshake was for.

mod handshake;

use super::tcp::Resources;
use crate::counters::Loss;
use crate::layer::{Content, Gap, MAX_NESTING, Position, Standing, opener};
use crate::observation::probe_event::{
    Direction, Observer, Process, SessionId, Silence, Socket, Visibility,
};
use crate::observation::{
    ConnectionId, Decryption, Ends, Facts, Observed, ServerCertificate, Source, TransportKind,
};
use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::tls::certificate;
use crate::wire::tls::server_hello::EncryptedExtensions;
pub(crate) use handshake::HelloSegment;
use handshake::ProbeHandshake;
use std::borrow::Cow;
use std::sync::Arc;

/// The most bytes that are held of a session until it is known which end of the connection it is.
const MAX_WAITING: usize = 64 * 1024;
/// How many bytes of a direction are looked at for that.
const MAX_LOOKED_AT: usize = 4096;

const PROTOCOL: &str = "live";

/// One connection.
pub(crate) struct TlsObject {
    socket: Option<Socket>,
    session: Option<SessionId>,
    /// The session was there before the probes.
    is_older: bool,
    role: Option<Side>,
    handshake: ProbeHandshake,
    flows: PerDirection<Flow>,
    content: Content,
    /// What the session told before the role was known.
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    /// The server's plaintext was seen: only behind a complete handshake does it send any.
    server_has_spoken: bool,
    closed: Option<Timestamp>,
    pub(crate) observed: Observed,
}

/// One direction of the session.
#[derive(Default)]
struct Flow {
    /// The sequence number that comes next.
    next: u32,
    /// The place was lost, and is not found again before the next boundary.
    is_lost: bool,
    /// Nothing more of it is told.
    is_over: bool,
}

/// Plaintext, as in [`ProbeEvent::Plaintext`](crate::observation::probe_event::ProbeEvent::Plaintext).
pub(crate) struct PlaintextPiece<'a> {
    pub(crate) at: Timestamp,
    pub(crate) direction: Direction,
    pub(crate) sequence: u32,
    pub(crate) omitted: u64,
    pub(crate) at_boundary: bool,
    pub(crate) bytes: Cow<'a, [u8]>,
}

enum Waiting {
    Piece(PlaintextPiece<'static>),
    Silent(Direction, Silence),
}

/// One `T` for each direction.
#[derive(Default)]
struct PerDirection<T> {
    received: T,
    sent: T,
}

impl TlsObject {
    /// A connection of which nothing was read yet.
    pub(crate) fn new(id: ConnectionId, at: Timestamp, socket: Option<Socket>) -> Self {
        // Until something better is known, the client is the end with the higher port.
        let ends = socket.map(|Socket { local, remote, .. }| {
            if local.port() > remote.port() {
                Ends { client: local, server: remote }
            } else {
                Ends { client: remote, server: local }
            }
        });
        let facts = Facts {
            id,
            ends,
            client_declared: None,
            transport: TransportKind::Tcp,
            tls: None,
            decryption: Decryption::None,
            opened: None,
            first_seen: at,
            origins: None,
            observer: Observer::default(),
            source: Source::Ebpf,
        };
        Self {
            socket,
            session: None,
            is_older: false,
            role: None,
            handshake: ProbeHandshake::awaited(),
            flows: PerDirection::default(),
            // A tunnel through the session is not told to its end, so no layer is looked for in it.
            content: Content::undecided(Position { nesting: MAX_NESTING, requests_before: 0 }),
            waiting: Vec::new(),
            waiting_bytes: 0,
            server_has_spoken: false,
            closed: None,
            observed: Observed::new(facts),
        }
    }

    /// A connection whose handshake was not seen and will not be.
    pub(crate) fn without_handshake(
        id: ConnectionId,
        at: Timestamp,
        socket: Option<Socket>,
    ) -> Self {
        Self { handshake: ProbeHandshake::default(), ..Self::new(id, at, socket) }
    }

    pub(crate) fn socket(&self) -> Option<Socket> {
        self.socket
    }

    pub(crate) fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// Whether a session that says it is this end of a connection can be this one's.
    pub(crate) fn can_be(&self, role: Option<Side>) -> bool {
        role.is_none() || self.role.is_none() || role == self.role
    }

    /// Whether it is left out of all reports: the socket does not carry TLS, or its process may be out of scope.
    pub(crate) fn is_nothing(&self) -> bool {
        let has_no_tls = self.handshake.is_over() && !self.observed.is_ours;
        self.session.is_none() && (has_no_tls || !self.observed.is_wanted())
    }

    /// A piece of the handshake.
    pub(crate) fn segment(&mut self, segment: &HelloSegment<'_>, resources: &mut Resources<'_>) {
        self.observed.needs_process = segment.needs_session;
        self.handshake.segment(segment, self.role, &mut self.observed, resources);
        self.complete(resources);
        if let Some(role) = self.handshake.role() {
            self.learn_role(role, resources);
        }
    }

    /// The session whose records go through the socket.
    pub(crate) fn begin_session(
        &mut self,
        session: SessionId,
        process: &Arc<Process>,
        role: Option<Side>,
        is_older: bool,
        resources: &mut Resources<'_>,
    ) {
        self.session = Some(session);
        self.is_older = is_older;
        let mut cx = self.observed.context(resources);
        cx.observed.is_ours = true;
        // It is TLS, whether or not its handshake was seen.
        cx.tls();
        cx.facts().observer.process = Some(Arc::clone(process));
        cx.hello();
        if let Some(role) = role {
            self.learn_role(role, resources);
        }
    }

    /// Plaintext of the session.
    pub(crate) fn plaintext(&mut self, piece: PlaintextPiece<'_>, resources: &mut Resources<'_>) {
        if self.is_older {
            return;
        }
        if self.observed.facts.decryption != Decryption::Library {
            self.observed.context(resources).facts().decryption = Decryption::Library;
        }
        if self.role.is_some() {
            return self.read(&piece, resources);
        }
        self.waiting_bytes += size_of::<Waiting>() + piece.bytes.len();
        let bytes = Cow::Owned(piece.bytes.into_owned());
        self.waiting.push(Waiting::Piece(PlaintextPiece { bytes, ..piece }));
        self.role_from_content(resources);
    }

    /// The kernel's side can make nothing more of a direction.
    pub(crate) fn silent(
        &mut self,
        direction: Direction,
        why: Silence,
        resources: &mut Resources<'_>,
    ) {
        if self.is_older {
            return;
        }
        let Some(role) = self.role else {
            self.waiting_bytes += size_of::<Waiting>();
            self.waiting.push(Waiting::Silent(direction, why));
            return self.role_from_content(resources);
        };
        let mut cx = self.observed.context(resources);
        let flow = self.flows.get_mut(direction);
        if std::mem::replace(&mut flow.is_over, true) {
            return;
        }
        match why {
            Silence::Foreign => {
                self.content.finish(&mut cx);
                cx.observed.is_foreign = true;
                self.content = Content::Foreign;
            }
            Silence::LostPlace => {
                cx.gap();
                self.content.silence(direction.side(role), &mut cx);
            }
            Silence::Tunnel => {}
        }
    }

    /// What the server's EncryptedExtensions say.
    pub(crate) fn extensions(&mut self, body: &[u8], resources: &mut Resources<'_>) {
        let mut cx = self.observed.context(resources);
        match EncryptedExtensions::parse(body) {
            Some(found) => {
                let tls = cx.tls();
                if tls.alpn.is_none() {
                    tls.alpn = found.alpn.map(|alpn| String::from_utf8_lossy(&alpn).into());
                }
            }
            None => cx.counters.error(PROTOCOL, "encrypted_extensions"),
        }
    }

    /// The server's certificate. One that was seen on the wire is the same.
    pub(crate) fn certificate(&mut self, der: &[u8], resources: &mut Resources<'_>) {
        let mut cx = self.observed.context(resources);
        match certificate::names(der) {
            Some(names) => {
                cx.tls().certificate.get_or_insert_with(|| ServerCertificate::seen(names));
            }
            None => cx.counters.error(PROTOCOL, "certificate"),
        }
        self.complete(resources);
    }

    /// Reports of it are lost, which no other report may show.
    pub(crate) fn lost(&mut self, resources: &mut Resources<'_>) {
        if !self.is_older && self.observed.gaps == 0 {
            self.observed.context(resources).gap();
        }
    }

    /// The connection is closed; what the library still holds may be read behind it.
    pub(crate) fn close(&mut self, at: Timestamp) {
        self.closed.get_or_insert(at);
    }

    pub(crate) fn closed(&self) -> Option<Timestamp> {
        self.closed
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, resources: &mut Resources<'_>) {
        self.handshake.finish(self.role, &mut self.observed, resources);
        self.complete(resources);
        if !self.waiting.is_empty() {
            self.give_up_waiting(resources);
        }
        self.content.finish(&mut self.observed.context(resources));
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.handshake.held() + self.content.held() + self.waiting_bytes
    }

    /// How much of it was seen.
    pub(crate) fn visibility(&self) -> Visibility {
        let is_read = self.content.is_http() || self.observed.exchanges > 0;
        match self.session {
            Some(_) if self.is_older => Visibility::OlderThanAgent,
            Some(_) if self.socket.is_none() => Visibility::Unresolved,
            Some(_) if is_read => Visibility::Plaintext,
            Some(_) if self.observed.is_foreign => Visibility::NotHttp,
            _ => Visibility::HandshakeOnly,
        }
    }

    fn learn_role(&mut self, role: Side, resources: &mut Resources<'_>) {
        if self.role.is_some() {
            return;
        }
        self.role = Some(role);
        let facts = Arc::make_mut(&mut self.observed.facts);
        facts.observer.role = Some(role);
        if let Some(Socket { local, remote, .. }) = self.socket {
            let (client, server) =
                if role == Side::Client { (local, remote) } else { (remote, local) };
            facts.ends = Some(Ends { client, server });
        }
        self.observed.context(resources).hello();
        self.waiting_bytes = 0;
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Piece(piece) => self.read(&piece, resources),
                Waiting::Silent(direction, why) => self.silent(direction, why, resources),
            }
        }
    }

    /// What a session begins with says which end it is, if nothing else does.
    fn role_from_content(&mut self, resources: &mut Resources<'_>) {
        let is_first = |piece: &PlaintextPiece<'_>| piece.sequence == 0 && piece.omitted == 0;
        for direction in [Direction::Received, Direction::Sent] {
            let mut pieces = self.waiting.iter().filter_map(|waiting| match waiting {
                Waiting::Piece(piece) if piece.direction == direction => Some(piece),
                _ => None,
            });
            let Some(first) = pieces.next().filter(|first| is_first(first)) else { continue };
            let bytes = pieces.take_while(|piece| piece.omitted == 0).fold(
                first.bytes.to_vec(),
                |mut bytes, piece| {
                    if bytes.len() < MAX_LOOKED_AT {
                        bytes.extend_from_slice(&piece.bytes);
                    }
                    bytes
                },
            );
            if let Some(sender) = opener(&bytes) {
                let this = if direction == Direction::Sent { sender } else { sender.other() };
                return self.learn_role(this, resources);
            }
        }
        if self.waiting_bytes > MAX_WAITING {
            resources.counters.lose(Loss::Limit);
            self.give_up_waiting(resources);
        }
    }

    fn give_up_waiting(&mut self, resources: &mut Resources<'_>) {
        resources.counters.error(PROTOCOL, "role_unknown");
        self.waiting = Vec::new();
        self.waiting_bytes = 0;
        self.content = Content::Foreign;
        (self.flows.received.is_over, self.flows.sent.is_over) = (true, true);
    }

    fn read(&mut self, piece: &PlaintextPiece<'_>, resources: &mut Resources<'_>) {
        let Some(role) = self.role else { return };
        let side = piece.direction.side(role);
        let flow = self.flows.get_mut(piece.direction);
        if flow.is_over {
            return;
        }
        let mut cx = self.observed.context(resources);
        let lost = piece.sequence.wrapping_sub(flow.next);
        if lost > u32::MAX / 2 {
            return cx.counters.error(PROTOCOL, "out_of_place");
        }
        flow.next = piece.sequence.wrapping_add(1);
        let mut is_gap = lost > 0;
        if !is_gap && !flow.is_lost {
            let fits = piece.omitted == 0 || self.content.omit(side, piece.omitted, &mut cx);
            if !fits || !agrees(&self.content, side, piece.at_boundary) {
                cx.counters.error(PROTOCOL, "contradicted");
                is_gap = true;
            }
        }
        if is_gap {
            cx.gap();
            self.content.gap(side, Gap::Unknown, &mut cx);
            flow.is_lost = true;
        }
        if flow.is_lost && !piece.at_boundary {
            return;
        }
        flow.is_lost = false;
        match self.content.standing(side) {
            Standing::Stopped => return,
            Standing::Lost if !piece.at_boundary => return,
            Standing::Lost => self.content.resume(side),
            Standing::Open | Standing::Boundary | Standing::Within => {}
        }
        if !piece.bytes.is_empty() {
            self.content.feed(side, piece.at, &piece.bytes, &mut cx);
        }
        if self.content.has_preface() {
            // Over TLS, HTTP/2 is spoken by agreement only (RFC 9113 §3.2).
            let is_known = cx.observed.facts.tls.as_ref().is_some_and(|tls| tls.alpn.is_some());
            if !is_known {
                cx.tls().alpn = Some("h2".into());
            }
        }
        self.server_has_spoken |= side == Side::Server;
        self.complete(resources);
    }

    /// Either may be told first: the certificate, or that the handshake was completed.
    fn complete(&mut self, resources: &mut Resources<'_>) {
        if self.server_has_spoken {
            self.observed.context(resources).handshake_completed();
        }
    }
}

/// Whether the kernel's side and the decoder see the same place. HTTP/1 may have empty lines in front of
/// a message.
fn agrees(content: &Content, side: Side, at_boundary: bool) -> bool {
    match content.standing(side) {
        Standing::Boundary => at_boundary || !content.is_http2(),
        Standing::Within => !at_boundary,
        Standing::Open | Standing::Lost | Standing::Stopped => true,
    }
}

impl<T> PerDirection<T> {
    fn get_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Received => &mut self.received,
            Direction::Sent => &mut self.sent,
        }
    }
}
