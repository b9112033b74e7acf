//! Frame headers and the payloads around header blocks (RFC 9113 §4, §6).

use super::reader::Reader;

/// The length of a frame header.
pub(crate) const HEAD_LEN: usize = 9;
/// What a client sends first (RFC 9113 §3.4).
pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The frame size that every peer accepts, and most never exceed (RFC 9113 §4.2).
const DEFAULT_MAX_FRAME: usize = 16_384;

/// A frame's type; unknown values survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameType(pub(crate) u8);

impl FrameType {
    pub(crate) const DATA: Self = Self(0);
    pub(crate) const HEADERS: Self = Self(1);
    pub(crate) const PRIORITY: Self = Self(2);
    pub(crate) const RST_STREAM: Self = Self(3);
    pub(crate) const SETTINGS: Self = Self(4);
    pub(crate) const PUSH_PROMISE: Self = Self(5);
    pub(crate) const PING: Self = Self(6);
    pub(crate) const GOAWAY: Self = Self(7);
    pub(crate) const WINDOW_UPDATE: Self = Self(8);
    pub(crate) const CONTINUATION: Self = Self(9);
    /// RFC 8336.
    pub(crate) const ORIGIN: Self = Self(12);
}

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHead {
    pub(crate) len: usize,
    pub(crate) kind: FrameType,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    /// The reserved bit, which is 0 where a frame really starts.
    reserved: bool,
}

impl FrameHead {
    pub(crate) fn parse(bytes: &[u8; HEAD_LEN]) -> Self {
        let [a, b, c, kind, flags, s0, s1, s2, s3] = *bytes;
        let len = u32::from_be_bytes([0, a, b, c]);
        let stream = u32::from_be_bytes([s0, s1, s2, s3]);
        Self {
            len: usize::try_from(len).unwrap_or(usize::MAX),
            kind: FrameType(kind),
            flags,
            stream: stream & 0x7fff_ffff,
            reserved: stream >> 31 != 0,
        }
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether the payload is worth collecting: it carries header blocks, or ends something.
    pub(crate) fn is_collected(&self) -> bool {
        matches!(
            self.kind,
            FrameType::HEADERS
                | FrameType::PUSH_PROMISE
                | FrameType::CONTINUATION
                | FrameType::RST_STREAM
                | FrameType::ORIGIN
        )
    }

    /// Whether the header obeys every rule of its type: lengths, stream ids, flags. By far most
    /// places in a stream that are not the start of a frame do not.
    pub(crate) fn is_strict(&self) -> bool {
        let on_stream = self.stream != 0;
        let flags = |defined: u8| self.flags & !defined == 0;
        let fits = match self.kind {
            FrameType::DATA => {
                on_stream && flags(END_STREAM | PADDED) && self.len <= DEFAULT_MAX_FRAME
            }
            FrameType::HEADERS => {
                let defined = END_STREAM | END_HEADERS | PADDED | PRIORITY;
                on_stream && flags(defined) && (1..=DEFAULT_MAX_FRAME).contains(&self.len)
            }
            FrameType::PRIORITY => on_stream && self.flags == 0 && self.len == 5,
            FrameType::RST_STREAM => on_stream && self.flags == 0 && self.len == 4,
            FrameType::SETTINGS => {
                let size = if self.has(ACK) {
                    self.len == 0
                } else {
                    self.len.is_multiple_of(6) && self.len <= 96
                };
                !on_stream && flags(ACK) && size
            }
            FrameType::PING => !on_stream && flags(ACK) && self.len == 8,
            FrameType::GOAWAY => !on_stream && self.flags == 0 && (8..=1024).contains(&self.len),
            FrameType::WINDOW_UPDATE => self.flags == 0 && self.len == 4,
            FrameType::CONTINUATION => {
                on_stream && flags(END_HEADERS) && self.len <= DEFAULT_MAX_FRAME
            }
            FrameType::PUSH_PROMISE => {
                on_stream
                    && flags(END_HEADERS | PADDED)
                    && (5..=DEFAULT_MAX_FRAME).contains(&self.len)
            }
            _ => false,
        };
        fits && !self.reserved
    }
}

/// The header block fragment of a HEADERS frame; `None` where padding or priority do not fit.
pub(crate) fn headers_fragment<'a>(head: &FrameHead, payload: &'a [u8]) -> Option<&'a [u8]> {
    let mut reader = Reader::new(payload);
    let padding = if head.has(PADDED) { usize::from(reader.u8()?) } else { 0 };
    if head.has(PRIORITY) {
        reader.skip(5)?;
    }
    reader.take(reader.len().checked_sub(padding)?)
}

/// The content of a DATA frame, without its padding.
pub(crate) fn data<'a>(head: &FrameHead, payload: &'a [u8]) -> Option<&'a [u8]> {
    let mut reader = Reader::new(payload);
    let padding = if head.has(PADDED) { usize::from(reader.u8()?) } else { 0 };
    reader.take(reader.len().checked_sub(padding)?)
}

/// The promised stream and the header block fragment of a PUSH_PROMISE frame.
pub(crate) fn push_promise<'a>(head: &FrameHead, payload: &'a [u8]) -> Option<(u32, &'a [u8])> {
    let mut reader = Reader::new(payload);
    let padding = if head.has(PADDED) { usize::from(reader.u8()?) } else { 0 };
    let promised = reader.u32()? & 0x7fff_ffff;
    Some((promised, reader.take(reader.len().checked_sub(padding)?)?))
}

/// Whether `bytes`, the whole of what one segment or record carried, is a chain of frames: each header
/// strict, the last one ending where the bytes end or, of DATA only, beyond, and at least one of a type
/// whose header alone proves its place.
///
/// This is how a place is found again after a gap. Body bytes pass it by accident about once in 2^40 times.
pub(crate) fn is_frame_chain(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut proven = false;
    while !rest.is_empty() {
        let Some((head, tail)) = rest.split_first_chunk::<HEAD_LEN>() else { return false };
        let head = FrameHead::parse(head);
        if !head.is_strict() {
            return false;
        }
        proven |= !matches!(head.kind, FrameType::DATA | FrameType::CONTINUATION);
        match tail.get(head.len..) {
            Some(after) => rest = after,
            None => return proven && head.kind == FrameType::DATA,
        }
    }
    proven
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        [&[0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream][..], payload].concat()
    }

    #[test]
    fn padding_and_priority_are_taken_off() {
        let payload = [2, 0, 0, 0, 0, 9, b'a', b'b', 0, 0];
        let bytes = frame(1, END_HEADERS | PADDED | PRIORITY, 1, &payload);
        let head = FrameHead::parse(bytes.first_chunk().unwrap());
        assert_eq!(headers_fragment(&head, &payload), Some(&b"ab"[..]));
        assert_eq!(headers_fragment(&head, &[9, 0, 0, 0, 0, 9, b'a']), None);
    }

    #[test]
    fn a_chain_of_frames_is_told_from_body_bytes() {
        let settings = frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]);
        let window = frame(8, 0, 0, &[0, 0, 1, 0]);
        assert!(is_frame_chain(&[settings.clone(), window.clone()].concat()));
        assert!(is_frame_chain(&[window, vec![0, 0x40, 0, 0, 0, 0, 0, 0, 1, 9, 9]].concat()));
        assert!(!is_frame_chain(&settings[..settings.len() - 1]));
        assert!(!is_frame_chain(&frame(0, 0, 1, b"body")));
        assert!(!is_frame_chain(b"HTTP/1.1 200 OK\r\n\r\n"));
        assert!(!is_frame_chain(&[0; 64]));
    }
}
