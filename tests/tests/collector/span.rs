//! A span as a collector got it.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1 as proto;
use serde_json::{Value, json};

/// A span. Ids are in hexadecimal, as everywhere that people see them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) parent_span_id: String,
    pub(crate) name: String,
    /// `internal`, `server`, `client`.
    pub(crate) kind: String,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// `unset`, `ok`, `error`.
    pub(crate) status: String,
    pub(crate) attributes: BTreeMap<String, Value>,
    /// Trace, span, flags.
    pub(crate) links: Vec<(String, String, u64)>,
    /// Of whoever sent it.
    pub(crate) resource: BTreeMap<String, Value>,
    /// The library that made it.
    pub(crate) scope: String,
}

/// All spans of a request.
pub(super) fn of_request(request: &ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource in &request.resource_spans {
        let told = resource.resource.as_ref().map(|resource| attributes(&resource.attributes));
        for scope in &resource.scope_spans {
            let name = scope.scope.as_ref().map(|scope| scope.name.clone());
            for span in &scope.spans {
                let mut span = of_proto(span);
                span.resource = told.clone().unwrap_or_default();
                span.scope = name.clone().unwrap_or_default();
                spans.push(span);
            }
        }
    }
    spans
}

fn of_proto(span: &proto::Span) -> Span {
    let links = span.links.iter();
    Span {
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_span_id: hex(&span.parent_span_id),
        name: span.name.clone(),
        kind: lower(span.kind().as_str_name(), "SPAN_KIND_"),
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        status: span.status.as_ref().map_or_else(
            || "unset".to_owned(),
            |status| lower(status.code().as_str_name(), "STATUS_CODE_"),
        ),
        attributes: attributes(&span.attributes),
        links: links
            .map(|link| (hex(&link.trace_id), hex(&link.span_id), u64::from(link.flags & 0xff)))
            .collect(),
        resource: BTreeMap::new(),
        scope: String::new(),
    }
}

impl Span {
    /// From what the Python collector says.
    pub(super) fn of_json(value: &Value) -> Option<Self> {
        let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let number = |name: &str| value.get(name)?.as_u64();
        let map = |name: &str| {
            let map = value.get(name)?.as_object()?.iter();
            Some(map.map(|(name, value)| (name.clone(), value.clone())).collect())
        };
        let links = value.get("links")?.as_array()?.iter().map(|link| {
            let text = |at: usize| Some(link.get(at)?.as_str()?.to_owned());
            Some((text(0)?, text(1)?, link.get(2)?.as_u64()?))
        });
        Some(Self {
            trace_id: text("trace_id")?,
            span_id: text("span_id")?,
            parent_span_id: text("parent_span_id")?,
            name: text("name")?,
            kind: lower(&text("kind")?, "SPAN_KIND_"),
            start: number("start")?,
            end: number("end")?,
            status: lower(&text("status")?, "STATUS_CODE_"),
            attributes: map("attributes")?,
            links: links.collect::<Option<_>>()?,
            resource: map("resource")?,
            scope: text("scope")?,
        })
    }

    /// An attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Value> {
        self.attributes.get(name)
    }
}

fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, Value> {
    let values = attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
        (attribute.key.clone(), value.map_or(Value::Null, plain))
    });
    values.collect()
}

fn plain(value: &any_value::Value) -> Value {
    match value {
        any_value::Value::StringValue(text) => json!(text),
        any_value::Value::BoolValue(value) => json!(value),
        any_value::Value::IntValue(value) => json!(value),
        any_value::Value::DoubleValue(value) => json!(value),
        any_value::Value::ArrayValue(array) => array
            .values
            .iter()
            .map(|value| value.value.as_ref().map_or(Value::Null, plain))
            .collect(),
        other => json!(format!("{other:?}")),
    }
}

fn lower(name: &str, prefix: &str) -> String {
    name.trim_start_matches(prefix).to_lowercase()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
