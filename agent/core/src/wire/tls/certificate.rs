//! Certificate messages: the names that the server can speak for.

use super::compressed_certificate;
use super::handshake::MessageType;
use crate::name::CertificateNames;
use crate::wire::reader::Reader;
use std::net::IpAddr;
use tls_parser::{TlsMessageHandshake, parse_tls_handshake_msg_certificate};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The names in the leaf of a TLS 1.2 Certificate message.
pub fn names_tls12(body: &[u8]) -> Option<CertificateNames> {
    leaf_tls12(body).and_then(names)
}

/// The names in the leaf of a TLS 1.3 Certificate or CompressedCertificate message.
pub fn names_tls13(kind: MessageType, body: &[u8]) -> Option<CertificateNames> {
    if kind == MessageType::COMPRESSED_CERTIFICATE {
        let body = compressed_certificate::decompress(body)?;
        return leaf_tls13(&body).and_then(names);
    }
    leaf_tls13(body).and_then(names)
}

/// The leaf of a TLS 1.2 Certificate message (RFC 5246 §7.4.2).
fn leaf_tls12(body: &[u8]) -> Option<&[u8]> {
    match parse_tls_handshake_msg_certificate(body) {
        Ok((_, TlsMessageHandshake::Certificate(sent))) => Some(sent.cert_chain.first()?.data),
        _ => None,
    }
}

/// The leaf of a TLS 1.3 Certificate message (RFC 8446 §4.4.2), which `tls-parser` does not know.
fn leaf_tls13(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(body);
    reader.vec8()?;
    Reader::new(reader.vec24()?).vec24()
}

/// The names in the subjectAltName of a DER certificate; `None` where it cannot be read.
///
/// A certificate without the extension names nothing: the common name must not be used (RFC 9525 §2).
pub fn names(der: &[u8]) -> Option<CertificateNames> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let mut names = CertificateNames::default();
    let Some(extension) = certificate.subject_alternative_name().ok()? else { return Some(names) };
    for name in &extension.value.general_names {
        match name {
            GeneralName::DNSName(name) => names.add_dns(name),
            GeneralName::IPAddress(octets) => names.add_ip(ip(octets)?),
            GeneralName::URI(uri) => names.add_uri(uri),
            _ => {}
        }
    }
    Some(names)
}

fn ip(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}
