//! Metrics as plain values: what is measured, apart from how it is written.

use super::names::LabelValue;
use crate::time_histogram::{BOUNDS, TimeHistogram};
use std::fmt::{self, Display, Formatter};
use std::ops::Deref;
use wrongdoor_core::time::Timestamp;

/// A metric with all its series.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: MetricKind,
    pub(super) samples: Vec<MetricSample>,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// One series.
pub(super) struct MetricSample {
    pub(super) labels: Vec<(&'static str, LabelText)>,
    pub(super) value: SampleValue,
    pub(super) exemplar: Option<Exemplar>,
}

/// One of the events that a counter counted: the trace that tells about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exemplar {
    pub(super) trace_id: [u8; 16],
    pub(super) at: Timestamp,
}

/// A label's value. Copying one takes no memory.
pub(super) enum LabelText {
    Fixed(&'static str),
    Name(LabelValue),
}

/// Its value.
pub(super) enum SampleValue {
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
        Self { name, help, kind: MetricKind::Counter, samples: Vec::new() }
    }

    pub(super) fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: MetricKind::Gauge, samples: Vec::new() }
    }

    /// One without labels. Of each bucket its upper bound, and how many values are at most that.
    pub(super) fn histogram(
        name: &'static str,
        help: &'static str,
        buckets: Vec<(f64, u64)>,
        count: u64,
        sum: f64,
    ) -> Self {
        let value = SampleValue::Histogram { buckets, count, sum };
        let samples = vec![MetricSample { labels: Vec::new(), value, exemplar: None }];
        Self { name, help, kind: MetricKind::Histogram, samples }
    }

    /// The same of times.
    pub(super) fn times(name: &'static str, help: &'static str, times: &TimeHistogram) -> Self {
        let buckets = BOUNDS.into_iter().zip(times.within).collect();
        Self::histogram(name, help, buckets, times.count, times.seconds)
    }

    /// One more series.
    pub(super) fn with(
        self,
        labels: impl IntoIterator<Item = (&'static str, LabelText)>,
        value: f64,
    ) -> Self {
        self.with_exemplar(labels, value, None)
    }

    /// A series for each of these labels and values.
    pub(super) fn with_all<L>(self, series: impl IntoIterator<Item = (L, f64)>) -> Self
    where
        L: IntoIterator<Item = (&'static str, LabelText)>,
    {
        series.into_iter().fold(self, |family, (labels, value)| family.with(labels, value))
    }

    /// One more series, with one of the events that it counts.
    pub(super) fn with_exemplar(
        mut self,
        labels: impl IntoIterator<Item = (&'static str, LabelText)>,
        value: f64,
        exemplar: Option<Exemplar>,
    ) -> Self {
        let labels = labels.into_iter().collect();
        self.samples.push(MetricSample { labels, value: SampleValue::Number(value), exemplar });
        self
    }
}

impl MetricKind {
    /// As both text formats name it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Display for MetricKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&'static str> for LabelText {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

impl From<&LabelValue> for LabelText {
    fn from(name: &LabelValue) -> Self {
        Self::Name(LabelValue::clone(name))
    }
}

impl Deref for LabelText {
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
