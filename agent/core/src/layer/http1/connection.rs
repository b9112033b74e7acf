//! An HTTP/1 connection: requests in order, and the responses that answer them in that order.

use super::body::{Body, BodyProgress};
use super::direction::{Http1Direction, Phase};
use super::exchanges::{Outstanding, Refused};
use crate::counters::Loss;
use crate::http_facts::MAX_SNIFFED;
use crate::layer::{Content, Demand, Gap, Position, Standing};
use crate::observation::{Context, Response};
use crate::side::Side;
use crate::time::Timestamp;
use std::collections::VecDeque;

pub(super) const PROTOCOL: &str = "http1";

/// One HTTP/1 connection.
pub(crate) struct Http1 {
    pub(super) client: Http1Direction,
    pub(super) server: Http1Direction,
    pub(super) outstanding: VecDeque<Outstanding>,
    pub(super) outstanding_bytes: usize,
    pub(super) place: Position,
    /// How many requests were seen, those before a tunnel included.
    pub(super) requests: u64,
    /// What a tunnel or an upgrade carries.
    pub(super) inner: Option<Content>,
    /// The first thing that was fed was not HTTP.
    pub(super) not_http: bool,
    /// A 421 whose body is being looked at.
    pub(super) refused: Option<Box<Refused>>,
}

impl Http1 {
    pub(crate) fn new(place: Position) -> Self {
        Self {
            client: Http1Direction::default(),
            server: Http1Direction::default(),
            outstanding: VecDeque::new(),
            outstanding_bytes: 0,
            place,
            requests: place.requests_before,
            inner: None,
            not_http: false,
            refused: None,
        }
    }

    /// What was taken for a request line is none, and nothing was before it.
    pub(crate) fn is_not_http(&self) -> bool {
        self.not_http
    }

    pub(crate) fn demand(&self, side: Side) -> Demand {
        match (&self.direction(side).phase, &self.inner) {
            (Phase::Head, _) => Demand::Take(1024),
            (Phase::Body(_), _) if side == Side::Server && self.refused.is_some() => {
                Demand::Take(MAX_SNIFFED)
            }
            (Phase::Body(body), _) => body.demand(),
            (Phase::AwaitAnswer, _) => Demand::Take(usize::MAX),
            (Phase::Inner, Some(inner)) => inner.demand(side),
            (Phase::Inner, None) | (Phase::Stopped, _) => Demand::Skip(u64::MAX),
        }
    }

    pub(crate) fn skip(&mut self, side: Side, len: u64) {
        let direction = self.direction_mut(side);
        match &mut direction.phase {
            Phase::Body(body) => {
                if body.skip(len) {
                    direction.phase = Phase::Head;
                    self.message_ended(side);
                }
            }
            Phase::Inner => self.inner.iter_mut().for_each(|inner| inner.skip(side, len)),
            Phase::Head | Phase::AwaitAnswer | Phase::Stopped => {}
        }
    }

    pub(crate) fn held(&self) -> usize {
        let direction = |direction: &Http1Direction| direction.head.len() + direction.held_bytes;
        direction(&self.client)
            + direction(&self.server)
            + self.outstanding_bytes
            + self.refused.as_ref().map_or(0, |refused| refused.cost())
            + self.inner.as_ref().map_or(0, Content::held)
    }

    pub(crate) fn gap(&mut self, side: Side, gap: Gap, cx: &mut Context<'_>) {
        if side == Side::Server {
            self.looked_at(false, cx);
        }
        let direction = self.direction_mut(side);
        match (&mut direction.phase, gap) {
            (Phase::Inner, _) => self.inner.iter_mut().for_each(|inner| inner.gap(side, gap, cx)),
            (Phase::Stopped, _) => {}
            (Phase::Body(Body::UntilClose), _) => {}
            (Phase::Body(body), Gap::Exactly(len)) if len <= body.can_miss() => {
                if body.skip(len) {
                    direction.phase = Phase::Head;
                    self.message_ended(side);
                }
            }
            // Whether a message began in there cannot be told, so neither can any later number.
            _ => {
                cx.counters.error(PROTOCOL, "lost_place");
                self.stop(side);
            }
        }
        self.settle(cx);
    }

