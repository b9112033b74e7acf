//! A TCP connection: its two streams in order, and the layers that they feed.

use super::context::{Context, Observed, Scratch};
use super::facts::{ConnectionId, Decryption, Facts, Source, TransportKind};
use crate::content::{Content, Place, sender};
use crate::live::Observer;
use crate::net::Flags;
use crate::net::{End, FlowKey, Tcp};
use crate::reassembly::{Delivery, Stream};
use crate::side::{PerSide, Side};
use crate::time::Timestamp;
use crate::tls::keylog::KeyLog;

/// One TCP connection, from its first packet to its last.
pub(crate) struct TcpConnection {
    key: FlowKey,
    client: End,
    /// The client is known by more than its port.
    client_is_sure: bool,
    streams: PerSide<Stream>,
    content: Content,
    pub(crate) observed: Observed,
    closing: Option<Timestamp>,
    last_fin: Option<Timestamp>,
}

/// The sequence numbers of the first bytes of both ends, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    a: Option<u32>,
    b: Option<u32>,
}

impl Opening {
    /// Whether a SYN of this end begins a later connection on the same ports. A copy of a SYN that came late does not.
    pub(crate) fn is_followed_by(&self, from: End, tcp: &Tcp) -> bool {
        let first = if from == End::A { self.a } else { self.b };
        tcp.flags.contains(Flags::SYN) && first != Some(tcp.sequence.wrapping_add(1))
    }
}

impl TcpConnection {
    pub(crate) fn new(
        id: ConnectionId,
        key: FlowKey,
        from: End,
        at: Timestamp,
        tcp: &Tcp,
        payload: &[u8],
        source: Source,
    ) -> Self {
        let is_syn = tcp.flags.contains(Flags::SYN);
        let (client, client_is_sure) =
            match (is_syn, tcp.flags.contains(Flags::ACK), sender(payload)) {
                (true, false, _) | (false, _, Some(Side::Client)) => (from, true),
                (true, true, _) | (false, _, Some(Side::Server)) => (from.other(), true),
                (false, _, None) => (key.higher_port(), false),
            };
        let facts = Facts {
            id,
            client: Some(key.endpoint(client)),
            server: Some(key.endpoint(client.other())),
            client_declared: None,
            transport: TransportKind::Tcp,
            tls: None,
            decryption: Decryption::NotNeeded,
            opened: is_syn.then_some(at),
            first_seen: at,
            origins: None,
            observer: Observer::default(),
            source,
        };
        Self {
            key,
            client,
            client_is_sure,
            streams: PerSide::default(),
            content: Content::undecided(Place { nesting: 0, requests_before: 0 }),
            observed: Observed::new(facts),
            closing: None,
            last_fin: None,
        }
    }

    /// Whether a SYN of this end begins another connection on the same ports.
    pub(crate) fn is_reopened_by(&self, from: End, tcp: &Tcp) -> bool {
        let stream = self.streams.get(self.side(from));
        stream.is_started() && self.opening().is_followed_by(from, tcp)
    }

    /// What its own SYNs are recognised by.
    pub(crate) fn opening(&self) -> Opening {
        let first = |end| self.streams.get(self.side(end)).first_sequence();
        Opening { a: first(End::A), b: first(End::B) }
    }

    /// The end that sent, as a side.
    fn side(&self, from: End) -> Side {
        if from == self.client { Side::Client } else { Side::Server }
    }

    /// One segment. Afterwards [`closing`](Self::closing) says whether it was the last.
    pub(crate) fn segment(
        &mut self,
        from: End,
        at: Timestamp,
        tcp: &Tcp,
        payload: &[u8],
        missing: usize,
        cx: &mut Input<'_>,
    ) {
        self.learn_client(from, payload);
        let side = self.side(from);
        let has = |flag| tcp.flags.contains(flag);
        if has(Flags::SYN) {
            self.streams.get_mut(side).start(tcp.sequence);
            if has(Flags::ACK) {
                self.streams.client.start(tcp.acknowledgment.wrapping_sub(1));
            }
        } else if side == Side::Client && has(Flags::ACK) && payload.is_empty() && missing == 0 {
            self.complete_handshake(tcp);
        }
        if has(Flags::ACK) {
            self.deliver(side.other(), cx, |stream, deliver| {
                stream.acknowledged(tcp.acknowledgment, deliver)
            });
        }
        // A SYN may carry data (RFC 7413), which then begins behind it.
        let sequence = tcp.sequence.wrapping_add(u32::from(has(Flags::SYN)));
        if !payload.is_empty() || missing > 0 || has(Flags::FIN) {
            if !self.streams.get(side).is_started() && !has(Flags::SYN) {
                self.content.gap(side, None, false, &mut self.observed.context(cx));
            }
            self.deliver(side, cx, |stream, deliver| {
                stream.segment(at, sequence, payload, missing, has(Flags::FIN), deliver);
            });
        }
        // What was left out in front of it does not come.
        let is_over = |side| {
            let (stream, content) = (self.streams.get(side), &self.content);
            let is_left_out = cx.only_handshakes && content.is_beyond_handshake(side);
            stream.is_finished() || is_left_out && stream.has_fin()
        };
        let finished = is_over(Side::Client) && is_over(Side::Server);
        let is_reset = has(Flags::RST) && self.streams.get(side).is_near(tcp.sequence);
        if is_reset || finished {
            self.closing = Some(at);
        }
        if has(Flags::FIN) {
            self.last_fin = Some(at);
        }
    }

