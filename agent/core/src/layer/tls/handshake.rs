//! The handshake: what it says of the connection, and when which keys come into use.

use super::flow::{PROTOCOL, Session};
use super::record_reader::{Epoch, KeptRecord, Protection};
use crate::observation::{Context, ServerCertificate};
use crate::side::{PerSide, Side};
use crate::wire::tls::cipher::RecordCipher;
use crate::wire::tls::client_hello::ClientHello;
use crate::wire::tls::handshake::{MessageType, Next};
use crate::wire::tls::record::RecordType;
use crate::wire::tls::server_hello::{EncryptedExtensions, ServerHello};
use crate::wire::tls::{TlsVersion, certificate};

/// What the handshake messages have said so far.
#[derive(Default)]
pub(super) struct HandshakeState {
    pub(super) client_random: Option<[u8; 32]>,
    pub(super) offers_early_data: bool,
    /// The client's `legacy_session_id`.
    pub(super) session_id: Option<Vec<u8>>,
    pub(super) server: Option<ServerHello>,
    /// TLS 1.3: whether early data was accepted, once that is known.
    pub(super) early_data: Option<bool>,
    /// The first hellos were told; a renegotiation's do not change what the connection is.
    told: bool,
    /// TLS 1.2: keys that a side's next ChangeCipherSpec brings into use.
    pub(super) next: PerSide<Option<RecordCipher>>,
    /// How far each side is.
    pub(super) progress: PerSide<HandshakeProgress>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum HandshakeProgress {
    #[default]
    Negotiating,
    /// TLS 1.2: has sent its ChangeCipherSpec.
    Changed,
    /// Has sent its Finished.
    Finished,
}

impl HandshakeState {
    fn is_complete(&self, side: Side) -> bool {
        *self.progress.get(side) == HandshakeProgress::Finished
    }

    /// A record that cannot be opened. Behind a ChangeCipherSpec, the first one of a handshake is Finished.
    pub(super) fn opaque_record(&mut self, side: Side, kind: RecordType, cx: &mut Context<'_>) {
        if kind == RecordType::HANDSHAKE && *self.progress.get(side) == HandshakeProgress::Changed {
            self.finished(side, cx);
        }
    }

    fn finished(&mut self, side: Side, cx: &mut Context<'_>) {
        *self.progress.get_mut(side) = HandshakeProgress::Finished;
        if self.is_complete(side.other()) {
            cx.handshake_completed();
        }
    }

    pub(super) fn is_tls13(&self) -> bool {
        self.server.as_ref().is_some_and(|hello| hello.version >= TlsVersion::TLS1_3)
    }
}

impl Session {
    /// Bytes of handshake messages, in the clear or decrypted.
    pub(super) fn handshake_bytes(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) {
        let mut messages = std::mem::take(&mut self.halves.get_mut(side).messages);
        messages.push(bytes);
        loop {
            match messages.pop() {
                Next::Message(kind, body) => self.message(side, kind, body, cx),
                Next::TooLong(_) => {
                    cx.counters.lose(crate::counters::Loss::Limit);
                    cx.counters.error(PROTOCOL, "message_too_long");
                }
                Next::NeedMore => break,
            }
        }
        messages.settle();
        // New keys start with a new message (RFC 8446 §5.1), so nothing of the old is lost with them.
        self.halves.get_mut(side).messages = messages;
    }

