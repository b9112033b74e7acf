//! One UDP flow: who is the client, which keys are in force, and what was learnt.

use super::error::{ErrorCounts, QuicError};
use super::handshake::{QuicDecryption, QuicHandshake};
use super::header::{self, Long, QuicConnectionId, QuicPacket, Retry};
use super::learnt::Learnt;
use super::protection::{InitialKeys, QuicKeys, retry_is_genuine};
use super::space::Space;
use super::version::{PacketType, QuicVersion};
use crate::name::CertificateNames;
use crate::wire::net::End;
use crate::wire::tls::client_hello::ClientHello;
use crate::wire::tls::keylog::KeyLog;
use crate::wire::tls::server_hello::{EncryptedExtensions, ServerHello};

/// The most former starts remembered, so that a late copy of their packets is not taken for a new one.
const MAX_FORMER: usize = 4;
/// How many of the client's 1-RTT packets are awaited before keys and buffers are given up. With the
/// first one the handshake is over for the client; more allow for packets captured out of order.
const MAX_SHORT_BEFORE_DONE: u8 = 8;

/// Follows the QUIC connections of one UDP 4-tuple, the latest one at a time.
///
/// Feed every datagram of the flow to [`handle_datagram`](Self::handle_datagram), then read the getters.
/// When the client starts anew (another version, another destination, port reuse), what was learnt
/// of the connection before is forgotten and [`generation`](Self::generation) grows; a genuine Retry
/// makes it forget too, but goes on with the same connection. Where a client
/// runs several connections over one 4-tuple at a time, only the one begun last is followed.
#[derive(Debug, Default)]
pub struct Connection {
    client: Option<End>,
    start: Option<Start>,
    /// The version that the server went on with, where it is another one.
    switched: Option<QuicVersion>,
    former: Vec<Start>,
    /// Keys and buffers, until the handshake is over.
    attempt: Option<Box<Attempt>>,
    learnt: Learnt,
    /// Kept when the attempt is given up.
    decryption: QuicDecryption,
    generation: u32,
    passed_over: u64,
    errors: ErrorCounts,
}

/// What Initial keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    version: QuicVersion,
    destination: QuicConnectionId,
}

/// A handshake under way.
#[derive(Debug)]
struct Attempt {
    /// The client's own id, which a Retry has to be addressed to.
    source: QuicConnectionId,
    /// The source of a genuine Retry: the client's next start has it as destination.
    retry: Option<QuicConnectionId>,
    keys: InitialKeys,
    /// Another version that the server went on with, and its keys (RFC 9368 §2.3).
    switched: Option<(QuicVersion, InitialKeys)>,
    client: Space,
    server: Space,
    handshake: QuicHandshake,
    server_answered: bool,
    /// 1-RTT packets of the client so far.
    short: u8,
}

impl Connection {
    /// Of a flow of which nothing was seen.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one datagram's payload, sent by `from`.
    ///
    /// Datagrams that offloading joined into one may be passed as one, as long as 1-RTT is the last.
    pub fn handle_datagram(&mut self, from: End, payload: &[u8], keys: &KeyLog) {
        let mut rest = payload;
        let (mut first, mut may_start) = (None, true);
        // Each turn takes a whole header off, or ends.
        while let Some(byte) = rest.first() {
            // Some stacks pad datagrams behind the last packet.
            if *byte == 0 && first.is_some() {
                break;
            }
            let Some((packet, tail)) = header::split(rest) else {
                self.count_if_known(QuicError::MalformedPacket);
                break;
            };
            rest = tail;
            match packet {
                QuicPacket::Long(packet) => {
                    // Packets of one datagram are all of one connection (RFC 9000 §12.2).
                    if *first.get_or_insert(packet.destination) != packet.destination {
                        self.passed_over += 1;
                        continue;
                    }
                    may_start = may_start && packet.can_start(payload.len());
                    self.long(from, &packet, may_start, keys);
                    // Deriving keys is the costly part: one datagram gets one try.
                    may_start = false;
                }
                QuicPacket::Retry(retry) => self.retry(from, &retry),
                QuicPacket::Short => self.short(from),
                QuicPacket::VersionNegotiation => {
                    self.passed_over += u64::from(self.client.is_some())
                }
                QuicPacket::OtherVersion => self.count_if_known(QuicError::UnknownVersion),
            }
        }
        if let (Some(version), Some(attempt)) = (self.version(), &mut self.attempt) {
            let (learnt, errors) = (&mut self.learnt, &mut self.errors);
            attempt.handshake.retry_held(version, learnt, keys, errors);
            self.decryption = attempt.handshake.decryption;
        }
    }

