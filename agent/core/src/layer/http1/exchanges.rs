//! Requests, and the responses that answer them in their order.

use super::body::Body;
use super::connection::{Http1, PROTOCOL};
use super::direction::Phase;
use super::head::{self, Http1RequestHead, ResponseHead, Upgrade};
use crate::counters::Loss;
use crate::http::{HttpVersion, Method};
use crate::http_facts::{BodyMark, ErrorResponse, MAX_SNIFFED, RequestSignals, Sniff};
use crate::layer::http2::{Http2, UpgradedRequest, known_authority};
use crate::layer::{Content, Position};
use crate::name::{AuthorityDefect, RequestAuthority};
use crate::observation::{Context, Decryption, EndedExchange, Response};
use crate::seen::Seen;
use crate::side::Side;
use crate::time::Timestamp;
use crate::trace_context::TraceParent;
use std::sync::Arc;

/// The most requests that wait for their response; more end the reading of the connection.
pub(crate) const MAX_OUTSTANDING: usize = 1024;

/// An exchange that is told once the first bytes of the response's body were looked at.
pub(super) struct Refused {
    request: Outstanding,
    answer: ErrorResponse,
    status: u16,
    at: Timestamp,
    pub(super) sniff: Sniff,
}

/// A request that was not answered yet.
pub(super) struct Outstanding {
    number: u64,
    version: HttpVersion,
    method: Seen<Method>,
    authority: Arc<RequestAuthority>,
    pub(super) is_connect: bool,
    is_head: bool,
    pub(super) upgrade: Option<Upgrade>,
    first: bool,
    at: Timestamp,
    traceparent: Option<TraceParent>,
    hints: RequestSignals,
}

impl Refused {
    /// The memory it takes.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + MAX_SNIFFED + self.request.cost()
    }
}

impl Outstanding {
    /// The memory it takes.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.authority.cost()
    }
}

impl Http1 {
    /// A request was read to its end: one that changes the protocol is answered before anything else is read.
    pub(super) fn message_ended(&mut self, side: Side) {
        let last = self.outstanding.back();
        if side == Side::Client
            && last.is_some_and(|last| last.is_connect || last.upgrade.is_some())
        {
            self.client.phase = Phase::AwaitAnswer;
        }
    }

    pub(super) fn request(&mut self, at: Timestamp, bytes: &[u8], cx: &mut Context<'_>) {
        let Some(head) = head::request(bytes) else {
            if self.requests == self.place.requests_before && !head::claims_http(bytes) {
                self.not_http = true;
            } else {
                cx.observed.is_ours = true;
                cx.counters.error(PROTOCOL, "malformed_request");
            }
            self.stop(Side::Client);
            return;
        };
        cx.observed.is_ours = true;
        if self.outstanding.len() >= MAX_OUTSTANDING {
            cx.counters.lose(Loss::Limit);
            self.stop(Side::Client);
            return;
        }
        self.requests += 1;
        let method = Method::from_bytes(head.method).map_or(Seen::Unreadable, Seen::Known);
        let request = Outstanding {
            number: self.requests,
            version: head.version,
            method,
            authority: effective_authority(&head, cx),
            is_connect: head.method == b"CONNECT",
            is_head: head.method == b"HEAD",
            upgrade: head.upgrade,
            first: self.requests == self.place.requests_before + 1,
            at,
            traceparent: head.traceparent,
            hints: head.hints,
        };
        self.outstanding_bytes += request.cost();
        self.outstanding.push_back(request);
        match head.body {
            Ok(Some(body)) => self.client.phase = Phase::Body(body),
            Ok(None) => self.message_ended(Side::Client),
            Err(()) => {
                cx.counters.error(PROTOCOL, "framing");
                self.stop(Side::Client);
            }
        }
    }

