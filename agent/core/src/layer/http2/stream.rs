//! Streams: pairing requests with responses.

use super::head::Http2RequestHead;
use crate::counters::Loss;
use crate::http::HttpVersion;
use crate::http_facts::{ErrorResponse, Sniff};
use crate::observation::{Context, EndedExchange, Response};
use crate::time::Timestamp;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// The most streams of one connection that are waiting for a half; at the limit the oldest is reported as it is.
pub const MAX_STREAMS: usize = 1024;

/// The streams of one connection whose exchange was not told yet, or that have not ended.
#[derive(Default)]
pub(super) struct Streams {
    /// Boxed: a table keeps its room when the streams are gone, and most connections are idle.
    open: HashMap<u32, Box<Stream>, foldhash::fast::RandomState>,
    /// The highest stream that a request was seen on; ids of one end only grow (RFC 9113 §5.1.1).
    pub(super) highest_request: u32,
    pub(super) highest_push: u32,
    /// Whether any exchange was begun.
    any_exchange: bool,
    /// Streams that were told before both ends had ended them, the latest ones: where requests were lost, the ids
    /// do not tell which those are.
    over: VecDeque<u32>,
    /// The memory of the requests that wait.
    waiting_bytes: usize,
}

#[derive(Default)]
struct Stream {
    request: Option<(Http2RequestHead, Timestamp)>,
    response: Option<StreamResponse>,
    first: Option<bool>,
    told: bool,
    client_ended: bool,
    server_ended: bool,
    /// The server took it back, for this reason.
    reset: Option<u32>,
}

/// A final response, and what it waits for.
pub(super) struct StreamResponse {
    pub(super) status: Option<u16>,
    pub(super) at: Timestamp,
    pub(super) answer: Option<ErrorResponse>,
    /// Its request may come yet, and is waited for.
    pub(super) request_may_come: bool,
    /// The exchange waits for the first bytes of the body.
    pub(super) sniff: Option<Box<Sniff>>,
}

impl StreamResponse {
    /// The response, with what was seen of its body until now. Where the status cannot be read, it may have been an
    /// interim one.
    fn answered(&mut self) -> Option<Response> {
        let sniff = self.sniff.take();
        let mark = |body| sniff.map_or(body, |sniff| sniff.mark(false));
        let answer = self.answer.map(|answer| ErrorResponse { body: mark(answer.body), ..answer });
        Some(Response::Answered { status: self.status?, at: self.at, answer })
    }
}

impl Streams {
    /// A request on a stream not seen before.
    pub(super) fn request(
        &mut self,
        id: u32,
        request: Http2RequestHead,
        at: Timestamp,
        first: Option<bool>,
        cx: &mut Context<'_>,
    ) {
        self.make_room(cx);
        self.waiting_bytes += request.cost();
        let stream = self.open.entry(id).or_default();
        if let Some((former, _)) = stream.request.replace((request, at)) {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(former.cost());
        }
        stream.first = first;
        if stream.response.as_ref().is_some_and(|response| response.sniff.is_none()) {
            self.tell(id, cx);
        }
    }

