//! A TCP conversation made by hand.

use std::net::SocketAddr;

use wrongdoor_core::side::Side;
use wrongdoor_core::time::Timestamp;

use super::segment::{ACK, FIN, RST, SYN};
use super::{Frame, Segment};

/// The largest payload of a segment, unless told otherwise: Ethernet's.
const MSS: usize = 1448;
/// One millisecond between frames.
const TICK: i64 = 1_000_000;

/// What a client and a server say to each other, segment by segment.
#[derive(Clone, Debug)]
pub struct Talk {
    client: SocketAddr,
    server: SocketAddr,
    /// The next sequence number of the client and of the server.
    next: (u32, u32),
    mss: usize,
    /// Everything so far.
    pub segments: Vec<Segment>,
}

// ===== impl Talk =====

impl Talk {
    /// From 192.0.2.1:50000 to 192.0.2.2:`port`, opened.
    pub fn open(port: u16) -> Self {
        let mut talk =
            Self::between(([192, 0, 2, 1], 50_000).into(), ([192, 0, 2, 2], port).into());
        talk.handshake();
        talk
    }

    /// Between any two, not opened yet.
    pub fn between(client: SocketAddr, server: SocketAddr) -> Self {
        Self { client, server, next: (1000, 2_000_000), mss: MSS, segments: Vec::new() }
    }

    /// With these initial sequence numbers.
    #[must_use]
    pub fn with_sequences(mut self, client: u32, server: u32) -> Self {
        self.next = (client, server);
        self
    }

    /// With segments of at most `mss` bytes.
    #[must_use]
    pub fn with_mss(mut self, mss: usize) -> Self {
        self.mss = mss.max(1);
        self
    }

    /// The three-way handshake.
    pub fn handshake(&mut self) {
        let (client, server) = self.next;
        self.push(Side::Client, SYN, Vec::new());
        self.next.0 = client.wrapping_add(1);
        self.push(Side::Server, SYN | ACK, Vec::new());
        self.next.1 = server.wrapping_add(1);
        self.push(Side::Client, ACK, Vec::new());
    }

    /// The client says something.
    pub fn client(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.say(Side::Client, bytes.as_ref())
    }

    /// The server says something.
    pub fn server(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.say(Side::Server, bytes.as_ref())
    }

    /// One of them says something.
    pub fn say(&mut self, side: Side, bytes: &[u8]) -> &mut Self {
        for piece in bytes.chunks(self.mss) {
            self.push(side, ACK, piece.to_vec());
            self.advance(side, piece.len());
        }
        self
    }

    /// One of them says something that the capture does not have, and the other has received.
    pub fn unseen(&mut self, side: Side, len: usize) -> &mut Self {
        self.advance(side, len);
        self
    }

    /// Both close.
    pub fn close(&mut self) -> &mut Self {
        for side in [Side::Client, Side::Server] {
            self.push(side, FIN | ACK, Vec::new());
            self.advance(side, 1);
        }
        self.push(Side::Client, ACK, Vec::new());
        self
    }

    /// One of them aborts.
    pub fn reset(&mut self, side: Side) -> &mut Self {
        self.push(side, RST | ACK, Vec::new());
        self
    }

    /// All of it, one frame a millisecond.
    pub fn frames(&self) -> Vec<Frame> {
        stamped(&self.segments)
    }

    fn push(&mut self, side: Side, flags: u8, payload: Vec<u8>) {
        let (from, to, sequence, acknowledgment) = match side {
            Side::Client => (self.client, self.server, self.next.0, self.next.1),
            Side::Server => (self.server, self.client, self.next.1, self.next.0),
        };
        let acknowledgment = if flags & ACK == 0 { 0 } else { acknowledgment };
        self.segments.push(Segment { from, to, sequence, acknowledgment, flags, payload });
    }

    fn advance(&mut self, side: Side, len: usize) {
        // Sequence numbers are offsets modulo 2^32.
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let next = match side {
            Side::Client => &mut self.next.0,
            Side::Server => &mut self.next.1,
        };
        *next = next.wrapping_add(len);
    }
}

/// Segments as frames, one a millisecond.
pub(super) fn stamped(segments: &[Segment]) -> Vec<Frame> {
    let times = (1..).map(|tick: i64| Timestamp(tick * TICK));
    segments.iter().zip(times).map(|(segment, at)| segment.frame(at)).collect()
}
