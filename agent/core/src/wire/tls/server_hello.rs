//! ServerHello, HelloRetryRequest and EncryptedExtensions: what was negotiated.

use super::TlsVersion;
use super::extension::{self, selected_alpn, walk};
use crate::wire::reader::Reader;
use tls_parser::parse_tls_handshake_server_hello;

/// The random that marks a HelloRetryRequest: SHA-256 of its name (RFC 8446 §4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What one ServerHello says (RFC 8446 §4.1.3, RFC 5246 §7.4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// The server's 32 random bytes.
    pub random: [u8; 32],
    /// The version in force from here on.
    pub version: TlsVersion,
    /// The session id, equal to the client's where TLS 1.2 resumes by it.
    pub session_id: Vec<u8>,
    /// The cipher suite, by its IANA number.
    pub cipher_suite: u16,
    /// The protocol selected, in TLS 1.2 and before.
    pub alpn: Option<Vec<u8>>,
    /// This is a HelloRetryRequest.
    pub retry: bool,
    /// TLS 1.3: the offered pre-shared key was taken.
    pub pre_shared_key: bool,
    /// TLS 1.2 with CBC: encrypt-then-MAC (RFC 7366).
    pub encrypt_then_mac: bool,
}

/// What one EncryptedExtensions says (RFC 8446 §4.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptedExtensions {
    /// The protocol selected.
    pub alpn: Option<Vec<u8>>,
    /// The client's early data was accepted.
    pub early_data: bool,
}

impl ServerHello {
    /// Reads the body of a handshake message of type `server_hello`; `None` where it is not one, and of drafts of TLS 1.3,
    /// whose hellos have other fields.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let (_, sent) = parse_tls_handshake_server_hello(body).ok()?;
        let mut version = TlsVersion(sent.version.0);
        let random: [u8; 32] = sent.random.try_into().ok()?;
        let (mut alpn, mut pre_shared_key, mut encrypt_then_mac) = (None, false, false);
        // What is broken here is simply not known: the lengths were the server's to keep.
        walk(sent.ext.unwrap_or_default(), |kind, content| match kind {
            extension::ALPN => alpn = selected_alpn(content).map(<[u8]>::to_vec),
            extension::PRE_SHARED_KEY => pre_shared_key = true,
            extension::ENCRYPT_THEN_MAC => encrypt_then_mac = true,
            extension::SUPPORTED_VERSIONS => {
                if let Some(selected) = Reader::new(content).u16() {
                    version = TlsVersion(selected);
                }
            }
            _ => {}
        });
        let retry = random == RETRY_RANDOM;
        Some(Self {
            random,
            version,
            session_id: sent.session_id.unwrap_or_default().to_vec(),
            cipher_suite: sent.cipher.0,
            alpn,
            retry,
            pre_shared_key,
            encrypt_then_mac,
        })
    }
}

impl EncryptedExtensions {
    /// Reads the body of a handshake message of type `encrypted_extensions`.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut found = Self::default();
        walk(Reader::new(body).vec16()?, |kind, content| match kind {
            extension::ALPN => found.alpn = selected_alpn(content).map(<[u8]>::to_vec),
            extension::EARLY_DATA => found.early_data = true,
            _ => {}
        });
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_version_overrides_the_legacy_one() {
        let mut body = vec![3, 3];
        body.extend([9; 32]);
        body.extend([0, 0x13, 0x02, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
        let hello = ServerHello::parse(&body).unwrap();
        assert_eq!(
            (hello.version, hello.cipher_suite, hello.retry),
            (TlsVersion::TLS1_3, 0x1302, false)
        );
    }

    #[test]
    fn a_retry_request_is_known_by_its_random() {
        let mut body = vec![3, 3];
        body.extend(RETRY_RANDOM);
        body.extend([0, 0x13, 0x01, 0]);
        assert!(ServerHello::parse(&body).unwrap().retry);
    }

    #[test]
    fn encrypted_extensions_carry_the_protocol() {
        let parsed =
            EncryptedExtensions::parse(b"\x00\x0d\x00\x10\x00\x05\x00\x03\x02h2\x00\x2a\x00\x00")
                .unwrap();
        assert_eq!(parsed, EncryptedExtensions { alpn: Some(b"h2".to_vec()), early_data: true });
    }
}
