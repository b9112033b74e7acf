//! Versions and methods of HTTP.

use std::borrow::Cow;

/// The longest request method that is kept, in bytes; a longer one is unreadable.
pub const MAX_METHOD: usize = 32;

/// The version of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

impl HttpVersion {
    /// All of them, in order.
    pub const ALL: [Self; Self::Http2 as usize + 1] = [Self::Http10, Self::Http11, Self::Http2];

    /// `1.0`, `1.1` or `2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
        }
    }

    /// Whether connections are multiplexed, so that reuse for another authority has rules (RFC 9113 §9.1.1).
    pub fn can_coalesce(self) -> bool {
        matches!(self, Self::Http2)
    }
}

/// A request method.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Method(Cow<'static, str>);

impl Method {
    const COMMON: [&'static str; 9] =
        ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE"];

    /// A method of these bytes; `None` where it is longer than [`MAX_METHOD`] or not text.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Some(common) = Self::COMMON.iter().find(|common| common.as_bytes() == bytes) {
            return Some(Self(Cow::Borrowed(common)));
        }
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|text| (1..=MAX_METHOD).contains(&text.len()))?;
        Some(Self(Cow::Owned(text.to_owned())))
    }

    /// The method as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