    pub(super) fn response(&mut self, at: Timestamp, bytes: &[u8], cx: &mut Context<'_>) {
        let Some(head) = head::response(bytes) else {
            cx.counters.error(PROTOCOL, "malformed_response");
            self.stop(Side::Server);
            return;
        };
        // 101 is final; the other interim responses announce one.
        if (100..=199).contains(&head.status) && head.status != 101 {
            return;
        }
        let Some(request) = self.next_outstanding() else { return };
        let awaited =
            self.outstanding.is_empty() && matches!(self.client.phase, Phase::AwaitAnswer);
        if head.status == 101 {
            self.switch_protocols(request, &head, at, cx);
            return;
        }
        let is_tunnel = request.is_connect && (200..=299).contains(&head.status);
        let has_body = !request.is_head
            && !matches!(head.status, 204 | 304)
            && !matches!(head.body, Ok(Body::Length(0)));
        // A probe leaves bodies out.
        let is_shown = cx.observed.facts.decryption != Decryption::Library;
        match head.answer {
            Some(answer) if head.status == 421 && has_body && is_shown && head.body.is_ok() => {
                let (status, sniff) = (head.status, Sniff::default());
                self.refused = Some(Box::new(Refused { request, answer, status, at, sniff }));
            }
            answer => {
                let body = if has_body { BodyMark::Unseen } else { BodyMark::Empty };
                let answer = answer.map(|answer| ErrorResponse { body, ..answer });
                self.tell(request, Response::Answered { status: head.status, at, answer }, cx);
            }
        }
        if is_tunnel {
            let place =
                Position { nesting: self.place.nesting + 1, requests_before: self.requests };
            self.change_to(Content::undecided(place));
            return;
        }
        if awaited {
            self.client.phase = Phase::Head;
        }
        match head.body {
            _ if !has_body => {}
            Ok(body) => self.server.phase = Phase::Body(body),
            Err(()) => {
                cx.counters.error(PROTOCOL, "framing");
                self.stop(Side::Server);
            }
        }
    }

    /// The request whose answer comes next.
    pub(super) fn next_outstanding(&mut self) -> Option<Outstanding> {
        let request = self.outstanding.pop_front()?;
        self.outstanding_bytes = self.outstanding_bytes.saturating_sub(request.cost());
        Some(request)
    }

    /// 101: HTTP/2 is read on; anything else is not ours.
    fn switch_protocols(
        &mut self,
        request: Outstanding,
        head: &ResponseHead,
        at: Timestamp,
        cx: &mut Context<'_>,
    ) {
        if request.upgrade == Some(Upgrade::H2c) && head.upgrade == Some(Upgrade::H2c) {
            let Outstanding { method, authority, first, at, traceparent, hints, .. } = request;
            let upgraded =
                UpgradedRequest { method, authority, first: Some(first), at, traceparent, hints };
            self.change_to(Content::Http2(Box::new(Http2::after_upgrade(upgraded, cx))));
        } else {
            self.tell(request, Response::answered(head.status, at), cx);
            self.change_to(Content::Foreign);
        }
    }

    fn change_to(&mut self, inner: Content) {
        self.inner = Some(inner);
        self.server.phase = Phase::Inner;
        // A client that was lost before has nothing to say that could be placed.
        if !matches!(self.client.phase, Phase::Stopped) {
            self.client.phase = Phase::Inner;
        }
    }

    /// Nothing more of a body will be looked at: its exchange is told.
    pub(super) fn looked_at(&mut self, is_whole: bool, cx: &mut Context<'_>) {
        if let Some(refused) = self.refused.take() {
            let Refused { request, answer, status, at, sniff } = *refused;
            let answer = ErrorResponse { body: sniff.mark(is_whole), ..answer };
            self.tell(request, Response::Answered { status, at, answer: Some(answer) }, cx);
        }
    }

    pub(super) fn tell(&self, request: Outstanding, response: Response, cx: &mut Context<'_>) {
        cx.exchange(EndedExchange {
            stream: request.number,
            version: request.version,
            method: request.method,
            authority: request.authority,
            tunnel: request.is_connect,
            first: Some(request.first),
            started: request.at,
            response,
            traceparent: request.traceparent,
            hints: request.hints,
            origins: None,
        });
    }
}

/// The target's authority if it has one, else Host (RFC 9112 §3.2.2, §3.3).
fn effective_authority(head: &Http1RequestHead<'_>, cx: &mut Context<'_>) -> Arc<RequestAuthority> {
    let missing = |defect| Arc::new(RequestAuthority { raw: Seen::Absent, parsed: None, defect });
    match head.target_authority.or(head.host) {
        Some(raw) => known_authority(cx, raw, head.hosts_repeated, false),
        // HTTP/1.1 demands it (RFC 9112 §3.2).
        None if head.version == HttpVersion::Http11 => missing(Some(AuthorityDefect::Malformed)),
        None => missing(None),
    }
}