    /// The end that sent a verified client Initial; `None` while this is not known to be QUIC.
    pub fn client(&self) -> Option<End> {
        self.client
    }

    /// The version in use: the one the client began with, or the one the server went on with.
    pub fn version(&self) -> Option<QuicVersion> {
        self.switched.or_else(|| self.start.map(|start| start.version))
    }

    /// The first ClientHello.
    pub fn client_hello(&self) -> Option<&ClientHello> {
        self.learnt.client_hello.as_deref()
    }

    /// The ServerHello that is not a HelloRetryRequest.
    pub fn server_hello(&self) -> Option<&ServerHello> {
        self.learnt.server_hello.as_deref()
    }

    /// EncryptedExtensions, with a key log.
    pub fn encrypted_extensions(&self) -> Option<&EncryptedExtensions> {
        self.learnt.encrypted_extensions.as_ref()
    }

    /// The protocol negotiated. `None` also where [`encrypted_extensions`](Self::encrypted_extensions)
    /// are known and name none.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.encrypted_extensions()?.alpn.as_deref()
    }

    /// The names of the server's certificate, with a key log.
    pub fn certificate_names(&self) -> Option<&CertificateNames> {
        self.learnt.certificate_names.as_ref()
    }

    /// Whether the server's Finished was read, and with it all of its flight.
    pub fn server_finished(&self) -> bool {
        self.learnt.server_finished
    }

    /// How far the server's Handshake packets could be read.
    pub fn decryption(&self) -> QuicDecryption {
        self.decryption
    }

    /// How many connections began on this flow. What the getters say is of the last one.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Packets that were not decoded on purpose: 0-RTT, 1-RTT, the client's Handshake packets, those of
    /// a handshake that is over or was replaced, and Version Negotiation.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// The errors since the last call.
    pub fn take_errors(&mut self) -> ErrorCounts {
        std::mem::take(&mut self.errors)
    }

    /// Bytes buffered, apart from this value and its keys. Nothing once the handshake is over; under
    /// attack about 90 KiB for each of three streams, plus the Handshake packets that wait for keys.
    pub fn buffered(&self) -> usize {
        self.attempt.as_ref().map_or(0, |attempt| attempt.buffered())
    }

    fn long(&mut self, from: End, packet: &Long<'_>, may_start: bool, keys: &KeyLog) {
        let from_client = self.client.is_none_or(|client| client == from);
        match packet.kind {
            PacketType::Initial if from_client => self.client_initial(from, packet, may_start),
            PacketType::Initial => self.server_initial(packet),
            PacketType::Handshake if !from_client => match (self.version(), &mut self.attempt) {
                (Some(version), Some(attempt)) => {
                    let (learnt, errors) = (&mut self.learnt, &mut self.errors);
                    attempt.handshake.packet(packet, version, learnt, keys, errors);
                }
                _ => self.passed_over += 1,
            },
            _ => self.passed_over += u64::from(self.client.is_some()),
        }
    }

    fn client_initial(&mut self, from: End, packet: &Long<'_>, may_start: bool) {
        let mut payload = Vec::new();
        let start = Start { version: packet.version, destination: packet.destination };
        let known = self.start == Some(start) || self.former.contains(&start);
        let current = self.start.map(|start| start.version);
        let opened = self.attempt.as_mut().and_then(|attempt| {
            let (keys, space) = attempt.client_keys(current, packet.version)?;
            space.open(keys, packet, &mut payload)
        });
        let opened = match opened {
            None if may_start && !known => self.try_start(from, packet, start, &mut payload),
            opened => opened,
        };
        match (opened, &mut self.attempt) {
            (Some(true), Some(attempt)) => {
                attempt.client.take(&payload, &mut self.errors, |kind, body, errors| {
                    self.learnt.client_initial(kind, body, errors);
                });
            }
            (Some(_), _) => self.errors.add(QuicError::MalformedPacket),
            // A late copy, of a handshake that is over or that a Retry or a new start replaced.
            (None, None) if self.client.is_some() => self.passed_over += 1,
            (None, _) if self.former.contains(&start) => self.passed_over += 1,
            (None, _) => self.errors.add(QuicError::Undecryptable),
        }
    }

    /// Opens an Initial with the keys of its own destination; then its sender is a client, starting.
    fn try_start(
        &mut self,
        from: End,
        packet: &Long<'_>,
        start: Start,
        payload: &mut Vec<u8>,
    ) -> Option<bool> {
        let keys = InitialKeys::derive(start.version, &start.destination)?;
        let mut client = Space::default();
        let usable = client.open(&keys.client, packet, payload)?;
        let answers_retry = self
            .attempt
            .as_ref()
            .is_some_and(|attempt| attempt.retry == Some(start.destination) && packet.has_token);
        if let Some(former) = self.start.replace(start) {
            self.former.truncate(MAX_FORMER - 1);
            self.former.insert(0, former);
        }
        self.learnt = Learnt::default();
        self.generation = self.generation.saturating_add(u32::from(!answers_retry));
        self.switched = None;
        self.decryption = QuicDecryption::default();
        self.client = Some(from);
        self.attempt = Some(Box::new(Attempt {
            source: packet.source,
            retry: None,
            keys,
            switched: None,
            client,
            server: Space::default(),
            handshake: QuicHandshake::default(),
            server_answered: false,
            short: 0,
        }));
        Some(usable)
    }

    fn server_initial(&mut self, packet: &Long<'_>) {
        let (Some(start), Some(attempt)) = (self.start, &mut self.attempt) else {
            self.passed_over += 1;
            return;
        };
        let mut payload = Vec::new();
        match attempt.open_server(start, packet, &mut payload) {
            Some(true) => {
                attempt.server_answered = true;
                self.switched = attempt.switched.as_ref().map(|(version, _)| *version);
                attempt.server.take(&payload, &mut self.errors, |kind, body, errors| {
                    self.learnt.server_initial(kind, body, errors);
                });
            }
            Some(false) => self.errors.add(QuicError::MalformedPacket),
            None => self.errors.add(QuicError::Undecryptable),
        }
    }

    fn retry(&mut self, from: End, retry: &Retry<'_>) {
        let (Some(start), Some(attempt)) = (self.start, &mut self.attempt) else { return };
        // A client takes at most one, and none after an Initial of the server (RFC 9000 §17.2.5.2).
        let in_place = self.client != Some(from)
            && !attempt.server_answered
            && attempt.retry.is_none()
            && retry.version == start.version
            && retry.destination == attempt.source
            && retry.source != start.destination;
        if in_place && retry_is_genuine(retry, &start.destination) {
            attempt.retry = Some(retry.source);
            // RFC 9000 §17.2.5.3 has the client say the same again, but some make up another hello.
            self.learnt = Learnt::default();
        } else {
            self.passed_over += 1;
        }
    }

    fn short(&mut self, from: End) {
        let Some(client) = self.client else { return };
        self.passed_over += 1;
        let Some(attempt) = self.attempt.as_mut().filter(|_| client == from) else { return };
        attempt.short = attempt.short.saturating_add(1);
        if self.learnt.server_finished || attempt.short >= MAX_SHORT_BEFORE_DONE {
            self.attempt = None;
        }
    }

    fn count_if_known(&mut self, error: QuicError) {
        if self.client.is_some() {
            self.errors.add(error);
        }
    }
}

