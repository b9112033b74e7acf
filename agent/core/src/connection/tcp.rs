//! A TCP connection: its two streams in order, and the layers that they feed.

use super::reopening::{Opening, Proposal};
use crate::counters::Counters;
use crate::layer::{Content, Gap, Position, sender};
use crate::observation::probe_event::Observer;
use crate::observation::{
    ConnectionId, Context, Decryption, Ends, Facts, Observed, Scratch, Source, TransportKind,
};
use crate::side::{PerSide, Side};
use crate::time::Timestamp;
use crate::wire::net::{End, Flags, FlowKey, Tcp};
use crate::wire::reassembly::{Delivery, Stream};
use crate::wire::tls::keylog::KeyLog;

const PROTOCOL: &str = "tcp";

/// One TCP connection, from its first packet to its last.
pub(crate) struct TcpConnection {
    key: FlowKey,
    client: End,
    /// The client is known by more than its port.
    client_is_sure: bool,
    streams: PerSide<Stream>,
    content: Content,
    pub(crate) observed: Observed,
    /// A SYN that contradicts it, until the other end proves that it began another connection.
    proposal: Option<Proposal>,
    closing: Option<Timestamp>,
    last_fin: Option<Timestamp>,
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
            ends: Some(Ends::of(&key, client)),
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
            content: Content::undecided(Position { nesting: 0, requests_before: 0 }),
            observed: Observed::new(facts),
            proposal: None,
            closing: None,
            last_fin: None,
        }
    }

    /// Whether a packet begins another connection on the same ports.
    pub(crate) fn opening(
        &mut self,
        from: End,
        at: Timestamp,
        packet: u64,
        tcp: &Tcp,
        counters: &mut Counters,
    ) -> Opening {
        if let Some(proposal) = self.proposal {
            let stream = self.streams.get(self.side(proposal.from));
            if proposal.is_accepted_by(from, tcp, stream) {
                return Opening::Another(self.proposal.take());
            }
        }
        if !tcp.flags.contains(Flags::SYN) {
            return Opening::Same;
        }
        let stream = self.streams.get(self.side(from));
        if !stream.is_started() || stream.began_with(tcp.sequence) {
            return Opening::Same;
        }
        // Its sender had nothing more to send.
        if stream.has_fin() {
            return Opening::Another(None);
        }
        if self.proposal.replace(Proposal { from, at, packet, tcp: *tcp }).is_some() {
            counters.error(PROTOCOL, "unexpected_syn");
        }
        Opening::Unproven
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
        cx: &mut Resources<'_>,
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
                self.content.gap(side, Gap::Unknown, &mut self.observed.context(cx));
            }
            if self.content.is_foreign() && self.streams.get(side).is_fresh() {
                self.look_at_answer(side, payload, cx.counters);
            }
            let copies = self.content.copies(side);
            self.deliver(side, cx, |stream, deliver| {
                stream.treat_copies(copies);
                stream.segment(at, sequence, payload, missing, has(Flags::FIN), deliver);
            });
        }
        if has(Flags::RST) && !self.reset(side, tcp) {
            cx.counters.error(PROTOCOL, "unexpected_reset");
        }
        if self.streams.client.is_ending() || self.streams.server.is_ending() {
            self.close(at, cx.only_handshakes);
        }
        if has(Flags::FIN) {
            self.last_fin = Some(at);
        }
    }

    /// The first bytes of a server whose client's could not be recognised. An answer of TLS or HTTP shows that they
    /// were a request.
    fn look_at_answer(&self, side: Side, payload: &[u8], counters: &mut Counters) {
        if side == Side::Server && sender(payload) == Some(Side::Server) {
            counters.error("connection", "beginning_unreadable");
        }
    }

    /// Notes the end, if both ends are over or one has reset the connection.
    fn close(&mut self, at: Timestamp, only_handshakes: bool) {
        let ends = [Side::Client, Side::Server].map(|side| {
            let stream = self.streams.get(side);
            // What was left out in front of it does not come.
            let is_left_out = only_handshakes && self.content.is_beyond_handshake(side);
            let is_over = stream.is_finished() || is_left_out && stream.has_fin();
            let is_reset = stream.is_reset() || is_left_out && stream.awaits_reset();
            (is_over, is_reset)
        });
        let is_over = ends.iter().all(|(is_over, _)| *is_over);
        if is_over || ends.iter().any(|(_, is_reset)| *is_reset) {
            self.closing = Some(at);
        }
    }

    /// An RST; false where it ends nothing.
    fn reset(&mut self, side: Side, tcp: &Tcp) -> bool {
        // What refuses a SYN has no place of its own (RFC 9293 §3.5.2).
        let other = self.streams.get(side.other());
        let refuses = tcp.flags.contains(Flags::ACK)
            && other.is_fresh()
            && other.expected() == Some(tcp.acknowledgment);
        let stream = self.streams.get_mut(side);
        if !stream.is_started() && refuses {
            stream.start(tcp.sequence.wrapping_sub(1));
        }
        stream.reset(tcp.sequence)
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
            self.content = Content::undecided(Position { nesting: 0, requests_before: 0 });
            for side in [Side::Client, Side::Server] {
                if self.streams.get(side).is_started() {
                    self.content.in_middle(side);
                }
            }
            let facts = std::sync::Arc::make_mut(&mut self.observed.facts);
            facts.ends = Some(Ends::of(&self.key, client));
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
    pub(crate) fn resume(&mut self, cx: &mut Resources<'_>) {
        self.content.retry(&mut self.observed.context(cx));
    }

    /// Whether it holds records whose secrets are not among these.
    pub(crate) fn awaits(&self, keys: &KeyLog) -> bool {
        self.content.awaits(keys)
    }

    /// Where its ends began and stopped, as far as that is known.
    pub(crate) fn sequence_ends(&self) -> SequenceEnds {
        let numbers = |end| {
            let stream = self.streams.get(self.side(end));
            Numbers { first: stream.first_sequence(), next: stream.expected() }
        };
        SequenceEnds { a: numbers(End::A), b: numbers(End::B) }
    }

    /// When it ended, if it has.
    pub(crate) fn closing(&self) -> Option<Timestamp> {
        self.closing
    }

    /// Nothing more will come: what is held is delivered, and the layers tell what they have.
    pub(crate) fn finish(&mut self, cx: &mut Resources<'_>) {
        for side in [Side::Client, Side::Server] {
            self.deliver(side, cx, |stream, deliver| stream.flush(deliver));
        }
        let client = &self.streams.client;
        let is_left = client.has_fin() || client.is_reset();
        self.observed.was_reset = self.streams.server.is_reset() && !is_left;
        self.content.finish(&mut self.observed.context(cx));
        if self.streams.client.has_fin() && self.streams.server.has_fin() {
            self.closing = self.closing.or(self.last_fin);
        }
        if self.proposal.take().is_some() {
            cx.counters.error(PROTOCOL, "unexpected_syn");
        }
        for stream in [&self.streams.client, &self.streams.server] {
            let counters = stream.counters();
            cx.counters.errors(PROTOCOL, "conflicting_overlap", counters.conflicting);
            cx.counters.errors(PROTOCOL, "out_of_window", counters.out_of_window);
            cx.counters.errors(PROTOCOL, "unexpected_reset", stream.awaits_reset().into());
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
        resources: &mut Resources<'_>,
        work: impl FnOnce(&mut Stream, &mut dyn FnMut(Delivery<'_>)),
    ) {
        let (content, observed) = (&mut self.content, &mut self.observed);
        let only_handshakes = resources.only_handshakes;
        work(self.streams.get_mut(side), &mut |delivery| {
            let mut cx = observed.context(resources);
            match delivery {
                Delivery::Data(at, bytes) => content.feed(side, at, bytes, &mut cx),
                Delivery::Gap(len) => {
                    if !(only_handshakes && content.is_beyond_handshake(side)) {
                        cx.gap();
                    }
                    content.gap(side, Gap::Exactly(len), &mut cx);
                }
            }
        });
    }
}

/// The sequence numbers of a connection that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SequenceEnds {
    a: Numbers,
    b: Numbers,
}

/// The sequence numbers of one direction, as far as they are known.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    /// Of its first byte.
    first: Option<u32>,
    /// Of the byte behind its last one.
    next: Option<u32>,
}

impl SequenceEnds {
    /// Whether a packet begins a later connection on the same ports: a SYN, and not a late copy of this connection's.
    pub(crate) fn is_followed_by(&self, from: End, tcp: &Tcp) -> bool {
        let numbers = if from == End::A { self.a } else { self.b };
        tcp.flags.contains(Flags::SYN) && numbers.first != Some(tcp.sequence.wrapping_add(1))
    }

    /// A segment of a connection that is over: counted where it has bytes that were not seen.
    pub(crate) fn segment(&mut self, from: End, tcp: &Tcp, len: usize, counters: &mut Counters) {
        let numbers = if from == End::A { &mut self.a } else { &mut self.b };
        let end = tcp.sequence.wrapping_add(u32::try_from(len).unwrap_or(u32::MAX));
        let beyond = numbers.next.map_or(0, |next| end.wrapping_sub(next).cast_signed());
        if len > 0 && beyond > 0 {
            counters.error(PROTOCOL, "after_end");
            numbers.next = Some(end);
        }
    }
}

/// What the engine lends a connection while it is fed.
pub(crate) struct Resources<'a> {
    pub(crate) keys: &'a KeyLog,
    pub(crate) keys_may_come: bool,
    /// What is missing of TLS behind its handshake was left out on purpose.
    pub(crate) only_handshakes: bool,
    pub(crate) counters: &'a mut Counters,
    pub(crate) events: &'a mut Vec<crate::observation::Event>,
    pub(crate) scratch: &'a mut Scratch,
}

impl Observed {
    pub(super) fn context<'a>(&'a mut self, resources: &'a mut Resources<'_>) -> Context<'a> {
        Context {
            keys: resources.keys,
            keys_may_come: resources.keys_may_come,
            observed: self,
            counters: resources.counters,
            events: resources.events,
            scratch: resources.scratch,
        }
    }
}
