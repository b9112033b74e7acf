//! The handshake of a live connection, from the segments of its socket: facts, and nothing else.

use super::PerDirection;
use crate::connection::tcp::Resources;
use crate::layer::tls::Session;
use crate::layer::{Gap, Hello, Position, hello};
use crate::observation::probe_event::Direction;
use crate::observation::{Context, Observed};
use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::reassembly::{Delivery, Stream};

/// What the socket's two streams begin with.
#[derive(Default)]
pub(super) struct ProbeHandshake {
    /// `None` once everything was read, or where there is nothing to be read.
    open: Option<Box<Open>>,
    /// Whose hello came through which direction.
    role: Option<Side>,
}

#[derive(Default)]
struct Open {
    streams: PerDirection<Stream>,
    reader: Reader,
}

/// What the streams are read by.
#[derive(Default)]
struct Reader {
    /// The first bytes of each direction, until they tell whose hello it is.
    first: PerDirection<Vec<u8>>,
    /// The end that this is, once that is known, and what reads the hellos.
    session: Option<(Side, Box<Session>)>,
    /// Nothing more can be learnt.
    is_over: bool,
}

/// One piece of a stream.
pub(crate) struct HelloSegment<'a> {
    pub(crate) at: Timestamp,
    pub(crate) direction: Direction,
    pub(crate) offset: u32,
    pub(crate) needs_session: bool,
    pub(crate) bytes: &'a [u8],
}

impl ProbeHandshake {
    /// Of a socket whose first byte is still to come.
    pub(super) fn awaited() -> Self {
        Self { open: Some(Box::default()), role: None }
    }

    /// One piece. A hello that does not fit to `role`, which the library told, is not this connection's.
    pub(super) fn segment(
        &mut self,
        segment: &HelloSegment<'_>,
        role: Option<Side>,
        observed: &mut Observed,
        resources: &mut Resources<'_>,
    ) {
        let Some(open) = &mut self.open else { return };
        let Open { streams, reader } = &mut **open;
        let stream = streams.get_mut(segment.direction);
        // Offsets are sequence numbers that begin at 0.
        stream.start(u32::MAX);
        stream.segment(segment.at, segment.offset, segment.bytes, 0, false, |delivery| {
            reader.read(segment.direction, &delivery, role, &mut observed.context(resources));
        });
        self.settle();
    }

    /// Nothing more will come.
    pub(super) fn finish(
        &mut self,
        role: Option<Side>,
        observed: &mut Observed,
        resources: &mut Resources<'_>,
    ) {
        let Some(mut open) = self.open.take() else { return };
        let Open { streams, reader } = &mut *open;
        for direction in [Direction::Received, Direction::Sent] {
            streams.get_mut(direction).flush(|delivery| {
                reader.read(direction, &delivery, role, &mut observed.context(resources));
            });
        }
        if let Some((_, session)) = &mut reader.session {
            session.finish(&mut observed.context(resources));
        }
    }

    /// The end that this is, once a hello told.
    pub(super) fn role(&self) -> Option<Side> {
        self.role
    }

    /// Nothing more can be learnt from segments.
    pub(super) fn is_over(&self) -> bool {
        self.open.is_none()
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.open.as_ref().map_or(0, |open| {
            let reader = &open.reader;
            let session = reader.session.as_ref().map_or(0, |(_, session)| session.held());
            let first = reader.first.received.len() + reader.first.sent.len();
            let streams = &open.streams;
            streams.received.held_bytes() + streams.sent.held_bytes() + first + session
        })
    }

    /// Most connections are long past it: what it took is given back.
    fn settle(&mut self) {
        let Some(open) = &self.open else { return };
        self.role = open.reader.session.as_ref().map(|(role, _)| *role);
        if open.reader.is_over {
            self.open = None;
        }
    }
}

impl Reader {
    fn read(
        &mut self,
        direction: Direction,
        delivery: &Delivery<'_>,
        role: Option<Side>,
        cx: &mut Context<'_>,
    ) {
        if self.is_over {
            return;
        }
        let Some((this, session)) = &mut self.session else {
            match delivery {
                Delivery::Data(at, bytes) => self.begin(direction, *at, bytes, role, cx),
                // Without its first bytes it is nothing that could be told.
                Delivery::Gap(_) => self.is_over = true,
            }
            return;
        };
        let side = direction.side(*this);
        match delivery {
            Delivery::Data(at, bytes) => session.feed(side, *at, bytes, cx),
            Delivery::Gap(len) => {
                cx.gap();
                session.gap(side, Gap::Exactly(*len), cx);
            }
        }
        self.is_over = session.has_said_all();
    }

    /// The first bytes of a direction say which end is the client.
    fn begin(
        &mut self,
        direction: Direction,
        at: Timestamp,
        bytes: &[u8],
        role: Option<Side>,
        cx: &mut Context<'_>,
    ) {
        let first = self.first.get_mut(direction);
        first.extend_from_slice(bytes);
        let sender = match hello(first) {
            Hello::NeedMore => return,
            Hello::None => {
                self.is_over = true;
                return;
            }
            Hello::Of(sender) => sender,
        };
        let this = if direction == Direction::Sent { sender } else { sender.other() };
        if role.is_some_and(|role| role != this) {
            cx.counters.error(super::PROTOCOL, "contradicted");
            self.is_over = true;
            return;
        }
        cx.observed.is_ours = true;
        cx.tls();
        let mut session =
            Box::new(Session::only_hellos(Position { nesting: 1, requests_before: 0 }));
        for direction in [direction, direction.other()] {
            let first = std::mem::take(self.first.get_mut(direction));
            session.feed(direction.side(this), at, &first, cx);
        }
        self.is_over = session.has_said_all();
        self.session = Some((this, session));
    }
}
