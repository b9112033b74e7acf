//! What tells one page from another, without keeping either.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION};
use http::{HeaderMap, HeaderName, StatusCode};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Of one server's answers to one path; dates and cookies differ anyway.
const TELLING: [HeaderName; 5] = [CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION];

/// Is fed an answer.
pub(super) struct Fingerprint {
    hasher: DefaultHasher,
    is_telling: bool,
}

impl Fingerprint {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap) -> Self {
        let mut hasher = DefaultHasher::new();
        status.hash(&mut hasher);
        let mut is_telling = false;
        for name in TELLING {
            let value = headers.get(&name).map(|value| value.as_bytes());
            // Every empty page has these.
            is_telling |= name != CONTENT_TYPE && value.is_some_and(|value| value != b"0");
            value.hash(&mut hasher);
        }
        Self { hasher, is_telling }
    }

    pub(super) fn body(&mut self, data: &[u8]) {
        self.is_telling |= !data.is_empty();
        self.hasher.write(data);
    }

    /// The number; none where the answer says nothing by which to know it again.
    pub(super) fn finish(self) -> Option<u64> {
        self.is_telling.then(|| self.hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(headers: &[(HeaderName, &'static str)], body: &[&[u8]]) -> Option<u64> {
        let headers = headers.iter().cloned();
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        let mut fingerprint = Fingerprint::new(StatusCode::OK, &headers.collect());
        body.iter().for_each(|data| fingerprint.body(data));
        fingerprint.finish()
    }

    #[test]
    fn pages_differ_by_what_they_say_of_themselves() {
        assert_eq!(of(&[], &[]), None);
        assert_eq!(of(&[(CONTENT_TYPE, "text/html"), (CONTENT_LENGTH, "0")], &[]), None);
        assert_ne!(of(&[(ETAG, "1")], &[]), of(&[(ETAG, "2")], &[]));
        assert_ne!(of(&[(ETAG, "1")], &[]), of(&[(LAST_MODIFIED, "1")], &[]));
        assert_ne!(of(&[], &[b"one"]), of(&[], &[b"two"]));
        // However it was cut on the way.
        assert_eq!(of(&[], &[b"one"]), of(&[], &[b"o", b"ne"]));
    }
}
