//! Header blocks: gathered from their frames, decoded, and handed to the stream that they are of.

use super::connection::Http2;
use super::direction::{BlockOf, HeaderBlock};
use super::stream::StreamResponse;
use crate::counters::Loss;
use crate::http_facts::{BodyMark, ErrorResponse, is_refusal};
use crate::observation::{Context, Decryption, HeaderList};
use crate::seen::Seen;
use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::http2_frame::{END_HEADERS, FrameHead};

impl Http2 {
    /// The first fragment of a header block, and mostly the only one.
    pub(super) fn fragment(
        &mut self,
        side: Side,
        at: Timestamp,
        head: &FrameHead,
        promised: Option<u32>,
        fragment: &[u8],
        cx: &mut Context<'_>,
    ) {
        let of = BlockOf::of(head, promised);
        if head.has(END_HEADERS) {
            self.header_block(side, at, of, fragment, cx);
        } else {
            let mut block = HeaderBlock { of, bytes: Vec::new(), unreadable: false };
            block.push(fragment);
            self.directions.get_mut(side).block = Some(block);
        }
    }

    pub(super) fn continuation(
        &mut self,
        side: Side,
        at: Timestamp,
        head: &FrameHead,
        payload: &[u8],
        cx: &mut Context<'_>,
    ) {
        let direction = self.directions.get_mut(side);
        let Some(mut block) = direction.block.take() else { return };
        block.push(payload);
        if !head.has(END_HEADERS) {
            direction.block = Some(block);
        } else if block.unreadable {
            cx.counters.lose(Loss::Limit);
            self.unreadable_block(side, at, &block, cx);
        } else {
            self.header_block(side, at, block.of, &block.bytes, cx);
        }
    }

    fn header_block(
        &mut self,
        side: Side,
        at: Timestamp,
        of: BlockOf,
        block: &[u8],
        cx: &mut Context<'_>,
    ) {
        let direction = self.directions.get_mut(side);
        let mut list = std::mem::take(&mut cx.scratch.headers);
        let decoded = list.decode(&mut direction.hpack, block);
        match decoded {
            Ok(()) => self.list(side, at, of, &list, cx),
            Err(error) => {
                // A peer would close the connection. Here it may be a place wrongly found again.
                cx.counters.error("hpack", error.as_str());
                direction.stop();
                self.lost_place(side, cx);
            }
        }
        cx.scratch.headers = list;
    }

    /// A header block that is not whole: that it was there is known, and nothing of what it said.
    pub(super) fn unreadable_block(
        &mut self,
        side: Side,
        at: Timestamp,
        block: &HeaderBlock,
        cx: &mut Context<'_>,
    ) {
        self.directions.get_mut(side).hpack.gap();
        let mut list = std::mem::take(&mut cx.scratch.headers);
        list.forget();
        self.list(side, at, block.of, &list, cx);
        cx.scratch.headers = list;
    }

    /// What a header list says, to the stream that it is of.
    fn list(
        &mut self,
        side: Side,
        at: Timestamp,
        BlockOf { stream, end_stream, promised }: BlockOf,
        list: &HeaderList,
        cx: &mut Context<'_>,
    ) {
        match (side, promised) {
            (Side::Client, _) => self.request_block(stream, at, list, cx),
            (Side::Server, Some(promised)) => self.promise_block(promised, at, list, cx),
            (Side::Server, None) => self.response_block(stream, end_stream, at, list, cx),
        }
        if end_stream {
            if self.directions.get_mut(side).watches(stream) {
                self.streams.looked_at(stream, true, cx);
                self.directions.server.unwatch(stream);
            }
            self.streams.ended(stream, side == Side::Client);
        }
    }

    fn request_block(
        &mut self,
        stream: u32,
        at: Timestamp,
        list: &HeaderList,
        cx: &mut Context<'_>,
    ) {
        // Trailers, or a request on a stream that is over: the ids of new ones only grow.
        let is_new = stream > self.streams.highest_request
            || !self.streams.has_request(stream) && self.streams.contains(stream);
        if !is_new || !list.is_request() {
            return;
        }
        let request = list.request(cx);
        self.streams.highest_request = self.streams.highest_request.max(stream);
        if self.requests_lost {
            // Ids only grow, so what was asked before this and was not seen is lost.
            self.streams.requests_are_lost(stream.saturating_sub(1), cx);
        }
        let is_first = self.streams.begin();
        let first = (self.start_seen && !(is_first && self.requests_lost)).then_some(is_first);
        self.streams.request(stream, request, at, first, cx);
    }

    fn promise_block(
        &mut self,
        promised: u32,
        at: Timestamp,
        list: &HeaderList,
        cx: &mut Context<'_>,
    ) {
        if promised <= self.streams.highest_push {
            return;
        }
        self.streams.highest_push = promised;
        let request = list.request(cx);
        self.streams.request(promised, request, at, self.start_seen.then_some(false), cx);
        self.streams.ended(promised, true);
    }

    fn response_block(
        &mut self,
        stream: u32,
        end_stream: bool,
        at: Timestamp,
        list: &HeaderList,
        cx: &mut Context<'_>,
    ) {
        let status = match list.status() {
            // An interim response: the final one follows. (With END_STREAM it would be malformed.)
            Seen::Known(100..=199) if !end_stream => return,
            Seen::Known(status) => Some(status),
            Seen::Unreadable => None,
            // Trailers.
            Seen::Absent => return,
        };
        let is_push = stream.is_multiple_of(2);
        let highest =
            if is_push { self.streams.highest_push } else { self.streams.highest_request };
        // A stream that is over, and whose exchange was told.
        let is_known = self.streams.contains(stream);
        if !is_known && (self.streams.is_over(stream) || stream <= highest && !self.requests_lost) {
            return;
        }
        // Captures can order the two directions a little wrong.
        let may_come = !is_push && stream > highest && !self.directions.client.is_stopped();
        let answer = status.filter(|status| is_refusal(*status)).map(|_| {
            let body = if end_stream { BodyMark::Empty } else { BodyMark::Unseen };
            ErrorResponse { body, ..list.answer() }
        });
        // A probe leaves bodies out.
        let is_shown = !end_stream && cx.observed.facts.decryption != Decryption::Library;
        let sniffs = status == Some(421) && is_shown && self.directions.server.watch(stream);
        let sniff = sniffs.then(Box::default);
        let response = StreamResponse { status, at, answer, request_may_come: may_come, sniff };
        self.streams.response(stream, response, cx);
    }
}