    /// Begins an exchange; true for the first of the connection.
    pub(super) fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.any_exchange, true)
    }

    pub(super) fn has_request(&self, id: u32) -> bool {
        self.open.get(&id).is_some_and(|stream| stream.request.is_some())
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.open.contains_key(&id)
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.waiting_bytes + self.open.len() * size_of::<(u32, Stream)>()
    }

    /// A final response. Without its request it waits for it where `request_may_come`.
    pub(super) fn response(&mut self, id: u32, response: StreamResponse, cx: &mut Context<'_>) {
        self.make_room(cx);
        let stream = self.open.entry(id).or_default();
        if stream.response.is_some() {
            return;
        }
        let waits = response.sniff.is_some();
        let may_come = response.request_may_come;
        stream.response = Some(response);
        if !waits && (stream.request.is_some() || !may_come) {
            self.tell(id, cx);
        }
    }

    /// Bytes of a body that is looked at; true once nothing more of it is of interest, and the exchange is told.
    pub(super) fn body(
        &mut self,
        id: u32,
        bytes: &[u8],
        is_last: bool,
        cx: &mut Context<'_>,
    ) -> bool {
        let stream = self.open.get_mut(&id);
        let Some(response) = stream.and_then(|stream| stream.response.as_mut()) else {
            return true;
        };
        let Some(sniff) = &mut response.sniff else { return true };
        let is_over = sniff.take(bytes) || is_last;
        if is_over {
            self.looked_at(id, is_last, cx);
        }
        is_over
    }

    /// Nothing more of this body will be looked at: its exchange is told.
    pub(super) fn looked_at(&mut self, id: u32, is_whole: bool, cx: &mut Context<'_>) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        let Some(response) = &mut stream.response else { return };
        let Some(sniff) = response.sniff.take() else { return };
        if let Some(answer) = &mut response.answer {
            answer.body = sniff.mark(is_whole);
        }
        if stream.request.is_some() || !response.request_may_come {
            self.tell(id, cx);
        }
    }

    /// No body will be looked at any more.
    pub(super) fn no_more_bodies(&mut self, cx: &mut Context<'_>) {
        let waits = |stream: &Stream| {
            stream.response.as_ref().is_some_and(|response| response.sniff.is_some())
        };
        self.ids(waits).into_iter().for_each(|id| self.looked_at(id, false, cx));
    }

    /// One end has sent its last frame on the stream.
    pub(super) fn ended(&mut self, id: u32, by_client: bool) {
        if let Some(stream) = self.open.get_mut(&id) {
            stream.client_ended |= by_client;
            stream.server_ended |= !by_client;
            if stream.told && stream.client_ended && stream.server_ended {
                // Nothing can come any more that would have to be known for late.
                self.open.remove(&id);
            }
        }
    }

    /// RST_STREAM: whatever was seen is all there will be. With the reason, where it is the server's.
    pub(super) fn reset(&mut self, id: u32, reason: Option<u32>, cx: &mut Context<'_>) {
        if let Some(stream) = self.open.get_mut(&id) {
            stream.reset = reason;
        }
        self.tell(id, cx);
        self.remove(id);
    }

    /// Requests up to this stream were lost, as far as they were not seen: what waits for them is told.
    pub(super) fn requests_are_lost(&mut self, up_to: u32, cx: &mut Context<'_>) {
        let mut waiting = self.ids(|stream| stream.request.is_none());
        waiting.retain(|id| *id <= up_to && !id.is_multiple_of(2));
        waiting.into_iter().for_each(|id| self.tell(id, cx));
    }

    /// Whether the stream is over, and its exchange was told.
    pub(super) fn is_over(&self, id: u32) -> bool {
        self.over.contains(&id)
    }

    fn remove(&mut self, id: u32) {
        if self.open.remove(&id).is_some() {
            if self.over.len() >= MAX_STREAMS {
                self.over.pop_front();
            }
            self.over.push_back(id);
        }
    }

    /// Nothing more will come: tells the rest, in stream order.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) {
        self.ids(|stream| !stream.told).into_iter().for_each(|id| self.tell(id, cx));
        self.open.clear();
    }

    fn ids(&self, wanted: impl Fn(&Stream) -> bool) -> Vec<u32> {
        let mut ids: Vec<u32> =
            self.open.iter().filter(|(_, stream)| wanted(stream)).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    fn make_room(&mut self, cx: &mut Context<'_>) {
        if self.open.len() < MAX_STREAMS {
            return;
        }
        // Those that are told already only wait for their end; then the oldest.
        let told = self.ids(|stream| stream.told);
        if told.is_empty() {
            let oldest = self.open.keys().min().copied();
            // A response that waited in vain is told whole; a request may still have been answered.
            let waits = oldest.and_then(|id| self.open.get(&id));
            if waits.is_some_and(|stream| stream.request.is_some()) {
                cx.counters.lose(Loss::Limit);
            }
            oldest.into_iter().for_each(|id| self.reset(id, None, cx));
        } else {
            told.iter().for_each(|id| self.remove(*id));
        }
    }

    fn tell(&mut self, id: u32, cx: &mut Context<'_>) {
        let Some(stream) = self.open.get_mut(&id).filter(|stream| !stream.told) else { return };
        stream.told = true;
        let seen_response_at = stream.response.as_ref().map(|response| response.at);
        let answered = stream.response.as_mut().and_then(StreamResponse::answered);
        let reset = stream.reset.map(Response::StreamReset);
        let response = answered.or(reset).unwrap_or_default();
        let (request, started) = match stream.request.take() {
            Some((request, at)) => {
                self.waiting_bytes = self.waiting_bytes.saturating_sub(request.cost());
                (Some(request), at)
            }
            None => (None, seen_response_at.unwrap_or_default()),
        };
        let request = request.unwrap_or_default();
        let first = stream.first;
        let done = stream.client_ended && stream.server_ended;
        cx.exchange(EndedExchange {
            stream: u64::from(id),
            version: HttpVersion::Http2,
            method: request.method,
            authority: request.authority,
            tunnel: request.tunnel,
            first,
            started,
            response,
            traceparent: request.traceparent,
            hints: request.hints,
            origins: request.origins,
        });
        if done {
            self.remove(id);
        }
    }
}
