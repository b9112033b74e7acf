//! Header lists: the few fields that say what a request is for, and how it was answered.

use crate::http::Method;
use crate::http_facts::RequestSignals;
use crate::name::{Authority, AuthorityDefect, RequestAuthority, without_userinfo};
use crate::observation::{Context, HeaderList, OriginSet, raw_text};
use crate::seen::Seen;
use crate::trace_context::TraceParent;
use std::sync::Arc;

/// A decoded request; the default is one of which nothing is known.
#[derive(Default)]
pub(super) struct Http2RequestHead {
    pub(super) method: Seen<Method>,
    pub(super) authority: Arc<RequestAuthority>,
    pub(super) tunnel: bool,
    pub(super) traceparent: Option<TraceParent>,
    pub(super) hints: RequestSignals,
    pub(super) origins: Option<Arc<OriginSet>>,
}

impl Http2RequestHead {
    /// The memory it takes while it waits for its response.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.authority.cost()
    }
}

impl HeaderList {
    /// What the request is for.
    pub(super) fn request(&self, cx: &mut Context<'_>) -> Http2RequestHead {
        let method = match self.method.seen(self.unreadable_name) {
            Seen::Known(bytes) => Method::from_bytes(bytes).map_or(Seen::Unreadable, Seen::Known),
            Seen::Absent => Seen::Absent,
            Seen::Unreadable => Seen::Unreadable,
        };
        let is_connect = matches!(&method, Seen::Known(method) if method.as_str() == "CONNECT");
        let tunnel = is_connect && !self.protocol && !self.unreadable_name;
        let origins = cx.observed.facts.origins.clone();
        let authority = self.effective_authority(cx);
        let (traceparent, hints) = (self.traceparent(), self.hints.request());
        Http2RequestHead { method, authority, tunnel, traceparent, hints, origins }
    }

    /// `:authority`, or `Host` where there is none (RFC 9113 §8.3.1).
    fn effective_authority(&self, cx: &mut Context<'_>) -> Arc<RequestAuthority> {
        let host = self.host.seen(self.unreadable_name);
        let (effective, count) = match self.authority.seen(self.unreadable_name) {
            Seen::Absent => (host, self.host.count),
            authority => (authority, self.authority.count),
        };
        let conflict = match (self.authority.seen(self.unreadable_name), host) {
            (Seen::Known(authority), Seen::Known(host)) => conflict(authority, host),
            _ => false,
        };
        let repeated = count > 1 || self.host.count > 1;
        match effective {
            Seen::Known(raw) => known_authority(cx, raw, repeated, conflict),
            Seen::Absent => {
                Arc::new(RequestAuthority { raw: Seen::Absent, parsed: None, defect: None })
            }
            Seen::Unreadable => Arc::new(RequestAuthority::default()),
        }
    }
}

fn conflict(authority: &[u8], host: &[u8]) -> bool {
    authority != host
        && match (Authority::parse(authority), Authority::parse(host)) {
            (Ok(authority), Ok(host)) => {
                authority.host != host.host || authority.port_or(443) != host.port_or(443)
            }
            _ => true,
        }
}

/// The authority of a request that carries `raw`, from the connection's table where it was seen before.
pub(crate) fn known_authority(
    cx: &mut Context<'_>,
    raw: &[u8],
    repeated: bool,
    conflict: bool,
) -> Arc<RequestAuthority> {
    // An empty one is a missing one (RFC 9112 §3.2).
    if raw.is_empty() && !repeated && !conflict {
        return Arc::new(RequestAuthority { raw: Seen::Absent, parsed: None, defect: None });
    }
    let defect_of = |parsed: Option<&Authority>| match parsed {
        Some(parsed) if !parsed.userinfo && !repeated => {
            conflict.then_some(AuthorityDefect::Conflict)
        }
        _ => Some(AuthorityDefect::Malformed),
    };
    let shown = without_userinfo(raw);
    let is_same = |known: &RequestAuthority| {
        matches!(&known.raw, Seen::Known(text) if text.as_bytes() == &*shown)
            && known.defect == defect_of(known.parsed.as_ref())
    };
    cx.authority(is_same, || {
        let parsed = Authority::parse(raw).ok().filter(|_| !repeated);
        let defect = defect_of(parsed.as_ref());
        RequestAuthority { raw: Seen::Known(raw_text(&shown)), parsed, defect }
    })
}
