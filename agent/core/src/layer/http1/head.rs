//! Message heads: the few things that say what a request is for and where its message ends.

use super::body::{Body, Chunk};
use crate::http::HttpVersion;
use crate::http_facts::{ErrorResponse, Hint, Hints, RequestSignals, is_refusal};
use crate::trace_context::TraceParent;

/// The longest message head, in bytes; beyond it the direction is given up.
pub(crate) const MAX_HEAD: usize = 64 * 1024;
/// The most header fields of a head.
const MAX_FIELDS: usize = 256;
/// The longest name of a field that helps to name a cause.
const MAX_HINT_NAME: usize = 24;

/// A request's head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Http1RequestHead<'a> {
    pub(super) version: HttpVersion,
    pub(super) method: &'a [u8],
    /// The authority in the request target: of absolute form, or a CONNECT's.
    pub(super) target_authority: Option<&'a [u8]>,
    pub(super) host: Option<&'a [u8]>,
    /// More than one Host field.
    pub(super) hosts_repeated: bool,
    pub(super) traceparent: Option<TraceParent>,
    pub(super) hints: RequestSignals,
    /// `None`: no body. `Err`: lengths that contradict each other.
    pub(super) body: Result<Option<Body>, ()>,
    pub(super) upgrade: Option<Upgrade>,
}

/// What a request asks to upgrade to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// HTTP/2 in cleartext.
    H2c,
    /// Anything else.
    Other,
}

/// A response's head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    /// Where the body would end, if the status and the request's method allow one.
    pub(super) body: Result<Body, ()>,
    pub(super) upgrade: Option<Upgrade>,
    /// What it says of who made it, where it refuses.
    pub(super) answer: Option<ErrorResponse>,
}

/// The length of the head in front, with the empty line that ends it, searching from `from` on.
pub(super) fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    // An empty line: LF, perhaps CR, LF (RFC 9112 §2.2 lets a lone LF pass). Back up over what may have
    // been seen of it before.
    let from = from.saturating_sub(3);
    let mut at = from;
    while let Some(found) = bytes.get(at..)?.iter().position(|byte| *byte == b'\n') {
        let after = at + found + 1;
        match bytes.get(after..)? {
            [b'\n', ..] => return Some(after + 1),
            [b'\r', b'\n', ..] => return Some(after + 2),
            _ => at = after,
        }
    }
    None
}

/// Whether the first line at least says that it is a request.
pub(super) fn claims_http(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.windows(6).any(|window| window == b" HTTP/")
}

/// Reads a request's head; `None` where it is not one.
pub(super) fn request(bytes: &[u8]) -> Option<Http1RequestHead<'_>> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let mut config = httparse::ParserConfig::default();
    config.allow_multiple_spaces_in_request_line_delimiters(true);
    // A field that breaks the rules says nothing; what the others say is still so.
    config.ignore_invalid_headers_in_requests(true);
    match config.parse_request(&mut parsed, bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return None,
    }
    let version = if parsed.version? == 0 { HttpVersion::Http10 } else { HttpVersion::Http11 };
    let (method, target) = (parsed.method?.as_bytes(), parsed.path?.as_bytes());
    let mut hosts = parsed.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("host"));
    let host = hosts.next().map(|field| field.value);
    let hosts_repeated = hosts.next().is_some();
    let traceparent = traceparent(parsed.headers);
    let mut hints = hints(parsed.headers);
    hints.set(Hint::Path, path(target));
    let hints = hints.request();
    let body = Framing::read(parsed.headers).request_body();
    let upgrade = upgrade(parsed.headers);
    let target_authority = if method == b"CONNECT" { Some(target) } else { absolute_form(target) };
    Some(Http1RequestHead {
        version,
        method,
        target_authority,
        host,
        hosts_repeated,
        traceparent,
        hints,
        body,
        upgrade,
    })
}

