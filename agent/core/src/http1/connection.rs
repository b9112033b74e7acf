//! An HTTP/1 connection: requests in order, and the responses that answer them in that order.

use super::body::{Body, Progress};
use super::direction::{Direction, Phase};
use super::head::{self, RequestHead, ResponseHead, Upgrade};
use crate::connection::{Context, Decryption, Ended};
use crate::content::{Content, Demand, Place, Standing};
use crate::counters::Loss;
use crate::exchange::{AuthorityDefect, HttpVersion, Method, RequestAuthority};
use crate::http2::{Http2, UpgradedRequest, known_authority};
use crate::seen::Seen;
use crate::side::Side;
use crate::signals::{Answer, BodyMark, MAX_SNIFFED, RequestHints, Sniff};
use crate::time::Timestamp;
use crate::trace_context::TraceParent;
use std::collections::VecDeque;
use std::sync::Arc;

/// The most requests that wait for their response; more end the reading of the connection.
pub(crate) const MAX_OUTSTANDING: usize = 1024;

const PROTOCOL: &str = "http1";

/// One HTTP/1 connection.
pub(crate) struct Http1 {
    client: Direction,
    server: Direction,
    outstanding: VecDeque<Outstanding>,
    outstanding_bytes: usize,
    place: Place,
    /// How many requests were seen, those before a tunnel included.
    requests: u64,
    /// What a tunnel or an upgrade carries.
    inner: Option<Content>,
    /// The first thing that was fed was not HTTP.
    not_http: bool,
    /// A 421 whose body is being looked at.
    refused: Option<Box<Refused>>,
}

/// An exchange that is told once the first bytes of the response's body were looked at.
struct Refused {
    request: Outstanding,
    answer: Answer,
    status: u16,
    at: Timestamp,
    sniff: Sniff,
}

/// A request that was not answered yet.
struct Outstanding {
    number: u64,
    version: HttpVersion,
    method: Seen<Method>,
    authority: Arc<RequestAuthority>,
    is_connect: bool,
    is_head: bool,
    upgrade: Option<Upgrade>,
    first: bool,
    at: Timestamp,
    traceparent: Option<TraceParent>,
    hints: RequestHints,
}

impl Refused {
    /// The memory it takes.
    fn cost(&self) -> usize {
        size_of::<Self>() + MAX_SNIFFED + self.request.cost()
    }
}

impl Outstanding {
    /// The memory it takes.
    fn cost(&self) -> usize {
        size_of::<Self>() + self.authority.cost()
    }
}

impl Http1 {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            client: Direction::default(),
            server: Direction::default(),
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
        let direction = |direction: &Direction| direction.head.len() + direction.held_bytes;
        direction(&self.client)
            + direction(&self.server)
            + self.outstanding_bytes
            + self.refused.as_ref().map_or(0, |refused| refused.cost())
            + self.inner.as_ref().map_or(0, Content::held)
    }

    pub(crate) fn gap(&mut self, side: Side, len: Option<u64>, exact: bool, cx: &mut Context<'_>) {
        if side == Side::Server {
            self.looked_at(false, cx);
        }
        let direction = self.direction_mut(side);
        match (&mut direction.phase, len) {
            (Phase::Inner, _) => {
                self.inner.iter_mut().for_each(|inner| inner.gap(side, len, exact, cx))
            }
            (Phase::Stopped, _) => {}
            (Phase::Body(Body::UntilClose), _) => {}
            (Phase::Body(body), Some(len)) if exact && len <= body.can_miss() => {
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
            self.tell(request, None, cx);
        }
        self.inner.iter_mut().for_each(|inner| inner.finish(cx));
    }

    /// Counts a response whose request did not come; a greeting of another protocol is none.
    fn count_unasked(&self, cx: &mut Context<'_>) {
        if self.server.held.front().is_some_and(|early| early.bytes.starts_with(b"HTTP/1.")) {
            cx.counters.error(PROTOCOL, "response_without_request");
        }
    }

    fn direction(&self, side: Side) -> &Direction {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    fn direction_mut(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn stop(&mut self, side: Side) {
        *self.direction_mut(side) = Direction { phase: Phase::Stopped, ..Direction::default() };
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
                    Progress::More => return &[],
                    Progress::Ended(used) => {
                        bytes = bytes.get(used..).unwrap_or_default();
                        self.client.phase = Phase::Head;
                        self.message_ended(Side::Client);
                    }
                    Progress::Malformed => {
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
                    Progress::More => {
                        if self.refused.as_ref().is_some_and(|refused| refused.sniff.wants() == 0) {
                            self.looked_at(false, cx);
                        }
                        return &[];
                    }
                    Progress::Ended(used) => {
                        bytes = bytes.get(used..).unwrap_or_default();
                        self.server.phase = Phase::Head;
                        self.looked_at(true, cx);
                    }
                    Progress::Malformed => {
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

    /// A request was read to its end: one that changes the protocol is answered before anything else is read.
    fn message_ended(&mut self, side: Side) {
        let last = self.outstanding.back();
        if side == Side::Client
            && last.is_some_and(|last| last.is_connect || last.upgrade.is_some())
        {
            self.client.phase = Phase::AwaitAnswer;
        }
    }

    fn request(&mut self, at: Timestamp, bytes: &[u8], cx: &mut Context<'_>) {
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

    fn response(&mut self, at: Timestamp, bytes: &[u8], cx: &mut Context<'_>) {
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
                let answer = answer.map(|answer| Answer { body, ..answer });
                self.tell(request, Some((head.status, at, answer)), cx);
            }
        }
        if is_tunnel {
            let place = Place { nesting: self.place.nesting + 1, requests_before: self.requests };
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
    fn next_outstanding(&mut self) -> Option<Outstanding> {
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
            self.tell(request, Some((head.status, at, None)), cx);
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
    fn looked_at(&mut self, is_whole: bool, cx: &mut Context<'_>) {
        if let Some(refused) = self.refused.take() {
            let Refused { request, answer, status, at, sniff } = *refused;
            let answer = Answer { body: sniff.mark(is_whole), ..answer };
            self.tell(request, Some((status, at, Some(answer))), cx);
        }
    }

    fn tell(
        &self,
        request: Outstanding,
        response: Option<(u16, Timestamp, Option<Answer>)>,
        cx: &mut Context<'_>,
    ) {
        cx.exchange(Ended {
            stream: request.number,
            version: request.version,
            method: request.method,
            authority: request.authority,
            tunnel: request.is_connect,
            status: response.map(|(status, ..)| status),
            first: Some(request.first),
            started: request.at,
            responded: response.map(|(_, at, _)| at),
            traceparent: request.traceparent,
            hints: request.hints,
            answer: response.and_then(|(.., answer)| answer),
            reset: None,
            origins: None,
        });
    }
}

/// The target's authority if it has one, else Host (RFC 9112 §3.2.2, §3.3).
fn effective_authority(head: &RequestHead<'_>, cx: &mut Context<'_>) -> Arc<RequestAuthority> {
    let missing = |defect| Arc::new(RequestAuthority { raw: Seen::Absent, parsed: None, defect });
    match head.target_authority.or(head.host) {
        Some(raw) => known_authority(cx, raw, head.hosts_repeated, false),
        // HTTP/1.1 demands it (RFC 9112 §3.2).
        None if head.version == HttpVersion::Http11 => missing(Some(AuthorityDefect::Malformed)),
        None => missing(None),
    }
}
