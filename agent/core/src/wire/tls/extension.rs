//! Extensions of hello messages, each on its own: one that is malformed does not cost the others.

use crate::wire::reader::Reader;

/// `server_name`, RFC 6066 §3.
pub(crate) const SERVER_NAME: u16 = 0;
/// `application_layer_protocol_negotiation`, RFC 7301.
pub(crate) const ALPN: u16 = 16;
/// `encrypt_then_mac`, RFC 7366.
pub(crate) const ENCRYPT_THEN_MAC: u16 = 22;
/// `session_ticket`, RFC 5077.
pub(crate) const SESSION_TICKET: u16 = 35;
/// `pre_shared_key`, RFC 8446 §4.2.11.
pub(crate) const PRE_SHARED_KEY: u16 = 41;
/// `early_data`, RFC 8446 §4.2.10.
pub(crate) const EARLY_DATA: u16 = 42;
/// `supported_versions`, RFC 8446 §4.2.1.
pub(crate) const SUPPORTED_VERSIONS: u16 = 43;
/// `encrypted_client_hello`, RFC 9849.
pub(crate) const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// Calls `each(type, content)` for every extension of a hello's extension block.
///
/// False where the block's own lengths do not add up; what came before was still delivered.
pub(crate) fn walk<'a>(block: &'a [u8], mut each: impl FnMut(u16, &'a [u8])) -> bool {
    let mut reader = Reader::new(block);
    while !reader.is_empty() {
        let (Some(kind), Some(content)) = (reader.u16(), reader.vec16()) else { return false };
        each(kind, content);
    }
    true
}

/// The one protocol of a server's ALPN extension.
pub(crate) fn selected_alpn(content: &[u8]) -> Option<&[u8]> {
    let mut list = Reader::new(Reader::new(content).vec16()?);
    let protocol = list.vec8()?;
    (list.is_empty() && !protocol.is_empty()).then_some(protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_before_a_broken_length_are_delivered() {
        let mut kinds = Vec::new();
        assert!(!walk(&[0, 1, 0, 1, 9, 0, 2, 0, 9, 1], |kind, _| kinds.push(kind)));
        assert_eq!(kinds, [1]);
    }

    #[test]
    fn a_server_selects_exactly_one_protocol() {
        assert_eq!(selected_alpn(b"\x00\x03\x02h2"), Some(&b"h2"[..]));
        assert_eq!(selected_alpn(b"\x00\x06\x02h2\x02h3"), None);
        assert_eq!(selected_alpn(b"\x00\x01\x00"), None);
    }
}