/// Reads a response's head; `None` where it is not one.
pub(super) fn response(bytes: &[u8]) -> Option<ResponseHead> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut fields);
    let mut config = httparse::ParserConfig::default();
    config.allow_spaces_after_header_name_in_responses(true);
    config.allow_obsolete_multiline_headers_in_responses(true);
    match config.parse_response(&mut parsed, bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        _ => return None,
    }
    // The first digit is the class, which begins with 1 (RFC 9110 §15).
    let status = parsed.code.filter(|code| *code >= 100)?;
    let body = Framing::read(parsed.headers).response_body();
    let answer = is_refusal(status).then(|| ErrorResponse::of(&hints(parsed.headers)));
    Some(ResponseHead { status, body, upgrade: upgrade(parsed.headers), answer })
}

/// The authority of `scheme://authority/path` (RFC 9112 §3.2.2).
fn absolute_form(target: &[u8]) -> Option<&[u8]> {
    if target.starts_with(b"/") || target == b"*" {
        return None;
    }
    let scheme = target.windows(3).position(|window| window == b"://")?;
    let rest = target.get(scheme + 3..)?;
    rest.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()
}

/// What fields say that help to name a cause.
fn hints(fields: &[httparse::Header<'_>]) -> Hints {
    let mut hints = Hints::default();
    let mut name = [0; MAX_HINT_NAME];
    for field in fields {
        if let Some(name) = name.get_mut(..field.name.len()) {
            name.copy_from_slice(field.name.as_bytes());
            name.make_ascii_lowercase();
            if let Some(hint) = Hint::named(name) {
                hints.set(hint, field.value);
            }
        }
    }
    hints
}

/// The path and query of a request target, also of one in absolute form: what an upstream gets to see is the same.
fn path(target: &[u8]) -> &[u8] {
    let Some(authority) = absolute_form(target) else { return target };
    let scheme = target.windows(3).position(|window| window == b"://").unwrap_or_default();
    match target.get(scheme + 3 + authority.len()..) {
        Some([]) | None => b"/",
        Some(path) => path,
    }
}

/// Of a field that comes twice neither counts (W3C Trace Context §3.2.1).
fn traceparent(fields: &[httparse::Header<'_>]) -> Option<TraceParent> {
    let mut found = fields.iter().filter(|field| field.name.eq_ignore_ascii_case("traceparent"));
    let value = found.next()?.value;
    if found.next().is_some() { None } else { TraceParent::parse(value) }
}

fn upgrade(fields: &[httparse::Header<'_>]) -> Option<Upgrade> {
    let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case("upgrade"))?;
    let mut protocols = field.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let is_h2c = protocols.any(|protocol| protocol.eq_ignore_ascii_case(b"h2c"));
    Some(if is_h2c { Upgrade::H2c } else { Upgrade::Other })
}

/// The fields that say where a message ends (RFC 9112 §6.3).
#[derive(Default)]
struct Framing {
    length: Option<u64>,
    contradiction: bool,
    encoded: bool,
    chunked_last: bool,
}

impl Framing {
    fn read(fields: &[httparse::Header<'_>]) -> Self {
        let mut framing = Self::default();
        for field in fields {
            if field.name.eq_ignore_ascii_case("content-length") {
                framing.content_length(field.value);
            } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
                let last = field
                    .value
                    .rsplit(|byte| *byte == b',')
                    .next()
                    .unwrap_or_default()
                    .trim_ascii();
                framing.encoded = true;
                framing.chunked_last = last.eq_ignore_ascii_case(b"chunked");
            }
        }
        framing
    }

    /// The same value repeated is one value.
    fn content_length(&mut self, value: &[u8]) {
        for digits in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            let text = std::str::from_utf8(digits).unwrap_or_default();
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse().ok().filter(|_| is_number) {
                Some(length) if self.length.is_none_or(|known| known == length) => {
                    self.length = Some(length)
                }
                _ => self.contradiction = true,
            }
        }
    }

    fn request_body(&self) -> Result<Option<Body>, ()> {
        match (self.encoded, self.chunked_last, self.contradiction, self.length) {
            (true, true, ..) => Ok(Some(Body::Chunked(Chunk::Size(Vec::new())))),
            // The server cannot know where such a body ends, and nor can we.
            (true, false, ..) | (false, _, true, _) => Err(()),
            (false, _, false, Some(length)) if length > 0 => Ok(Some(Body::Length(length))),
            (false, _, false, _) => Ok(None),
        }
    }

    fn response_body(&self) -> Result<Body, ()> {
        match (self.encoded, self.chunked_last, self.contradiction, self.length) {
            (true, true, ..) => Ok(Body::Chunked(Chunk::Size(Vec::new()))),
            (true, false, ..) => Ok(Body::UntilClose),
            (false, _, true, _) => Err(()),
            (false, _, false, Some(length)) => Ok(Body::Length(length)),
            (false, _, false, None) => Ok(Body::UntilClose),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(head: &str) -> (Option<String>, Option<String>) {
        let head = request(head.as_bytes()).unwrap();
        let text =
            |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        (text(head.target_authority), text(head.host))
    }

    #[test]
    fn every_target_form_gives_its_authority() {
        let host = Some("b.test".to_owned());
        let cases = [
            ("GET /x?http://c.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n", None),
            ("GET https://a.test:8443?q HTTP/1.1\r\nhost: b.test\r\n\r\n", Some("a.test:8443")),
            ("CONNECT a.test:443 HTTP/1.1\r\nHOST:b.test\r\n\r\n", Some("a.test:443")),
            ("OPTIONS * HTTP/1.1\nHost: b.test \n\n", None),
        ];
        for (text, target) in cases {
            assert_eq!(authority(text), (target.map(str::to_owned), host.clone()), "{text}");
        }
    }

    #[test]
    fn a_traceparent_is_read_once() {
        let value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let read = |fields: &str| {
            let head = format!("GET / HTTP/1.1\r\nHost: b.test\r\n{fields}\r\n");
            request(head.as_bytes()).unwrap().traceparent
        };
        let expected = TraceParent::parse(value.as_bytes());
        assert!(expected.is_some());
        assert_eq!(read(&format!("TraceParent: {value} \r\n")), expected);
        assert_eq!(read(&format!("traceparent: {value}\r\ntraceparent: {value}\r\n")), None);
        assert_eq!(read("traceparent: 00-0-0-01\r\n"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_status_below_100_is_none() {
        let status = |line: &str| response(line.as_bytes()).map(|head| head.status);
        assert_eq!(status("HTTP/1.1 421 \r\n\r\n"), Some(421));
        assert_eq!(status("HTTP/1.1 042 \r\n\r\n"), None);
    }

    #[test]
    fn what_servers_forgive_is_read() {
        let folded = "GET  /  HTTP/1.1\r\nX: a\r\n b\r\nBad : 1\r\nHost: b.test\r\n\r\n";
        assert_eq!(authority(folded), (None, Some("b.test".to_owned())));
        // RFC 9112 §5.1: a server must refuse it, so it is no Host.
        assert_eq!(authority("GET / HTTP/1.1\r\nHost : b.test\r\n\r\n"), (None, None));
    }

    #[test]
    fn the_end_of_a_head_is_found_across_any_cut() {
        for text in
            [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody"[..], b"GET / HTTP/1.1\nHost: a\n\nbody"]
        {
            let end = text.len() - 4;
            for cut in 0..text.len() {
                let early = head_end(&text[..cut], 0);
                assert_eq!(early, (cut >= end).then_some(end), "{cut}");
                assert_eq!(early.or_else(|| head_end(text, cut)), Some(end), "{cut}");
            }
        }
    }

    #[test]
    fn lengths_that_contradict_each_other_end_the_reading() {
        let body = |fields: &str| {
            request(format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes()).unwrap().body
        };
        assert_eq!(body("Content-Length: 5\r\nContent-Length: 5"), Ok(Some(Body::Length(5))));
        assert_eq!(body("Content-Length: 5\r\nContent-Length: 6"), Err(()));
        assert_eq!(body("Content-Length: -1"), Err(()));
        assert_eq!(body("Transfer-Encoding: gzip"), Err(()));
        assert_eq!(
            body("Content-Length: 5\r\nTransfer-Encoding: gzip, chunked"),
            Ok(Some(Body::Chunked(Chunk::Size(vec![]))))
        );
        assert_eq!(body("X: y"), Ok(None));
    }
}
