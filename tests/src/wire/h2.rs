//! HTTP/2 made by hand: frames, and header blocks that use the dynamic table.

use std::collections::VecDeque;

/// What a client sends first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The frame type of the same name.
pub const DATA: u8 = 0;
/// The frame type of the same name.
pub const HEADERS: u8 = 1;
/// The frame type of the same name.
pub const RST_STREAM: u8 = 3;
/// The frame type of the same name.
pub const SETTINGS: u8 = 4;
/// The frame type of the same name.
pub const PUSH_PROMISE: u8 = 5;
/// The frame type of the same name.
pub const GOAWAY: u8 = 7;
/// The frame type of the same name.
pub const CONTINUATION: u8 = 9;
/// The frame type of the same name.
pub const ORIGIN: u8 = 12;
/// The flag of the same name.
pub const END_STREAM: u8 = 1;
/// The flag of the same name.
pub const END_HEADERS: u8 = 4;
/// The flag of the same name.
pub const PADDED: u8 = 8;

/// A frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = vec![a, b, c, kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A HEADERS frame with the whole block.
pub fn headers(stream: u32, end_stream: bool, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | u8::from(end_stream), stream, block)
}

/// A HEADERS frame and CONTINUATION frames, each with at most `len` bytes of the block.
pub fn headers_in_pieces(stream: u32, end_stream: bool, block: &[u8], len: usize) -> Vec<u8> {
    let pieces = block.chunks(len.max(1));
    let last = pieces.len().saturating_sub(1);
    let mut bytes = Vec::new();
    for (at, piece) in pieces.enumerate() {
        let ends = if at == last { END_HEADERS } else { 0 };
        let (kind, flags) =
            if at == 0 { (HEADERS, ends | u8::from(end_stream)) } else { (CONTINUATION, ends) };
        bytes.extend(frame(kind, flags, stream, piece));
    }
    bytes
}

/// A HEADERS frame with so much padding.
pub fn padded_headers(stream: u32, end_stream: bool, block: &[u8], padding: u8) -> Vec<u8> {
    let mut payload = vec![padding];
    payload.extend_from_slice(block);
    payload.resize(payload.len() + usize::from(padding), 0);
    frame(HEADERS, END_HEADERS | PADDED | u8::from(end_stream), stream, &payload)
}

/// A PUSH_PROMISE frame with the whole block.
pub fn push_promise(stream: u32, promised: u32, block: &[u8]) -> Vec<u8> {
    let mut payload = promised.to_be_bytes().to_vec();
    payload.extend_from_slice(block);
    frame(PUSH_PROMISE, END_HEADERS, stream, &payload)
}

/// DATA frames of at most 16 KiB; the last one ends the stream if asked to.
pub fn data(stream: u32, end_stream: bool, body: &[u8]) -> Vec<u8> {
    let pieces = body.chunks(16_384);
    let last = pieces.len().saturating_sub(1);
    let mut bytes = Vec::new();
    for (at, piece) in pieces.enumerate() {
        bytes.extend(frame(DATA, u8::from(end_stream && at == last), stream, piece));
    }
    bytes
}

/// An ORIGIN frame.
pub fn origin(origins: &[&str]) -> Vec<u8> {
    let mut payload = Vec::new();
    for origin in origins {
        payload.extend_from_slice(&u16::try_from(origin.len()).unwrap_or(0).to_be_bytes());
        payload.extend_from_slice(origin.as_bytes());
    }
    frame(ORIGIN, 0, 0, &payload)
}

/// An encoder of header blocks: every field goes into the dynamic table and is an index from then on.
#[derive(Clone, Debug)]
pub struct Hpack {
    table: VecDeque<(Vec<u8>, Vec<u8>)>,
    size: usize,
    limit: usize,
}

impl Default for Hpack {
    fn default() -> Self {
        Self { table: VecDeque::new(), size: 0, limit: 4096 }
    }
}

// ===== impl Hpack =====

impl Hpack {
    /// A block of `fields`.
    pub fn block(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in fields {
            self.field(name.as_bytes(), value.as_bytes(), &mut block);
        }
        block
    }

    /// A GET, POST, … for an authority.
    pub fn request(&mut self, method: &str, authority: &str) -> Vec<u8> {
        let path = "/x";
        self.block(&[
            (":method", method),
            (":scheme", "http"),
            (":authority", authority),
            (":path", path),
        ])
    }

    /// A response with this status.
    pub fn response(&mut self, status: u16) -> Vec<u8> {
        self.block(&[(":status", &status.to_string()), ("server", "by hand")])
    }

    /// Changes the size of the table, which the next block says in front.
    pub fn resize(&mut self, limit: usize) -> Vec<u8> {
        self.limit = limit;
        self.evict(0);
        let mut update = Vec::new();
        integer(0x20, 5, limit, &mut update);
        update
    }

    fn field(&mut self, name: &[u8], value: &[u8], block: &mut Vec<u8>) {
        let known = |entry: &(Vec<u8>, Vec<u8>)| entry.0 == name && entry.1 == value;
        if let Some(at) = self.table.iter().position(known) {
            return integer(0x80, 7, 62 + at, block);
        }
        // Literal with incremental indexing (RFC 7541 §6.2.1), the name from the table if it is there.
        match self.table.iter().position(|entry| entry.0 == name) {
            Some(at) => integer(0x40, 6, 62 + at, block),
            None => {
                block.push(0x40);
                string(name, block);
            }
        }
        string(value, block);
        let size = name.len() + value.len() + 32;
        self.evict(size);
        if size <= self.limit {
            self.table.push_front((name.to_vec(), value.to_vec()));
            self.size += size;
        }
    }

    fn evict(&mut self, room: usize) {
        while self.size + room > self.limit {
            let Some((name, value)) = self.table.pop_back() else { return };
            self.size -= name.len() + value.len() + 32;
        }
    }
}

fn string(text: &[u8], block: &mut Vec<u8>) {
    integer(0, 7, text.len(), block);
    block.extend_from_slice(text);
}

/// An integer with a prefix of so many bits (RFC 7541 §5.1).
fn integer(pattern: u8, bits: u32, value: usize, block: &mut Vec<u8>) {
    let most = (1_usize << bits) - 1;
    let low = |value: usize| u8::try_from(value & 0x7f).unwrap_or(0);
    if value < most {
        return block.push(pattern | low(value));
    }
    block.push(pattern | u8::try_from(most).unwrap_or(0x7f));
    let mut rest = value - most;
    while rest >= 128 {
        block.push(low(rest) | 0x80);
        rest >>= 7;
    }
    block.push(low(rest));
}
