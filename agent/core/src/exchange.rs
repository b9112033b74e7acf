//! An exchange: one request and its response, as far as they were seen.

use crate::connection::Facts;
use crate::name::{Authority, Host};
use crate::seen::Seen;
use crate::signals::{AgentClass, Answer, RequestHints};
use crate::time::Timestamp;
use crate::trace_context::TraceParent;
use crate::verdict::Verdict;
use std::borrow::Cow;
use std::sync::Arc;

/// The longest request method that is kept, in bytes; a longer one is unreadable.
pub const MAX_METHOD: usize = 32;
/// The longest authority that is kept as sent, in bytes; a longer one is cut, and malformed.
pub const MAX_RAW_AUTHORITY: usize = crate::name::MAX_AUTHORITY;

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

/// What a request says it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestAuthority {
    /// The effective authority as sent (RFC 9112 §3.3, RFC 9113 §8.3.1), but for user and password: `***@a.test`.
    pub raw: Seen<Box<str>>,
    /// The same after normalisation, where it is an authority.
    pub parsed: Option<Authority>,
    /// What is wrong with it.
    pub defect: Option<AuthorityDefect>,
}

impl RequestAuthority {
    /// The memory it takes: as sent, and normalised.
    pub(crate) fn cost(&self) -> usize {
        let raw = self.raw.as_ref().known().map_or(0, |raw| raw.len());
        size_of::<Self>() + raw * if self.parsed.is_some() { 2 } else { 1 }
    }
}

/// What is wrong with the authority of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityDefect {
    /// Not an authority, with userinfo, sent twice, or not sent where HTTP/1.1 demands it.
    Malformed,
    /// `:authority` and `Host` differ after normalisation.
    Conflict,
}

/// How a connection was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conduct {
    /// Whether the first authority that was seen on it was its server name; `None` before there was one.
    pub opened_for_sni: Option<bool>,
    /// How many hosts were asked for on it.
    pub hosts: u16,
}

/// One request and its response.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was known of the connection when the exchange ended.
    pub connection: Arc<Facts>,
    /// HTTP/2: the stream id. HTTP/1: 1 for the first request on the connection, then 2, 3 …
    pub stream: u64,
    /// The request's version.
    pub version: HttpVersion,
    /// The request's method.
    pub method: Seen<Method>,
    /// Whom it asked for.
    pub authority: Arc<RequestAuthority>,
    /// A CONNECT for a tunnel: its authority is where the tunnel leads.
    pub tunnel: bool,
    /// The final response's status.
    pub status: Option<u16>,
    /// Whether it is the first request on the connection; `None` where the start was not seen.
    pub first: Option<bool>,
    /// When the request's head was complete; without a request, when the response's was.
    pub started: Timestamp,
    /// When the final response's head was complete.
    pub responded: Option<Timestamp>,
    /// The trace that the request says it is part of. `None` where it says nothing valid, or says it twice, or
    /// what it says could not be read.
    pub traceparent: Option<TraceParent>,
    /// What its fields say of who sent it.
    pub hints: RequestHints,
    /// What the response says of who made it, where it refuses.
    pub answer: Option<Answer>,
    /// The reason with which the server took back the stream, unanswered or not (RFC 9113 §7).
    pub reset: Option<u32>,
    /// How its connection was used until then.
    pub conduct: Conduct,
    /// Whether its authority belonged on this connection. Evidence from other connections is added by
    /// [`Judge`](crate::judge::Judge).
    pub verdict: Verdict,
}

impl Exchange {
    /// The host asked for, where it is known.
    pub fn host(&self) -> Option<&Host> {
        self.authority.parsed.as_ref().map(|authority| &authority.host)
    }

    /// The authority is not what the handshake was for: by the verdict, or by an invalid SNI of another host.
    pub fn is_mismatched(&self) -> bool {
        self.verdict.is_mismatch()
            || self.verdict == Verdict::SniInvalid && {
                let sni = self.connection.tls.as_ref().and_then(|tls| tls.sni_host.as_ref());
                sni.zip(self.host()).is_some_and(|((sni, _), host)| sni != host)
            }
    }

    /// It is a request of `wrongdoor probe`, as its user agent or its connection says. Any client can say that.
    pub fn is_probe(&self) -> bool {
        self.hints.agent == Seen::Known(AgentClass::Probe) || self.connection.is_probe()
    }

    /// The response is 421.
    pub fn is_misdirected(&self) -> bool {
        self.status == Some(421)
    }
}