// === impl Attempt ===

impl Attempt {
    /// The keys of the client's Initials of `version`; another version than the first one is the client's
    /// to use only once the server did.
    fn client_keys(
        &mut self,
        first: Option<QuicVersion>,
        version: QuicVersion,
    ) -> Option<(&QuicKeys, &mut Space)> {
        let switched = self.switched.as_ref().filter(|(switched, _)| *switched == version);
        let keys = match switched {
            Some((_, keys)) => keys,
            None => Some(&self.keys).filter(|_| first == Some(version))?,
        };
        Some((&keys.client, &mut self.client))
    }

    fn open_server(
        &mut self,
        start: Start,
        packet: &Long<'_>,
        payload: &mut Vec<u8>,
    ) -> Option<bool> {
        if packet.version == start.version {
            return self.server.open(&self.keys.server, packet, payload);
        }
        if let Some((_, keys)) = &self.switched {
            return self.server.open(&keys.server, packet, payload);
        }
        let keys = InitialKeys::derive(packet.version, &start.destination)?;
        let opened = self.server.open(&keys.server, packet, payload)?;
        self.switched = Some((packet.version, keys));
        Some(opened)
    }

    fn buffered(&self) -> usize {
        self.client.held() + self.server.held() + self.handshake.held()
    }
}
