//! What the kernel's side makes of plaintext: heads are forwarded, bodies are left out. A reference,
//! written for being plainly right, a byte at a time.

use std::collections::VecDeque;

use wrongdoor_core::side::Side;

use crate::wire::h2;

/// Plaintext as it is forwarded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// Bytes left out in front.
    pub omitted: u64,
    /// It begins where a frame or a message does.
    pub at_boundary: bool,
    /// What is forwarded.
    pub bytes: Vec<u8>,
}

/// Walks over both directions of one session.
#[derive(Debug)]
pub struct Walker {
    is_http2: bool,
    client: Way,
    server: Way,
    /// Whether each request that waits for its answer was a HEAD.
    asked: VecDeque<bool>,
}

/// One direction.
#[derive(Debug, Default)]
struct Way {
    state: State,
    /// A head or a line in the making. That of a frame may yet turn out to be left out.
    head: Vec<u8>,
    omitted: u64,
    out: Vec<Forwarded>,
    /// The last piece goes on with the next byte.
    is_open: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// So many bytes of the preface to come.
    Preface(usize),
    #[default]
    Head,
    /// So many bytes of a frame's payload, forwarded or not.
    Payload(usize, bool),
    Body(u64),
    UntilClose,
    ChunkSize,
    /// So many bytes of a chunk, and of the line end behind it.
    Chunk(u64, u64),
    Trailers,
}

// ===== impl Walker =====

impl Walker {
    /// Of a session that begins.
    pub fn new(is_http2: bool) -> Self {
        let mut client = Way::default();
        if is_http2 {
            client.state = State::Preface(h2::PREFACE.len());
        }
        Self { is_http2, client, server: Way::default(), asked: VecDeque::new() }
    }

    /// What one call of the library read or wrote, and what of it is forwarded.
    pub fn call(&mut self, side: Side, bytes: &[u8]) -> Vec<Forwarded> {
        for byte in bytes {
            if self.is_http2 {
                self.way(side).frame_byte(*byte);
            } else {
                self.message_byte(side, *byte);
            }
        }
        let way = self.way(side);
        way.is_open = false;
        std::mem::take(&mut way.out)
    }

    fn way(&mut self, side: Side) -> &mut Way {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn message_byte(&mut self, side: Side, byte: u8) {
        let way = self.way(side);
        match way.state {
            State::Body(left) => {
                way.omit(1);
                way.state = if left > 1 { State::Body(left - 1) } else { State::Head };
            }
            State::UntilClose => way.omit(1),
            State::Chunk(left, end) => match left {
                0 => {
                    way.forward(byte, false);
                    way.state = if end > 1 { State::Chunk(0, end - 1) } else { State::ChunkSize };
                }
                _ => {
                    way.omit(1);
                    way.state = State::Chunk(left - 1, end);
                }
            },
            State::ChunkSize => {
                way.forward(byte, false);
                if let Some(line) = way.line(byte, b"\n") {
                    let digits = line.split(|byte| b";\r\n".contains(byte)).next();
                    let digits = String::from_utf8_lossy(digits.unwrap_or_default()).into_owned();
                    way.state = match u64::from_str_radix(&digits, 16).unwrap_or(0) {
                        0 => State::Trailers,
                        size => State::Chunk(size, 2),
                    };
                }
            }
            State::Trailers => {
                way.forward(byte, false);
                if way.line(byte, b"\n").is_some_and(|line| line == b"\r\n") {
                    way.state = State::Head;
                }
            }
            State::Head | State::Preface(_) | State::Payload(..) => {
                let is_first = way.head.is_empty();
                way.forward(byte, is_first);
                if let Some(head) = way.line(byte, b"\r\n\r\n") {
                    let state = self.after_head(side, &String::from_utf8_lossy(&head));
                    self.way(side).state = state;
                }
            }
        }
    }

    fn after_head(&mut self, side: Side, head: &str) -> State {
        let is_bodiless = match side {
            Side::Client => {
                self.asked.push_back(head.starts_with("HEAD "));
                false
            }
            Side::Server => {
                let status = head.split(' ').nth(1).unwrap_or_default();
                if status.starts_with('1') {
                    return State::Head;
                }
                self.asked.pop_front().unwrap_or(false) || matches!(status, "204" | "304")
            }
        };
        let head = head.to_ascii_lowercase();
        let field = |name: &str| {
            head.lines()
                .find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned()))
        };
        let length = field("content-length:").and_then(|value| value.parse().ok());
        match (field("transfer-encoding:"), length) {
            _ if is_bodiless => State::Head,
            (Some(_), _) => State::ChunkSize,
            (None, Some(0)) => State::Head,
            (None, Some(length)) => State::Body(length),
            (None, None) if side == Side::Client => State::Head,
            (None, None) => State::UntilClose,
        }
    }
}

// ===== impl Way =====

impl Way {
    fn frame_byte(&mut self, byte: u8) {
        match self.state {
            State::Preface(left) => {
                self.forward(byte, left == h2::PREFACE.len());
                self.state = if left > 1 { State::Preface(left - 1) } else { State::Head };
            }
            State::Payload(left, is_forwarded) => {
                if is_forwarded {
                    self.forward(byte, false);
                } else {
                    self.omit(1);
                }
                self.state =
                    if left > 1 { State::Payload(left - 1, is_forwarded) } else { State::Head };
            }
            _ => {
                self.head.push(byte);
                if self.head.len() == 9 {
                    self.frame_head();
                }
            }
        }
    }

    fn frame_head(&mut self) {
        let head = std::mem::take(&mut self.head);
        let [a, b, c, kind, flags, ..] = head[..] else { return };
        let len = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(0);
        let is_whole = matches!(
            kind,
            h2::HEADERS
                | h2::CONTINUATION
                | h2::PUSH_PROMISE
                | h2::SETTINGS
                | h2::RST_STREAM
                | h2::GOAWAY
                | h2::ORIGIN
        );
        if is_whole || kind == h2::DATA && flags & h2::END_STREAM != 0 {
            for (at, byte) in head.iter().enumerate() {
                self.forward(*byte, at == 0);
            }
        } else {
            self.omit(9);
        }
        self.state = if len > 0 { State::Payload(len, is_whole) } else { State::Head };
    }

    fn forward(&mut self, byte: u8, at_boundary: bool) {
        if !self.is_open {
            let omitted = std::mem::take(&mut self.omitted);
            self.out.push(Forwarded { omitted, at_boundary, bytes: Vec::new() });
            self.is_open = true;
        }
        if let Some(last) = self.out.last_mut() {
            last.bytes.push(byte);
        }
    }

    fn omit(&mut self, len: u64) {
        self.omitted += len;
        self.is_open = false;
    }

    /// What ends with `end`, once it is there.
    fn line(&mut self, byte: u8, end: &[u8]) -> Option<Vec<u8>> {
        self.head.push(byte);
        self.head.ends_with(end).then(|| std::mem::take(&mut self.head))
    }
}
