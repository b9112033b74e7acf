//! Spans, made after the fact: with the times that were seen and the ids that follow from what was seen.

use super::attributes::{SpanAttributes, known_method};
use super::ids::{IdSubject, MachineId, SpanId, TraceId};
use super::selection::RuledRef;
use crate::enrich::ClusterEnds;
use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{self, Link, SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wrongdoor_core::engine::ConnectionEnd;
use wrongdoor_core::observation::Exchange;
use wrongdoor_core::side::Side;
use wrongdoor_core::time::Timestamp;
use wrongdoor_core::trace_context::TraceParent;

/// One span.
pub(super) type OtelSpan = SpanData;

/// What a span takes on the wire without its texts: ids, times, and what is around values.
const SPAN_OVERHEAD: usize = 96;
const ATTRIBUTE_OVERHEAD: usize = 8;

/// Nearly the bytes that a span takes on the wire.
pub(super) fn size(span: &OtelSpan) -> usize {
    let attributes = span.attributes.iter();
    let attributes = attributes.map(|attribute| {
        ATTRIBUTE_OVERHEAD + attribute.key.as_str().len() + attribute.value.as_str().len()
    });
    SPAN_OVERHEAD + attributes.sum::<usize>()
}

/// Makes spans.
pub(super) struct Spans {
    machine: MachineId,
    scope: InstrumentationScope,
}

impl Spans {
    pub(super) fn new(machine: MachineId) -> Self {
        let scope =
            InstrumentationScope::builder("wrongdoor").with_version(env!("CARGO_PKG_VERSION"));
        Self { machine, scope: scope.build() }
    }

    /// An exchange, below its connection's span.
    pub(super) fn exchange(
        &self,
        trace: TraceId,
        (exchange, classification, place): RuledRef<'_>,
    ) -> OtelSpan {
        let role = exchange.connection.observer.role;
        let Exchange { version, stream, .. } = *exchange;
        let id = self.machine.span(trace, role, IdSubject::Exchange { version, stream });
        let parent = self.machine.span(trace, role, IdSubject::Connection);
        let error = exchange.status().filter(|status| is_error(role, *status));
        let status = if error.is_some() { Status::error("") } else { Status::Unset };
        let method = exchange.method.as_ref().known().and_then(known_method);
        SpanData {
            parent_span_id: trace::SpanId::from_bytes(parent),
            span_kind: kind(role),
            // An answer that did not come, or was not seen, has no time.
            end_time: time(exchange.ended()),
            attributes: SpanAttributes::of_exchange(exchange, classification, error)
                .at(place)
                .into_vec(),
            links: links(exchange.traceparent),
            status,
            ..self.span(trace, id, method.unwrap_or("HTTP"), exchange.started)
        }
    }

    /// A connection that ended. `latest` is when it was last seen to be alive.
    pub(super) fn connection(
        &self,
        trace: TraceId,
        connection: &ConnectionEnd,
        place: &ClusterEnds,
        latest: Timestamp,
    ) -> OtelSpan {
        let facts = &connection.facts;
        let id = self.machine.span(trace, facts.observer.role, IdSubject::Connection);
        let start = facts.opened.unwrap_or(facts.first_seen);
        SpanData {
            end_time: time(connection.closed.unwrap_or(latest).max(start)),
            attributes: SpanAttributes::of_connection(connection).at(place).into_vec(),
            ..self.span(trace, id, "connection", start)
        }
    }

    /// A span of which nothing else is known yet.
    fn span(&self, trace: TraceId, id: SpanId, name: &'static str, start: Timestamp) -> OtelSpan {
        SpanData {
            span_context: context(trace, id, TraceFlags::SAMPLED, false),
            parent_span_id: trace::SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: Cow::Borrowed(name),
            start_time: time(start),
            end_time: time(start),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

/// Which end the process is that an exchange was seen at.
fn kind(role: Option<Side>) -> SpanKind {
    match role {
        Some(Side::Client) => SpanKind::Client,
        Some(Side::Server) => SpanKind::Server,
        None => SpanKind::Internal,
    }
}

/// To a client everything from 400 on is an error; to a server, a 4xx is the client's.
fn is_error(role: Option<Side>, status: u16) -> bool {
    status >= if role == Some(Side::Client) { 400 } else { 500 }
}

/// The span that the request itself says it is part of.
fn links(traceparent: Option<TraceParent>) -> SpanLinks {
    let mut links = SpanLinks::default();
    links.links = traceparent
        .map(|TraceParent { trace_id, parent_id, flags }| {
            Link::with_context(context(trace_id, parent_id, TraceFlags::new(flags), true))
        })
        .into_iter()
        .collect();
    links
}

fn context(trace: TraceId, id: SpanId, flags: TraceFlags, is_remote: bool) -> SpanContext {
    let (trace, id) = (trace::TraceId::from_bytes(trace), trace::SpanId::from_bytes(id));
    SpanContext::new(trace, id, flags, is_remote, TraceState::NONE)
}

/// Spans have no times before 1970.
fn time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(u64::try_from(at.0).unwrap_or_default())
}

#[cfg(test)]
mod tests;
