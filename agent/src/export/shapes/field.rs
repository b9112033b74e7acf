//! Values of fields: text of other types, and the closed lists that a schema names.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;
use wrongdoor_core::observation::{Facts, TransportKind};
use wrongdoor_core::side::Side;

/// Serialises as its text.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<T> JsonSchema for Text<T> {
    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// A closed list of names.
pub(super) fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<Value> {
    all.iter().map(|value| name(*value).into()).collect()
}

/// The same where there may be none.
pub(super) fn or_null(mut names: Vec<Value>) -> Vec<Value> {
    names.push(Value::Null);
    names
}

/// These names, and null.
pub(super) fn any_of<const N: usize>(names: [&'static str; N]) -> Vec<Value> {
    or_null(names.map(Value::from).to_vec())
}

pub(super) fn transport(kind: TransportKind) -> &'static str {
    match kind {
        TransportKind::Tcp => "tcp",
        TransportKind::Quic => "quic",
    }
}

pub(super) fn role(facts: &Facts) -> Option<&'static str> {
    facts.observer.role.map(side)
}

pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

pub(super) fn tls_version(facts: &Facts) -> Option<&'static str> {
    facts.tls.as_ref()?.version?.name()
}

pub(super) fn alpn(facts: &Facts) -> Option<&str> {
    facts.tls.as_ref()?.alpn.as_deref()
}

pub(super) fn alpn_offered(facts: &Facts) -> Option<Vec<&str>> {
    Some(facts.tls.as_ref()?.alpn_offered.as_ref()?.iter().collect())
}

pub(super) fn resumed(facts: &Facts) -> Option<bool> {
    facts.tls.as_ref()?.resumed
}

/// Where the certificate is from, if it is known.
pub(super) fn certificate_source(facts: &Facts) -> Option<&'static str> {
    facts.tls.as_ref()?.certificate.as_ref().map(|certificate| certificate.source.as_str())
}

/// To the microsecond.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