    /// The acknowledgment that completes the three-way handshake names the server's first byte, should the
    /// capture have missed its SYN.
    fn complete_handshake(&mut self, tcp: &Tcp) {
        let client = &self.streams.client;
        if client.began_with(tcp.sequence.wrapping_sub(1)) && !self.streams.server.is_started() {
            self.streams.server.start(tcp.acknowledgment.wrapping_sub(1));
        }
    }

    /// As long as nothing was read, what is sent says better than the port who the client is.
    fn learn_client(&mut self, from: End, payload: &[u8]) {
        if self.client_is_sure || payload.is_empty() || !self.content.is_undecided() {
            return;
        }
        let Some(side) = sender(payload) else { return };
        let client = if side == Side::Client { from } else { from.other() };
        self.client_is_sure = true;
        if client != self.client {
            self.client = client;
            std::mem::swap(&mut self.streams.client, &mut self.streams.server);
            self.content = Content::undecided(Place { nesting: 0, requests_before: 0 });
            for side in [Side::Client, Side::Server] {
                if self.streams.get(side).is_started() {
                    self.content.in_middle(side);
                }
            }
            let facts = std::sync::Arc::make_mut(&mut self.observed.facts);
            facts.client = Some(self.key.endpoint(client));
            facts.server = Some(self.key.endpoint(client.other()));
        }
    }

    /// Whether it is HTTP without TLS.
    pub(crate) fn is_cleartext(&self) -> bool {
        self.content.is_http()
    }

    /// The flow it is of.
    pub(crate) fn key(&self) -> FlowKey {
        self.key
    }

    /// Reads what waited for secrets, as far as they have come.
    pub(crate) fn resume(&mut self, cx: &mut Input<'_>) {
        self.content.retry(&mut self.observed.context(cx));
    }

    /// Whether it holds records whose secrets are not among these.
    pub(crate) fn awaits(&self, keys: &KeyLog) -> bool {
        self.content.awaits(keys)
    }

    /// When it ended, if it has.
    pub(crate) fn closing(&self) -> Option<Timestamp> {
        self.closing
    }

    /// Nothing more will come: what is held is delivered, and the layers tell what they have.
    pub(crate) fn finish(&mut self, cx: &mut Input<'_>) {
        for side in [Side::Client, Side::Server] {
            self.deliver(side, cx, |stream, deliver| stream.flush(deliver));
        }
        self.content.finish(&mut self.observed.context(cx));
        if self.streams.client.has_fin() && self.streams.server.has_fin() {
            self.closing = self.closing.or(self.last_fin);
        }
        for stream in [&self.streams.client, &self.streams.server] {
            let counters = stream.counters();
            cx.counters.retransmitted += counters.retransmitted;
            cx.counters.overlapping += counters.overlapping;
            cx.counters.out_of_window += counters.out_of_window;
        }
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.streams.client.held_bytes() + self.streams.server.held_bytes() + self.content.held()
    }

    fn deliver(
        &mut self,
        side: Side,
        input: &mut Input<'_>,
        work: impl FnOnce(&mut Stream, &mut dyn FnMut(Delivery<'_>)),
    ) {
        let (content, observed) = (&mut self.content, &mut self.observed);
        let only_handshakes = input.only_handshakes;
        work(self.streams.get_mut(side), &mut |delivery| {
            let mut cx = observed.context(input);
            match delivery {
                Delivery::Data(at, bytes) => content.feed(side, at, bytes, &mut cx),
                Delivery::Gap(len) => {
                    if !(only_handshakes && content.is_beyond_handshake(side)) {
                        cx.gap();
                    }
                    content.gap(side, Some(len), true, &mut cx);
                }
            }
        });
    }
}

/// What the engine lends a connection while it is fed.
pub(crate) struct Input<'a> {
    pub(crate) keys: &'a KeyLog,
    pub(crate) keys_may_come: bool,
    /// What is missing of TLS behind its handshake was left out on purpose.
    pub(crate) only_handshakes: bool,
    pub(crate) counters: &'a mut crate::counters::Counters,
    pub(crate) events: &'a mut Vec<crate::event::Event>,
    pub(crate) scratch: &'a mut Scratch,
}

impl Observed {
    pub(super) fn context<'a>(&'a mut self, input: &'a mut Input<'_>) -> Context<'a> {
        Context {
            keys: input.keys,
            keys_may_come: input.keys_may_come,
            observed: self,
            counters: input.counters,
            events: input.events,
            scratch: input.scratch,
        }
    }
}