    pub(crate) fn feed(&mut self, side: Side, at: Timestamp, bytes: &[u8], cx: &mut Context<'_>) {
        // What is held is in front.
        let early =
            if self.direction(side).holds() { bytes } else { self.read(side, at, bytes, cx) };
        if !early.is_empty() {
            self.hold(side, at, 0, early, cx);
        }
        self.settle(cx);
    }

    fn hold(
        &mut self,
        side: Side,
        at: Timestamp,
        omitted: u64,
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) {
        if !self.direction_mut(side).hold(at, omitted, bytes) {
            cx.counters.lose(Loss::Limit);
            if side == Side::Server {
                cx.counters.error(PROTOCOL, "response_without_request");
            }
            self.stop(side);
        }
    }

    /// Bytes of a body were left out on purpose; false where there is no body of so many.
    pub(crate) fn omit(&mut self, side: Side, len: u64, cx: &mut Context<'_>) -> bool {
        if self.is_early(side) {
            self.hold(side, Timestamp::default(), len, &[], cx);
            return true;
        }
        self.pass_over(side, len, cx)
    }

    fn pass_over(&mut self, side: Side, len: u64, cx: &mut Context<'_>) -> bool {
        if side == Side::Server {
            self.looked_at(false, cx);
        }
        let direction = self.direction_mut(side);
        match &mut direction.phase {
            Phase::Body(body) if len <= body.can_miss() => {
                if body.skip(len) {
                    direction.phase = Phase::Head;
                    self.message_ended(side);
                }
                true
            }
            Phase::Head | Phase::Body(_) => false,
            Phase::Inner => self.inner.as_mut().is_none_or(|inner| inner.omit(side, len, cx)),
            Phase::AwaitAnswer | Phase::Stopped => true,
        }
    }

    /// Whether it is too early to read on in this direction.
    fn is_early(&self, side: Side) -> bool {
        let direction = self.direction(side);
        direction.holds()
            || match direction.phase {
                Phase::AwaitAnswer => true,
                Phase::Head => side == Side::Server && self.outstanding.is_empty(),
                _ => false,
            }
    }

    pub(crate) fn standing(&self, side: Side) -> Standing {
        let direction = self.direction(side);
        match &direction.phase {
            Phase::AwaitAnswer => Standing::Open,
            _ if direction.holds() => Standing::Open,
            Phase::Head if direction.head.is_empty() => Standing::Boundary,
            Phase::Head | Phase::Body(_) => Standing::Within,
            Phase::Inner => {
                self.inner.as_ref().map_or(Standing::Stopped, |inner| inner.standing(side))
            }
            Phase::Stopped => Standing::Stopped,
        }
    }

