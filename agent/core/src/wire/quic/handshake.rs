//! The server's Handshake packets: held until their keys are known, then opened.

use super::error::{ErrorCounts, QuicError};
use super::header::{self, Long, QuicPacket};
use super::learnt::Learnt;
use super::protection::QuicKeys;
use super::space::Space;
use super::version::QuicVersion;
use crate::wire::tls::keylog::{KeyLog, Label};
use crate::wire::tls::suite::Suite;

/// The most Handshake packets held until their keys are known: a server's first flight, about three
/// times what it may send before the client's address is proven (RFC 9000 §8.1).
pub(super) const MAX_HELD_PACKETS: usize = 8;
/// The most bytes held in such packets, so that datagrams joined by offloading do not multiply it.
pub(super) const MAX_HELD_BYTES: usize = 16 * 1024;

/// How far the server's Handshake packets can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuicDecryption {
    /// No Handshake packet of the server was seen yet.
    #[default]
    NotSeen,
    /// The key log has no secret for this client random, or a hello is missing that tells which to take.
    NoSecret,
    /// The key log's secret does not open the packets.
    WrongSecret,
    /// The negotiated suite is not one of QUIC's.
    UnknownSuite,
    /// Packets were opened.
    Opened,
}

/// State of the server's Handshake packet number space.
#[derive(Debug, Default)]
pub(super) struct QuicHandshake {
    keys: Option<(QuicVersion, QuicKeys)>,
    space: Space,
    held: Vec<Box<[u8]>>,
    pub(super) decryption: QuicDecryption,
}

/// Why there are no keys.
enum NoKeys {
    Yet,
    Ever(QuicDecryption),
}

impl QuicHandshake {
    /// One Handshake packet of the server.
    pub(super) fn packet(
        &mut self,
        packet: &Long<'_>,
        negotiated: QuicVersion,
        learnt: &mut Learnt,
        keys: &KeyLog,
        errors: &mut ErrorCounts,
    ) {
        match self.ensure_keys(negotiated, learnt, keys) {
            Ok(()) => self.open(packet, learnt, errors),
            Err(NoKeys::Yet) => {
                self.decryption = QuicDecryption::NoSecret;
                // Without any key log there is nothing to wait for.
                if !keys.is_empty() {
                    self.hold(packet.bytes, errors);
                }
            }
            Err(NoKeys::Ever(why)) => self.decryption = why,
        }
    }

    /// Tries again what was held; opens it once there are keys.
    pub(super) fn retry_held(
        &mut self,
        negotiated: QuicVersion,
        learnt: &mut Learnt,
        keys: &KeyLog,
        errors: &mut ErrorCounts,
    ) {
        if self.held.is_empty() {
            return;
        }
        match self.ensure_keys(negotiated, learnt, keys) {
            Ok(()) => {
                for bytes in std::mem::take(&mut self.held) {
                    if let Some((QuicPacket::Long(packet), _)) = header::split(&bytes) {
                        self.open(&packet, learnt, errors);
                    }
                }
            }
            Err(NoKeys::Yet) => {}
            Err(NoKeys::Ever(why)) => {
                self.decryption = why;
                self.held = Vec::new();
            }
        }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.held.iter().map(|bytes| bytes.len()).sum::<usize>() + self.space.held()
    }

    fn open(&mut self, packet: &Long<'_>, learnt: &mut Learnt, errors: &mut ErrorCounts) {
        let keys = self.keys.as_ref().filter(|(version, _)| *version == packet.version);
        let Some((_, keys)) = keys else { return errors.add(QuicError::Undecryptable) };
        let mut payload = Vec::new();
        match self.space.open(keys, packet, &mut payload) {
            Some(true) => {
                self.decryption = QuicDecryption::Opened;
                self.space.take(&payload, errors, |kind, body, errors| {
                    learnt.server_handshake(kind, body, errors);
                });
            }
            Some(false) => errors.add(QuicError::MalformedPacket),
            None => {
                errors.add(QuicError::Undecryptable);
                if self.decryption != QuicDecryption::Opened {
                    self.decryption = QuicDecryption::WrongSecret;
                }
            }
        }
    }

    fn hold(&mut self, packet: &[u8], errors: &mut ErrorCounts) {
        let bytes: usize = self.held.iter().map(|held| held.len()).sum();
        if self.held.len() < MAX_HELD_PACKETS && bytes + packet.len() <= MAX_HELD_BYTES {
            self.held.push(packet.into());
        } else {
            errors.add(QuicError::HandshakeDropped);
        }
    }

    /// Derives keys for the version of the packet that the ServerHello was in, whatever version this
    /// packet claims: anybody can write a header.
    fn ensure_keys(
        &mut self,
        negotiated: QuicVersion,
        learnt: &Learnt,
        keys: &KeyLog,
    ) -> Result<(), NoKeys> {
        if self.keys.is_some() {
            return Ok(());
        }
        let (Some(client), Some(server)) = (&learnt.client_hello, &learnt.server_hello) else {
            return Err(NoKeys::Yet);
        };
        let secrets = keys.secrets(&client.random).ok_or(NoKeys::Yet)?;
        let secret = secrets.get(Label::ServerHandshake).ok_or(NoKeys::Yet)?;
        let suite = Suite::from_id(server.cipher_suite)
            .filter(|_| matches!(server.cipher_suite, 0x1301..=0x1304))
            .ok_or(NoKeys::Ever(QuicDecryption::UnknownSuite))?;
        let derived = QuicKeys::derive(negotiated, suite, secret.as_bytes());
        self.keys = Some((negotiated, derived.ok_or(NoKeys::Ever(QuicDecryption::WrongSecret))?));
        Ok(())
    }
}
