//! The record layer's header (RFC 8446 §5.1, RFC 5246 §6.2.1).

use tls_parser::parse_tls_record_header;

/// The length of a record header.
pub const HEADER_LEN: usize = 5;
/// The longest payload of a record: 2^14 of plaintext and TLS 1.2's 2048 bytes of expansion.
pub const MAX_PAYLOAD: usize = (1 << 14) + 2048;

/// The content type of a record; unknown values survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordType(pub u8);

impl RecordType {
    /// `change_cipher_spec`.
    pub const CHANGE_CIPHER_SPEC: Self = Self(20);
    /// `alert`.
    pub const ALERT: Self = Self(21);
    /// `handshake`.
    pub const HANDSHAKE: Self = Self(22);
    /// `application_data`.
    pub const APPLICATION_DATA: Self = Self(23);
}

/// A record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// What is inside, or claims to be.
    pub content_type: RecordType,
    /// The payload's length in bytes.
    pub len: usize,
    /// The bytes as sent, which are additional data in TLS 1.3.
    pub bytes: [u8; HEADER_LEN],
}

impl RecordHeader {
    /// A header of these bytes; `None` where no TLS stack would have sent them.
    ///
    /// Heartbeat (24) is let through: it was negotiated for years. An empty record is legal only for
    /// application data.
    pub fn parse(bytes: [u8; HEADER_LEN]) -> Option<Self> {
        // Only the header: the parser refuses records of TLS 1.2 that are legal, with more than 256 bytes of expansion.
        let (_, sent) = parse_tls_record_header(&bytes).ok()?;
        let (kind, len) = (sent.record_type.0, usize::from(sent.len));
        let is_version = sent.version.0 >> 8 == 3;
        let plausible =
            matches!(kind, 20..=24) && is_version && len <= MAX_PAYLOAD && (len > 0 || kind == 23);
        plausible.then_some(Self { content_type: RecordType(kind), len, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_tls_sends_is_a_header() {
        assert_eq!(RecordHeader::parse([22, 3, 1, 1, 0]).unwrap().len, 256);
        for bytes in
            [*b"GET /", [22, 2, 1, 1, 0], [22, 3, 1, 0, 0], [23, 3, 3, 0x50, 0], [19, 3, 3, 0, 1]]
        {
            assert_eq!(RecordHeader::parse(bytes), None, "{bytes:?}");
        }
    }
}
