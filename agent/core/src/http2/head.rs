//! Header lists: the few fields that say what a request is for, and how it was answered.

use super::hpack::{Decoder, Field, HpackError, Keep, Value};
use crate::connection::{Context, OriginSet, raw_text};
use crate::exchange::{AuthorityDefect, Method, RequestAuthority};
use crate::name::{Authority, without_userinfo};
use crate::seen::Seen;
use crate::signals::{Answer, Hint, Hints, RequestHints};
use crate::trace_context::TraceParent;
use std::sync::Arc;

/// The values that are looked at; every other value is passed over and stored nowhere.
pub(super) fn keep(name: &[u8]) -> Keep {
    match name {
        b":method" | b":authority" | b":status" | b"host" | b"traceparent" => Keep::Whole,
        _ if Hint::named(name).is_some() => Keep::Digest(digest),
        _ => Keep::Nothing,
    }
}

/// What the table keeps of a field that is of use only as a number or a class.
fn digest(name: &[u8], value: &[u8]) -> u64 {
    Hint::named(name).map_or(0, |hint| hint.digest(value))
}

/// One decoded header list. There is one for all connections, whose buffers are reused from block to block.
#[derive(Debug, Default)]
pub(crate) struct HeaderList {
    method: Slot,
    authority: Slot,
    status: Slot,
    host: Slot,
    traceparent: Slot,
    hints: Hints,
    /// `:protocol` (RFC 8441): an extended CONNECT is a request like any other.
    protocol: bool,
    /// Any request pseudo-header field: the list is a request, not trailers.
    request: bool,
    /// A name could not be read: nothing is provably absent.
    unreadable_name: bool,
}

#[derive(Debug, Default)]
struct Slot {
    bytes: Vec<u8>,
    count: u32,
    unreadable: bool,
}

/// A decoded request; the default is one of which nothing is known.
#[derive(Default)]
pub(super) struct RequestHead {
    pub(super) method: Seen<Method>,
    pub(super) authority: Arc<RequestAuthority>,
    pub(super) tunnel: bool,
    pub(super) traceparent: Option<TraceParent>,
    pub(super) hints: RequestHints,
    pub(super) origins: Option<Arc<OriginSet>>,
}

impl RequestHead {
    /// The memory it takes while it waits for its response.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.authority.cost()
    }
}

impl Slot {
    fn clear(&mut self) {
        self.bytes.clear();
        // What one long value has taken is not kept for the life of the connection.
        self.bytes.shrink_to(4096);
        self.count = 0;
        self.unreadable = false;
    }

    fn set(&mut self, value: Value<'_>) {
        self.count += 1;
        if self.count > 1 {
            return;
        }
        match value {
            Value::Known(bytes) => self.bytes.extend_from_slice(bytes),
            Value::Digest(_) | Value::Omitted | Value::Unreadable => self.unreadable = true,
        }
    }

    fn seen(&self, nothing_is_absent: bool) -> Seen<&[u8]> {
        match (self.count, self.unreadable, nothing_is_absent) {
            (0, _, true) | (1.., true, _) => Seen::Unreadable,
            (0, _, false) => Seen::Absent,
            (1.., false, _) => Seen::Known(&self.bytes),
        }
    }
}

impl HeaderList {
    /// Replaces what was here with a list of which nothing is known.
    pub(super) fn forget(&mut self) {
        self.clear();
        self.unreadable_name = true;
        self.hints.doubt_absence();
    }

    fn clear(&mut self) {
        let Self { method, authority, status, host, traceparent, .. } = self;
        [method, authority, status, host, traceparent].into_iter().for_each(Slot::clear);
        (self.protocol, self.request, self.unreadable_name) = (false, false, false);
        self.hints = Hints::default();
    }

    /// Decodes a block, replacing what was here.
    pub(super) fn decode(&mut self, decoder: &mut Decoder, block: &[u8]) -> Result<(), HpackError> {
        self.clear();
        let decoded = decoder.decode(block, |Field { name, value }| {
            let Seen::Known(name) = name else {
                self.unreadable_name = true;
                return;
            };
            match name {
                b":method" => self.method.set(value),
                b":authority" => self.authority.set(value),
                b":status" => self.status.set(value),
                b"host" => self.host.set(value),
                b"traceparent" => self.traceparent.set(value),
                b":protocol" => self.protocol = true,
                _ => {
                    if let Some(hint) = Hint::named(name) {
                        match value {
                            Value::Known(bytes) => self.hints.set(hint, bytes),
                            Value::Digest(digest) => self.hints.set_digest(hint, Some(digest)),
                            Value::Omitted | Value::Unreadable => self.hints.set_digest(hint, None),
                        }
                    }
                }
            }
            self.request |= matches!(name, b":method" | b":authority" | b":path" | b":scheme");
        });
        if self.unreadable_name {
            self.hints.doubt_absence();
        }
        decoded
    }