    /// Nothing more will come: requests without an answer are told as they are.
    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) {
        self.looked_at(false, cx);
        self.count_unasked(cx);
        while let Some(request) = self.next_outstanding() {
            self.tell(request, Response::Unseen, cx);
        }
        self.inner.iter_mut().for_each(|inner| inner.finish(cx));
    }

    /// Counts a response whose request did not come; a greeting of another protocol is none.
    fn count_unasked(&self, cx: &mut Context<'_>) {
        if self.server.held.front().is_some_and(|early| early.bytes.starts_with(b"HTTP/1.")) {
            cx.counters.error(PROTOCOL, "response_without_request");
        }
    }

    fn direction(&self, side: Side) -> &Http1Direction {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    fn direction_mut(&mut self, side: Side) -> &mut Http1Direction {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    pub(super) fn stop(&mut self, side: Side) {
        *self.direction_mut(side) =
            Http1Direction { phase: Phase::Stopped, ..Http1Direction::default() };
    }

    /// Reads on in what was held, as far as the other direction now allows.
    fn settle(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.server.phase, Phase::Body(_)) {
            self.looked_at(false, cx);
        }
        loop {
            // A body is read on in, however few requests wait.
            let server_waits =
                matches!(self.server.phase, Phase::Head) && self.outstanding.is_empty();
            let side = if !matches!(self.client.phase, Phase::AwaitAnswer) && self.client.holds() {
                Side::Client
            } else if !server_waits && self.server.holds() {
                Side::Server
            } else {
                break;
            };
            let Some(mut early) = self.direction_mut(side).held.pop_front() else { break };
            if early.omitted > 0 && !self.pass_over(side, std::mem::take(&mut early.omitted), cx) {
                cx.gap();
                cx.counters.error("live", "contradicted");
                self.stop(side);
                continue;
            }
            let unread = early.bytes.get(early.read..).unwrap_or_default();
            let still_early = self.read(side, early.at, unread, cx).len();
            let direction = self.direction_mut(side);
            if still_early > 0 {
                early.read = early.bytes.len() - still_early;
                direction.held.push_front(early);
            } else {
                direction.held_bytes = direction.held_bytes.saturating_sub(early.cost());
            }
        }
        // No request will come any more for a response that waits for one.
        if matches!(self.client.phase, Phase::Stopped) && !self.server.held.is_empty() {
            self.count_unasked(cx);
            self.stop(Side::Server);
        }
    }

    /// Reads the next bytes of one direction; returns those for which it is too early.
    fn read<'a>(
        &mut self,
        side: Side,
        at: Timestamp,
        bytes: &'a [u8],
        cx: &mut Context<'_>,
    ) -> &'a [u8] {
        match side {
            Side::Client => self.read_client(at, bytes, cx),
            Side::Server => self.read_server(at, bytes, cx),
        }
    }

    fn read_client<'a>(
        &mut self,
        at: Timestamp,
        mut bytes: &'a [u8],
        cx: &mut Context<'_>,
    ) -> &'a [u8] {
        while !bytes.is_empty() {
            match &mut self.client.phase {
                Phase::Head => {
                    let Some((head, rest)) = self.client.gather_head(bytes, cx) else { return &[] };
                    bytes = rest;
                    self.request(at, &head, cx);
                    self.client.recycle(head);
                }
                Phase::Body(body) => match body.read(bytes, None) {
                    BodyProgress::More => return &[],
                    BodyProgress::EndedExchange(used) => {
                        bytes = bytes.get(used..).unwrap_or_default();
                        self.client.phase = Phase::Head;
                        self.message_ended(Side::Client);
                    }
                    BodyProgress::Malformed => {
                        cx.counters.error(PROTOCOL, "chunk");
                        self.stop(Side::Client);
                    }
                },
                Phase::AwaitAnswer => return bytes,
                Phase::Inner => {
                    self.inner.iter_mut().for_each(|inner| inner.feed(Side::Client, at, bytes, cx));
                    return &[];
                }
                Phase::Stopped => return &[],
            }
        }
        &[]
    }

    fn read_server<'a>(
        &mut self,
        at: Timestamp,
        mut bytes: &'a [u8],
        cx: &mut Context<'_>,
    ) -> &'a [u8] {
        while !bytes.is_empty() {
            match &mut self.server.phase {
                Phase::Head => {
                    // The request may come yet: captures can order the directions a little wrong.
                    if self.outstanding.is_empty() {
                        return bytes;
                    }
                    let Some((head, rest)) = self.server.gather_head(bytes, cx) else { return &[] };
                    bytes = rest;
                    self.response(at, &head, cx);
                    self.server.recycle(head);
                }
                Phase::Body(body) => match body
                    .read(bytes, self.refused.as_mut().map(|refused| &mut refused.sniff))
                {
                    BodyProgress::More => {
                        if self.refused.as_ref().is_some_and(|refused| refused.sniff.wants() == 0) {
                            self.looked_at(false, cx);
                        }
                        return &[];
                    }
                    BodyProgress::EndedExchange(used) => {
                        bytes = bytes.get(used..).unwrap_or_default();
                        self.server.phase = Phase::Head;
                        self.looked_at(true, cx);
                    }
                    BodyProgress::Malformed => {
                        cx.counters.error(PROTOCOL, "chunk");
                        self.stop(Side::Server);
                    }
                },
                Phase::Inner => {
                    self.inner.iter_mut().for_each(|inner| inner.feed(Side::Server, at, bytes, cx));
                    return &[];
                }
                Phase::AwaitAnswer | Phase::Stopped => return &[],
            }
        }
        &[]
    }
}
