//! What a response that refuses says of who made it.

use super::body::BodyMark;
use super::field::{Hint, Hints};
use super::software::ServerSoftware;

/// What a refusing response says beside its status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The software that its `Server` field names.
    pub server: Option<ServerSoftware>,
    /// Its `Content-Type`.
    pub content_type: Option<ContentType>,
    /// Its `Content-Length`, in bytes.
    pub content_length: Option<u64>,
    /// It has a `Via` field.
    pub via: bool,
    /// It comes out of a cache: `Age` above 0, or `X-Cache` says so.
    pub from_cache: bool,
    /// A cache may store it (RFC 9111 §3).
    pub storable: bool,
    /// It has an `Alt-Svc` field, which a 421 must not be believed (RFC 7838 §6).
    pub alt_svc: bool,
    /// What its body begins with.
    pub body: BodyMark,
}

/// As far as error pages differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// `text/html; charset=iso-8859-1`: Apache's own pages.
    HtmlLatin1,
    /// `text/html` without a charset.
    Html,
    /// `text/html` in UTF-8.
    HtmlUtf8,
    /// `text/plain` in UTF-8: Go's own errors.
    PlainUtf8,
    /// JSON.
    Json,
    /// Anything else.
    Other,
}

/// Whether a response with this status may say that a request came through the wrong door: 421, or what servers that
/// compare names answer in its place.
pub(crate) fn is_refusal(status: u16) -> bool {
    matches!(status, 400 | 403 | 404 | 421)
}

const CONTENT_TYPES: [ContentType; 6] = [
    ContentType::HtmlLatin1,
    ContentType::Html,
    ContentType::HtmlUtf8,
    ContentType::PlainUtf8,
    ContentType::Json,
    ContentType::Other,
];

const SOFTWARE: [ServerSoftware; 12] = [
    ServerSoftware::Apache,
    ServerSoftware::Nginx,
    ServerSoftware::Caddy,
    ServerSoftware::HaProxy,
    ServerSoftware::Traefik,
    ServerSoftware::Envoy,
    ServerSoftware::H2o,
    ServerSoftware::CloudFront,
    ServerSoftware::Jetty,
    ServerSoftware::Tomcat,
    ServerSoftware::Node,
    ServerSoftware::Other,
];

impl ContentType {
    /// The type that a field names.
    pub fn of(value: &[u8]) -> Self {
        let value: Vec<u8> = value
            .iter()
            .take(64)
            .filter(|byte| !byte.is_ascii_whitespace() && **byte != b'"')
            .map(u8::to_ascii_lowercase)
            .collect();
        match &value[..] {
            b"text/html" => Self::Html,
            b"text/html;charset=iso-8859-1" => Self::HtmlLatin1,
            b"text/html;charset=utf-8" => Self::HtmlUtf8,
            b"text/plain;charset=utf-8" => Self::PlainUtf8,
            json if json.starts_with(b"application/json") => Self::Json,
            _ => Self::Other,
        }
    }
}

impl ErrorResponse {
    /// Of a response's fields; its body may follow.
    pub(crate) fn of(hints: &Hints) -> Self {
        let known = |hint| hints.get(hint).known();
        let is = |hint| known(hint) == Some(1);
        let server = known(Hint::Server);
        let content_type = known(Hint::ContentType);
        Self {
            server: server
                .and_then(|digest| SOFTWARE.into_iter().find(|known| *known as u64 == digest)),
            content_type: content_type
                .and_then(|digest| CONTENT_TYPES.into_iter().find(|known| *known as u64 == digest)),
            content_length: known(Hint::ContentLength).filter(|length| *length != u64::MAX),
            via: hints.has(Hint::Via),
            from_cache: known(Hint::Age).is_some_and(|age| age > 0 && age != u64::MAX)
                || is(Hint::XCache),
            storable: is(Hint::CacheControl),
            alt_svc: hints.has(Hint::AltSvc),
            body: BodyMark::Unseen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_its_fields_say() {
        let mut hints = Hints::default();
        for (name, value) in [
            ("server", "nginx/1.22.1"),
            ("content-type", "text/html; charset=iso-8859-1"),
            ("content-length", "362"),
            ("age", "3"),
            ("via", "1.1 x"),
        ] {
            hints.set(Hint::named(name.as_bytes()).unwrap(), value.as_bytes());
        }
        let answer = ErrorResponse::of(&hints);
        assert_eq!(answer.server, Some(ServerSoftware::Nginx));
        assert_eq!(answer.content_type, Some(ContentType::HtmlLatin1));
        assert_eq!(answer.content_length, Some(362));
        assert!(answer.from_cache && answer.via && !answer.storable && !answer.alt_svc);
        assert_eq!(ErrorResponse::of(&Hints::default()), ErrorResponse::default());
    }
}
