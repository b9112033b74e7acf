//! Header lists: the few fields that are kept of a block.

use crate::http_facts::{ErrorResponse, Hint, Hints};
use crate::seen::Seen;
use crate::trace_context::TraceParent;
use crate::wire::hpack::{Field, HpackDecoder, HpackError, Keep, Value};

/// The values that are looked at; every other value is passed over and stored nowhere.
pub(crate) fn keep(name: &[u8]) -> Keep {
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
    pub(crate) method: HeaderSlot,
    pub(crate) authority: HeaderSlot,
    pub(crate) status: HeaderSlot,
    pub(crate) host: HeaderSlot,
    pub(crate) traceparent: HeaderSlot,
    pub(crate) hints: Hints,
    /// `:protocol` (RFC 8441): an extended CONNECT is a request like any other.
    pub(crate) protocol: bool,
    /// Any request pseudo-header field: the list is a request, not trailers.
    pub(crate) request: bool,
    /// A name could not be read: nothing is provably absent.
    pub(crate) unreadable_name: bool,
}

#[derive(Debug, Default)]
pub(crate) struct HeaderSlot {
    pub(crate) bytes: Vec<u8>,
    pub(crate) count: u32,
    pub(crate) unreadable: bool,
}

impl HeaderSlot {
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

    pub(crate) fn seen(&self, nothing_is_absent: bool) -> Seen<&[u8]> {
        match (self.count, self.unreadable, nothing_is_absent) {
            (0, _, true) | (1.., true, _) => Seen::Unreadable,
            (0, _, false) => Seen::Absent,
            (1.., false, _) => Seen::Known(&self.bytes),
        }
    }
}

impl HeaderList {
    /// Replaces what was here with a list of which nothing is known.
    pub(crate) fn forget(&mut self) {
        self.clear();
        self.unreadable_name = true;
        self.hints.doubt_absence();
    }

    fn clear(&mut self) {
        let Self { method, authority, status, host, traceparent, .. } = self;
        [method, authority, status, host, traceparent].into_iter().for_each(HeaderSlot::clear);
        (self.protocol, self.request, self.unreadable_name) = (false, false, false);
        self.hints = Hints::default();
    }

    /// Decodes a block, replacing what was here.
    pub(crate) fn decode(
        &mut self,
        decoder: &mut HpackDecoder,
        block: &[u8],
    ) -> Result<(), HpackError> {
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
    pub(crate) fn answer(&self) -> ErrorResponse {
        ErrorResponse::of(&self.hints)
    }

    /// Whether this is a request's list and not trailers; what cannot be told is taken for a request.
    pub(crate) fn is_request(&self) -> bool {
        self.request || self.unreadable_name
    }

    /// The status; [`Seen::Absent`] in trailers.
    pub(crate) fn status(&self) -> Seen<u16> {
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

    /// Of a field that comes twice neither counts (W3C Trace Context §3.2.1), and where a name could not be
    /// read it may have come twice.
    pub(crate) fn traceparent(&self) -> Option<TraceParent> {
        let HeaderSlot { bytes, count, unreadable } = &self.traceparent;
        let is_known = *count == 1 && !unreadable && !self.unreadable_name;
        is_known.then(|| TraceParent::parse(bytes)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_count_and_are_not_kept() {
        let (mut list, mut decoder) = (HeaderList::default(), HpackDecoder::new(keep));
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

        let (mut list, mut decoder) = (HeaderList::default(), HpackDecoder::new(keep));
        let mut read = |decoder: &mut HpackDecoder, block: &[u8]| {
            list.decode(decoder, block).unwrap();
            list.traceparent()
        };
        assert_eq!(read(&mut decoder, &block), expected);
        assert_eq!(read(&mut decoder, &[0xbe]), expected);
        assert_eq!(read(&mut decoder, &[0xbe, 0xbe]), None);
        assert_eq!(read(&mut decoder, &[0x82]), None);
        // Of what was there before, an index says nothing.
        let mut late = HpackDecoder::mid_connection(keep);
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