    /// What a response says of who made it.
    pub(super) fn answer(&self) -> Answer {
        Answer::of(&self.hints)
    }

    /// Whether this is a request's list and not trailers; what cannot be told is taken for a request.
    pub(super) fn is_request(&self) -> bool {
        self.request || self.unreadable_name
    }

    /// The status; [`Seen::Absent`] in trailers.
    pub(super) fn status(&self) -> Seen<u16> {
        match self.status.seen(self.unreadable_name) {
            // Three digits, of which the first is the class (RFC 9110 §15).
            Seen::Known([class @ b'1'..=b'9', rest @ ..])
                if rest.len() == 2 && rest.iter().all(u8::is_ascii_digit) =>
            {
                let digits = [class].into_iter().chain(rest).map(|digit| u16::from(digit - b'0'));
                Seen::Known(digits.fold(0, |status, digit| status * 10 + digit))
            }
            Seen::Known(_) => Seen::Unreadable,
            Seen::Absent => Seen::Absent,
            Seen::Unreadable => Seen::Unreadable,
        }
    }

    /// What the request is for.
    pub(super) fn request(&self, cx: &mut Context<'_>) -> RequestHead {
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
        RequestHead { method, authority, tunnel, traceparent, hints, origins }
    }

    /// Of a field that comes twice neither counts (W3C Trace Context §3.2.1), and where a name could not be
    /// read it may have come twice.
    fn traceparent(&self) -> Option<TraceParent> {
        let Slot { bytes, count, unreadable } = &self.traceparent;
        let is_known = *count == 1 && !unreadable && !self.unreadable_name;
        is_known.then(|| TraceParent::parse(bytes)).flatten()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_count_and_are_not_kept() {
        let (mut list, mut decoder) = (HeaderList::default(), Decoder::new(keep));
        list.authority.set(Value::Known(&[b'a'; 60_000]));
        assert!(list.authority.bytes.capacity() >= 60_000);
        list.decode(&mut decoder, &[0x82]).unwrap();
        assert!(list.authority.bytes.capacity() <= 8192);
    }

    #[test]
    fn an_indexed_traceparent_is_right_or_unknown() {
        const VALUE: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut block = vec![0x40, 11];
        block.extend_from_slice(b"traceparent");
        block.push(VALUE.len() as u8);
        block.extend_from_slice(VALUE);
        let expected = TraceParent::parse(VALUE);
        assert!(expected.is_some());

        let (mut list, mut decoder) = (HeaderList::default(), Decoder::new(keep));
        let mut read = |decoder: &mut Decoder, block: &[u8]| {
            list.decode(decoder, block).unwrap();
            list.traceparent()
        };
        assert_eq!(read(&mut decoder, &block), expected);
        assert_eq!(read(&mut decoder, &[0xbe]), expected);
        assert_eq!(read(&mut decoder, &[0xbe, 0xbe]), None);
        assert_eq!(read(&mut decoder, &[0x82]), None);
        // Of what was there before, an index says nothing.
        let mut late = Decoder::mid_connection(keep);
        assert_eq!(read(&mut late, &[0xbe]), None);
        assert_eq!(read(&mut late, &[&block[..], &[0xbf]].concat()), None);
        assert_eq!(read(&mut late, &[0xbe]), expected);
    }

    #[test]
    fn a_status_has_three_digits_and_no_less_than_100() {
        let cases = [
            ("421", Seen::Known(421)),
            ("999", Seen::Known(999)),
            ("098", Seen::Unreadable),
            ("+98", Seen::Unreadable),
            ("+421", Seen::Unreadable),
            ("42", Seen::Unreadable),
        ];
        for (text, expected) in cases {
            let mut list = HeaderList::default();
            list.status.set(Value::Known(text.as_bytes()));
            assert_eq!(list.status(), expected, "{text}");
        }
    }
}
