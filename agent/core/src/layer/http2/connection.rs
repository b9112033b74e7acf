//! An HTTP/2 connection: both directions, and the streams that join them.

use super::direction::{BlockOf, FrameStep, HeaderBlock, Http2Direction, Missed, continues};
use super::head::Http2RequestHead;
use super::origin;
use super::stream::Streams;
use crate::counters::Loss;
use crate::layer::{Demand, Gap, Standing};
use crate::observation::Context;
use crate::seen::Seen;
use crate::side::{PerSide, Side};
use crate::time::Timestamp;
use crate::wire::http2_frame::{
    END_HEADERS, END_STREAM, FrameHead, FrameType, HEAD_LEN, data, headers_fragment, push_promise,
};

const PROTOCOL: &str = "http2";

/// One HTTP/2 connection.
pub(crate) struct Http2 {
    pub(super) directions: PerSide<Http2Direction>,
    pub(super) streams: Streams,
    /// The connection's first request is the first that was seen.
    pub(super) start_seen: bool,
    /// Requests were lost: a response may be all that is seen of an exchange.
    pub(super) requests_lost: bool,
    /// When the last bytes came.
    last_at: Timestamp,
}

impl Http2 {
    /// From the first byte of both directions.
    pub(crate) fn from_start() -> Self {
        Self::new(Http2Direction::from_start(true), Http2Direction::from_start(false), true)
    }

    /// After an accepted `Upgrade: h2c`: the request is stream 1 (RFC 7540 §3.2).
    pub(crate) fn after_upgrade(request: UpgradedRequest, cx: &mut Context<'_>) -> Self {
        let mut http2 = Self::from_start();
        let UpgradedRequest { method, authority, first, at, traceparent, hints } = request;
        http2.streams.begin();
        http2.streams.highest_request = 1;
        http2.streams.request(
            1,
            Http2RequestHead {
                method,
                authority,
                tunnel: false,
                traceparent,
                hints,
                origins: None,
            },
            at,
            first,
            cx,
        );
        http2.streams.ended(1, true);
        http2
    }

    /// From the client's first byte, but somewhere in the server's direction.
    pub(crate) fn from_client_start() -> Self {
        Self::new(Http2Direction::from_start(true), Http2Direction::from_middle(), true)
    }

    /// From somewhere in the middle.
    pub(crate) fn from_middle() -> Self {
        let mut http2 =
            Self::new(Http2Direction::from_middle(), Http2Direction::from_middle(), false);
        http2.requests_lost = true;
        http2
    }

    fn new(client: Http2Direction, server: Http2Direction, start_seen: bool) -> Self {
        let directions = PerSide { client, server };
        let last_at = Timestamp::default();
        Self { directions, streams: Streams::default(), start_seen, requests_lost: false, last_at }
    }

    /// What a direction wants to see next.
    pub(crate) fn demand(&self, side: Side) -> Demand {
        self.directions.get(side).demand()
    }

    /// Passes over bytes that nobody wants.
    pub(crate) fn skip(&mut self, side: Side, len: u64) {
        self.directions.get_mut(side).skip(len);
    }

    /// A frame header that nothing proves; false unless it is one of DATA, which is passed over.
    pub(crate) fn pass_unproven(&mut self, side: Side, head: &[u8; HEAD_LEN]) -> bool {
        self.directions.get_mut(side).pass_unproven(&FrameHead::parse(head))
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.directions.client.held() + self.directions.server.held() + self.streams.held()
    }

    /// Bytes are missing in one direction.
    pub(crate) fn gap(&mut self, side: Side, gap: Gap, cx: &mut Context<'_>) {
        match self.directions.get_mut(side).gap(gap) {
            Missed::Nothing => {}
            Missed::Frame(head) => self.missed_frame(side, &head, cx),
            Missed::State => self.lost_place(side, cx),
        }
    }

    /// The rest of a frame's payload was left out on purpose, and whole frames; false where that cannot be.
    pub(crate) fn omit(&mut self, side: Side, len: u64) -> bool {
        self.directions.get_mut(side).omit(len)
    }

    pub(crate) fn standing(&self, side: Side) -> Standing {
        self.directions.get(side).standing()
    }

    /// The next byte of this direction is proven to be the first of a frame.
    pub(crate) fn resume(&mut self, side: Side) {
        self.directions.get_mut(side).resume();
    }

    /// Nothing more of this direction will be fed.
    pub(crate) fn silence(&mut self, side: Side, cx: &mut Context<'_>) {
        self.directions.get_mut(side).stop();
        self.lost_place(side, cx);
    }

    /// Whether the client's preface was there.
    pub(crate) fn has_preface(&self) -> bool {
        self.directions.client.has_preface
    }

    /// A frame whose payload is not whole. Of a header block, that it was there is still known.
    fn missed_frame(&mut self, side: Side, head: &FrameHead, cx: &mut Context<'_>) {
        if head.kind == FrameType::DATA {
            return self.body_is_lost(head.stream, head.has(END_STREAM), cx);
        }
        let direction = self.directions.get_mut(side);
        let block = match head.kind {
            FrameType::HEADERS => {
                let of = BlockOf::of(head, None);
                Some(HeaderBlock { of, bytes: Vec::new(), unreadable: true })
            }
            FrameType::CONTINUATION => {
                direction.block.take().map(|block| HeaderBlock { unreadable: true, ..block })
            }
            _ => None,
        };
        if !matches!(
            head.kind,
            FrameType::HEADERS | FrameType::CONTINUATION | FrameType::PUSH_PROMISE
        ) {
            return;
        }
        // Which stream a PUSH_PROMISE is for may be in what is missing.
        direction.hpack.gap();
        match block {
            Some(block) if head.has(END_HEADERS) => {
                self.unreadable_block(side, self.last_at, &block, cx)
            }
            block => direction.block = block,
        }
    }

