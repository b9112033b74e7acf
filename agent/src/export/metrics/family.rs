//! Metrics as plain values: what is measured, apart from how it is written.

use super::names::Label;
use std::ops::Deref;
use wrongdoor_core::time::Timestamp;

/// A metric with all its series.
pub(in crate::export) struct Family {
    pub(in crate::export) name: &'static str,
    pub(in crate::export) help: &'static str,
    pub(in crate::export) kind: Kind,
    pub(in crate::export) samples: Vec<Sample>,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::export) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One series.
pub(in crate::export) struct Sample {
    pub(in crate::export) labels: Vec<(&'static str, Text)>,
    pub(in crate::export) value: Value,
    pub(in crate::export) exemplar: Option<Exemplar>,
}

/// One of the events that a counter counted: the trace that tells about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::export) struct Exemplar {
    pub(in crate::export) trace_id: [u8; 16],
    pub(in crate::export) at: Timestamp,
}

/// A label's value. Copying one takes no memory.
pub(in crate::export) enum Text {
    Fixed(&'static str),
    Name(Label),
}

/// Its value.
pub(in crate::export) enum Value {
    Number(f64),
    Histogram {
        /// Upper bounds, and how many values are at most that.
        buckets: Vec<(f64, u64)>,
        count: u64,
        sum: f64,
    },
}

impl Family {
    pub(super) fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Counter, samples: Vec::new() }
    }

    pub(super) fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Gauge, samples: Vec::new() }
    }

    /// One more series.
    pub(super) fn with(
        self,
        labels: impl IntoIterator<Item = (&'static str, Text)>,
        value: f64,
    ) -> Self {
        self.with_exemplar(labels, value, None)
    }

    /// The same, with one of the events that it counts.
    pub(super) fn with_exemplar(
        mut self,
        labels: impl IntoIterator<Item = (&'static str, Text)>,
        value: f64,
        exemplar: Option<Exemplar>,
    ) -> Self {
        let labels = labels.into_iter().collect();
        self.samples.push(Sample { labels, value: Value::Number(value), exemplar });
        self
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

impl From<&Label> for Text {
    fn from(name: &Label) -> Self {
        Self::Name(Label::clone(name))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Name(name) => name,
        }
    }
}

/// Counts are exact up to 2^53, which no counter here reaches.
#[expect(clippy::cast_precision_loss, reason = "no counter here comes near 2^53")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}
