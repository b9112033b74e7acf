//! What the messages of one connection said.

use super::error::{ErrorCounts, QuicError};
use crate::name::CertificateNames;
use crate::wire::tls::certificate;
use crate::wire::tls::client_hello::ClientHello;
use crate::wire::tls::handshake::MessageType;
use crate::wire::tls::server_hello::{EncryptedExtensions, ServerHello};

/// The values read so far.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    pub(super) client_hello: Option<Box<ClientHello>>,
    pub(super) server_hello: Option<Box<ServerHello>>,
    pub(super) encrypted_extensions: Option<EncryptedExtensions>,
    pub(super) certificate_names: Option<CertificateNames>,
    pub(super) server_finished: bool,
}

impl Learnt {
    /// A message of the client's Initial packets.
    pub(super) fn client_initial(
        &mut self,
        kind: MessageType,
        body: &[u8],
        errors: &mut ErrorCounts,
    ) {
        if kind != MessageType::CLIENT_HELLO {
            return errors.add(QuicError::MalformedMessage);
        }
        let Some(hello) = ClientHello::parse(body) else {
            return errors.add(QuicError::MalformedMessage);
        };
        match &self.client_hello {
            None => self.client_hello = Some(Box::new(hello)),
            // After a HelloRetryRequest both must be the same client asking for the same name
            // (RFC 8446 §4.1.2). The first one stays, whatever the second one claims.
            Some(first) => {
                if first.random != hello.random || first.server_name != hello.server_name {
                    errors.add(QuicError::HelloChanged);
                }
            }
        }
    }

    /// A message of the server's Initial packets.
    pub(super) fn server_initial(
        &mut self,
        kind: MessageType,
        body: &[u8],
        errors: &mut ErrorCounts,
    ) {
        match (kind, ServerHello::parse(body)) {
            (MessageType::SERVER_HELLO, Some(hello)) => {
                // A HelloRetryRequest settles nothing yet.
                if !hello.retry && self.server_hello.is_none() {
                    self.server_hello = Some(Box::new(hello));
                }
            }
            _ => errors.add(QuicError::MalformedMessage),
        }
    }

    /// A message of the server's Handshake packets; the client authenticates with no name of use here.
    pub(super) fn server_handshake(
        &mut self,
        kind: MessageType,
        body: &[u8],
        errors: &mut ErrorCounts,
    ) {
        let read = match kind {
            MessageType::ENCRYPTED_EXTENSIONS => {
                let parsed = EncryptedExtensions::parse(body);
                let read = parsed.is_some();
                self.encrypted_extensions = self.encrypted_extensions.take().or(parsed);
                read
            }
            MessageType::CERTIFICATE | MessageType::COMPRESSED_CERTIFICATE => {
                let names = certificate::names_tls13(kind, body);
                let read = names.is_some();
                self.certificate_names = self.certificate_names.take().or(names);
                read
            }
            MessageType::FINISHED => {
                self.server_finished = true;
                true
            }
            _ => true,
        };
        if !read {
            errors.add(QuicError::MalformedMessage);
        }
    }
}