    fn message(&mut self, side: Side, kind: MessageType, body: &[u8], cx: &mut Context<'_>) {
        match (side, kind) {
            (Side::Client, MessageType::CLIENT_HELLO) => match ClientHello::parse(body) {
                Some(hello) => self.client_hello(&hello, cx),
                None => cx.counters.error(PROTOCOL, "client_hello"),
            },
            (Side::Server, MessageType::SERVER_HELLO) => match ServerHello::parse(body) {
                Some(hello) => self.server_hello(hello, cx),
                None => cx.counters.error(PROTOCOL, "server_hello"),
            },
            (Side::Server, MessageType::ENCRYPTED_EXTENSIONS) => {
                let found = EncryptedExtensions::parse(body).unwrap_or_default();
                self.handshake.early_data = Some(found.early_data);
                if let Some(alpn) = found.alpn {
                    cx.tls().alpn = Some(String::from_utf8_lossy(&alpn).into());
                }
            }
            (Side::Server, MessageType::CERTIFICATE | MessageType::COMPRESSED_CERTIFICATE) => {
                self.certificate(kind, body, cx);
            }
            (Side::Server, MessageType::CERTIFICATE_REQUEST) => cx.tls().asks_certificate = true,
            (_, MessageType::FINISHED) => {
                self.handshake.finished(side, cx);
                // Not again behind a certificate that was asked for later (RFC 8446 §4.6.2).
                let keys = self.halves.get_mut(side).protection.opener();
                if keys.is_some_and(|opener| opener.stage == Epoch::Handshake) {
                    self.use_traffic_keys(side, cx);
                }
            }
            (Side::Client, MessageType::END_OF_EARLY_DATA) => self.use_handshake_keys(side, cx),
            (_, MessageType::KEY_UPDATE) => self.key_update(side),
            _ => {}
        }
    }

    fn client_hello(&mut self, hello: &ClientHello, cx: &mut Context<'_>) {
        let handshake = &mut self.handshake;
        handshake.client_random = Some(hello.random);
        handshake.offers_early_data = hello.early_data;
        handshake.session_id = Some(hello.session_id.clone());
        if handshake.told {
            // After a retry request, or renegotiating: the server answers anew.
            if !handshake.is_tls13() {
                handshake.server = None;
            }
            return;
        }
        handshake.told = true;
        for _ in 0..hello.malformed_extensions {
            cx.counters.error(PROTOCOL, "malformed_extension");
        }
        let sni = hello.sni(cx.keys);
        // The server's side may have been seen first, in a capture that orders the directions a little wrong.
        let tls = cx.tls();
        tls.sni_host = sni.host();
        tls.sni = sni;
        tls.ech = hello.ech;
        tls.alpn_offered = Some(hello.alpn.clone());
        tls.client_random = Some(hello.random);
        cx.hello();
    }

    fn server_hello(&mut self, hello: ServerHello, cx: &mut Context<'_>) {
        if hello.retry {
            // Early data is rejected with it (RFC 8446 §4.1.2), and the client says hello again.
            self.handshake.early_data = Some(false);
            let client = &mut self.halves.client;
            client
                .waiting
                .retain(|record| record.header.content_type != RecordType::APPLICATION_DATA);
            client.waiting_bytes = client.waiting.iter().map(KeptRecord::cost).sum();
            if !client.protection.is_opaque() {
                client.protection = Protection::None;
            }
            return;
        }
        let is_first = cx.observed.facts.tls.as_ref().is_none_or(|tls| tls.server_random.is_none());
        if is_first {
            let resumed = if hello.version >= TlsVersion::TLS1_3 {
                Some(hello.pre_shared_key)
            } else {
                // An echo (RFC 5246 §7.3). Without one, a certificate shows that it is a full handshake.
                let echoes = self.handshake.session_id.as_ref().filter(|id| !id.is_empty());
                (echoes == Some(&hello.session_id)).then_some(true)
            };
            let tls = cx.tls();
            tls.version = Some(hello.version);
            tls.server_random = Some(hello.random);
            tls.resumed = resumed;
            if let Some(alpn) = &hello.alpn {
                tls.alpn = Some(String::from_utf8_lossy(alpn).into());
            }
        }
        self.handshake.server = Some(hello);
        self.handshake.next = PerSide::default();
    }

    fn certificate(&mut self, kind: MessageType, body: &[u8], cx: &mut Context<'_>) {
        if !self.handshake.is_tls13() {
            cx.tls().resumed.get_or_insert(false);
        }
        let names = if self.handshake.is_tls13() {
            certificate::names_tls13(kind, body)
        } else {
            certificate::names_tls12(body)
        };
        match names {
            Some(names)
                if cx.observed.facts.tls.as_ref().is_some_and(|tls| tls.certificate.is_none()) =>
            {
                cx.tls().certificate = Some(ServerCertificate::seen(names));
            }
            Some(_) => {}
            None => cx.counters.error(PROTOCOL, "certificate"),
        }
    }
}
