//! What the first bytes of a stream say.

use super::proxy_header;
use crate::side::Side;
use crate::wire::http2_frame::{PREFACE, is_frame_chain};
use crate::wire::reader::Reader;
use crate::wire::tls::handshake::MessageType;
use crate::wire::tls::record::{HEADER_LEN, RecordHeader, RecordType};

/// The longest HTTP method that a stream is recognised by.
const MAX_METHOD: usize = 32;

/// What a stream begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// Too few bytes to tell.
    NeedMore,
    /// A PROXY protocol header.
    Proxy,
    /// A TLS handshake.
    Tls,
    /// HTTP/2, by its preface or its SETTINGS.
    Http2,
    /// What may be an HTTP/1 request.
    Http1,
    /// Nothing that is looked into.
    Foreign,
}

/// What the client's first bytes say.
pub(super) fn client(bytes: &[u8]) -> Beginning {
    if bytes.is_empty() || is_prefix_of(bytes, PREFACE) || proxy_header::may_begin(bytes) {
        return Beginning::NeedMore;
    }
    if bytes.starts_with(PREFACE) {
        return Beginning::Http2;
    }
    if proxy_header::begins(bytes) {
        return Beginning::Proxy;
    }
    match handshake(bytes, MessageType::CLIENT_HELLO) {
        Beginning::Foreign => http1_request(bytes),
        tls_or_more => tls_or_more,
    }
}

/// What the server's first bytes say on their own. [`Beginning::NeedMore`] means: ask the client's.
pub(super) fn server(bytes: &[u8]) -> Beginning {
    match handshake(bytes, MessageType::SERVER_HELLO) {
        Beginning::Tls => Beginning::Tls,
        // A server's first frame is SETTINGS (RFC 9113 §3.4).
        _ if bytes.get(3) == Some(&4) && is_frame_chain(bytes) => Beginning::Http2,
        _ => Beginning::NeedMore,
    }
}

/// Who sends bytes like these, where they tell.
pub(crate) fn sender(bytes: &[u8]) -> Option<Side> {
    if bytes.starts_with(b"HTTP/1.")
        || handshake(bytes, MessageType::SERVER_HELLO) == Beginning::Tls
    {
        return Some(Side::Server);
    }
    let by_client = bytes.starts_with(PREFACE)
        || proxy_header::begins(bytes)
        || handshake(bytes, MessageType::CLIENT_HELLO) == Beginning::Tls
        || is_http1_request_line(bytes);
    by_client.then_some(Side::Client)
}

/// Whose hello a stream begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hello {
    /// Too few bytes to tell.
    NeedMore,
    /// TLS, from this end.
    Of(Side),
    /// Not a hello.
    None,
}

/// Whose hello these bytes, the first of a stream, begin.
pub(crate) fn hello(bytes: &[u8]) -> Hello {
    match (handshake(bytes, MessageType::CLIENT_HELLO), handshake(bytes, MessageType::SERVER_HELLO))
    {
        (Beginning::Tls, _) => Hello::Of(Side::Client),
        (_, Beginning::Tls) => Hello::Of(Side::Server),
        (Beginning::NeedMore, _) => Hello::NeedMore,
        _ => Hello::None,
    }
}

/// Who begins with these bytes inside TLS, where they tell.
pub(crate) fn opener(bytes: &[u8]) -> Option<Side> {
    // Only a server begins with SETTINGS: in front of a client's is the preface (RFC 9113 §3.4).
    let is_settings = bytes.get(3) == Some(&4) && is_frame_chain(bytes);
    if is_settings { Some(Side::Server) } else { sender(bytes) }
}

/// Whether these bytes, from somewhere in a stream, are TLS records: a header, and where the record ends
/// within the bytes, another one.
pub(super) fn is_record_chain(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    let mut headers = 0;
    while reader.len() >= HEADER_LEN {
        let Some(header) = reader.array().and_then(RecordHeader::parse) else { return false };
        if header.bytes.get(2).is_none_or(|minor| *minor > 3) {
            return false;
        }
        headers += 1;
        if reader.skip(header.len).is_none() {
            return true;
        }
    }
    headers > 0
}

/// Whether a whole request line stands in front.
pub(super) fn is_http1_request_line(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    http1_request(bytes) == Beginning::Http1
        && (line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0"))
}

fn is_prefix_of(bytes: &[u8], whole: &[u8]) -> bool {
    bytes.len() < whole.len() && whole.starts_with(bytes)
}

/// A record that starts a handshake with this message.
fn handshake(bytes: &[u8], first: MessageType) -> Beginning {
    let mut reader = Reader::new(bytes);
    let Some(header) = reader.array::<HEADER_LEN>() else {
        // 3: the major version of every SSL and TLS since 1996.
        return if is_prefix_of(bytes, &[RecordType::HANDSHAKE.0, 3]) || bytes.starts_with(&[22, 3])
        {
            Beginning::NeedMore
        } else {
            Beginning::Foreign
        };
    };
    match RecordHeader::parse(header) {
        Some(header) if header.content_type == RecordType::HANDSHAKE => match reader.u8() {
            None => Beginning::NeedMore,
            Some(kind) if kind == first.0 => Beginning::Tls,
            Some(_) => Beginning::Foreign,
        },
        _ => Beginning::Foreign,
    }
}

/// A method and a blank (RFC 9112 §3); what is behind them is for the parser to say.
fn http1_request(bytes: &[u8]) -> Beginning {
    // Empty lines in front are to be ignored (RFC 9112 §2.2).
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let bytes = bytes.get(blank..).unwrap_or_default();
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let method = bytes.iter().take_while(|byte| is_token(byte)).count();
    match bytes.get(method) {
        _ if method > MAX_METHOD => Beginning::Foreign,
        None => Beginning::NeedMore,
        Some(b' ') if method > 0 => Beginning::Http1,
        Some(_) => Beginning::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_waits_until_it_can_tell() {
        let hello = [&[22, 3, 1, 2, 0, 1, 0, 1, 0xfc][..], &[3; 20]].concat();
        let proxy = b"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n";
        let cases: [(&[u8], Beginning); 6] = [
            (&hello, Beginning::Tls),
            (PREFACE, Beginning::Http2),
            (b"GET / HTTP/1.1\r\n", Beginning::Http1),
            (b"\r\nPROPFIND / HTTP/1.1\r\n", Beginning::Http1),
            (proxy, Beginning::Proxy),
            (b"\0\0\0\x01", Beginning::Foreign),
        ];
        for (bytes, expected) in cases {
            let mut told = false;
            for end in 0..=bytes.len() {
                let found = client(&bytes[..end]);
                assert!(
                    found == expected || found == Beginning::NeedMore && !told,
                    "{bytes:?} {end}"
                );
                told = found == expected;
            }
            assert!(told, "{bytes:?}");
        }
    }

    #[test]
    fn the_sender_is_known_by_what_it_says() {
        assert_eq!(sender(b"HTTP/1.1 200 OK\r\n"), Some(Side::Server));
        assert_eq!(sender(b"GET / HTTP/1.1\r\nHost: a\r\n"), Some(Side::Client));
        assert_eq!(sender(b"220 mail ready\r\n"), None);
        assert_eq!(sender(&[23, 3, 3, 0, 9, 1, 2]), None);
    }
}