    pub(super) fn lost_place(&mut self, side: Side, cx: &mut Context<'_>) {
        cx.counters.error(PROTOCOL, "lost_place");
        if side == Side::Server {
            self.streams.no_more_bodies(cx);
        } else {
            self.requests_lost = true;
            if self.directions.client.is_stopped() {
                self.streams.requests_are_lost(u32::MAX, cx);
            }
        }
    }

    /// The next bytes of one direction.
    pub(crate) fn feed(
        &mut self,
        side: Side,
        at: Timestamp,
        mut bytes: &[u8],
        cx: &mut Context<'_>,
    ) {
        self.last_at = at;
        self.directions.get_mut(side).find_place(bytes);
        loop {
            match self.directions.get_mut(side).advance(&mut bytes) {
                FrameStep::NeedMore => return,
                FrameStep::NotHttp2 => {
                    cx.counters.error(PROTOCOL, "bad_preface");
                    self.lost_place(side, cx);
                }
                FrameStep::LostPlace => self.lost_place(side, cx),
                FrameStep::Passed(head) => self.passed(side, &head, cx),
                FrameStep::Frame(head, Some(payload)) => self.frame(side, at, &head, payload, cx),
                FrameStep::Frame(head, None) => {
                    let payload = self.directions.get_mut(side).collected();
                    self.frame(side, at, &head, &payload, cx);
                    self.directions.get_mut(side).recycle(payload);
                }
            }
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) {
        self.streams.finish(cx);
    }

    /// A frame whose payload is not looked at.
    fn passed(&mut self, side: Side, head: &FrameHead, cx: &mut Context<'_>) {
        if self.interrupts_block(side, head, cx) {
            return;
        }
        match head.kind {
            FrameType::DATA => {
                if self.directions.get_mut(side).watches(head.stream) {
                    self.body_is_lost(head.stream, false, cx);
                }
                if head.has(END_STREAM) {
                    self.streams.ended(head.stream, side == Side::Client);
                }
            }
            // A fragment beyond the bound: whatever it would have put into the table is unknown.
            FrameType::HEADERS | FrameType::PUSH_PROMISE | FrameType::CONTINUATION => {
                cx.counters.lose(Loss::Limit);
                self.directions.get_mut(side).hpack.gap();
                self.directions.get_mut(side).block = None;
            }
            _ => {}
        }
    }

    /// Between a header block's frames, no other frame may stand: then this is not where a frame begins.
    fn interrupts_block(&mut self, side: Side, head: &FrameHead, cx: &mut Context<'_>) -> bool {
        let direction = self.directions.get_mut(side);
        let fits = match &direction.block {
            Some(block) => continues(block, head),
            None => head.kind != FrameType::CONTINUATION || direction.may_continue,
        };
        direction.may_continue &= head.kind == FrameType::CONTINUATION;
        if !fits {
            cx.counters.error(PROTOCOL, "continuation");
            direction.stop();
            self.lost_place(side, cx);
        }
        !fits
    }

    fn frame(
        &mut self,
        side: Side,
        at: Timestamp,
        head: &FrameHead,
        payload: &[u8],
        cx: &mut Context<'_>,
    ) {
        if self.interrupts_block(side, head, cx) {
            return;
        }
        let malformed = match head.kind {
            FrameType::HEADERS => {
                let fragment = headers_fragment(head, payload);
                fragment.map(|fragment| self.fragment(side, at, head, None, fragment, cx)).is_none()
            }
            FrameType::PUSH_PROMISE => {
                let promise = push_promise(head, payload);
                promise
                    .map(|(promised, rest)| self.fragment(side, at, head, Some(promised), rest, cx))
                    .is_none()
            }
            FrameType::CONTINUATION => {
                self.continuation(side, at, head, payload, cx);
                false
            }
            FrameType::RST_STREAM => {
                let reason = payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
                self.streams.reset(head.stream, reason.filter(|_| side == Side::Server), cx);
                self.directions.server.unwatch(head.stream);
                false
            }
            FrameType::DATA => {
                let is_last = head.has(END_STREAM);
                let bytes = data(head, payload).unwrap_or_default();
                if self.streams.body(head.stream, bytes, is_last, cx) {
                    self.directions.server.unwatch(head.stream);
                }
                if is_last {
                    self.streams.ended(head.stream, side == Side::Client);
                }
                false
            }
            FrameType::ORIGIN if side == Side::Server && head.stream == 0 => {
                origin::handle(payload, cx);
                false
            }
            _ => false,
        };
        if malformed {
            cx.counters.error(PROTOCOL, "padding");
            self.directions.get_mut(side).stop();
            self.lost_place(side, cx);
        }
    }

    /// Of this body nothing more can be looked at.
    fn body_is_lost(&mut self, stream: u32, is_last: bool, cx: &mut Context<'_>) {
        self.streams.looked_at(stream, false, cx);
        self.directions.server.unwatch(stream);
        if is_last {
            self.streams.ended(stream, false);
        }
    }
}

/// The HTTP/1.1 request that turned a connection into HTTP/2.
pub(crate) struct UpgradedRequest {
    pub(crate) method: Seen<crate::http::Method>,
    pub(crate) authority: std::sync::Arc<crate::name::RequestAuthority>,
    pub(crate) first: Option<bool>,
    pub(crate) at: Timestamp,
    pub(crate) traceparent: Option<crate::trace_context::TraceParent>,
    pub(crate) hints: crate::http_facts::RequestSignals,
}
