//! Metrics as text, in Prometheus's format 0.0.4.

use super::family::{Family, LabelText, MetricKind, MetricSample, SampleValue};
use prometheus::TextEncoder;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

/// The content type of [`encode`].
pub(crate) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// The text of these metrics. Those without a series are left out.
pub(super) fn encode(families: Vec<Family>) -> Result<String, prometheus::Error> {
    let families = families.into_iter().filter(|family| !family.samples.is_empty());
    let families: Vec<MetricFamily> = families.map(family).collect();
    TextEncoder::new().encode_to_string(&families)
}

fn family(from: Family) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(from.name.to_owned());
    family.set_help(from.help.to_owned());
    family.set_field_type(match from.kind {
        MetricKind::Counter => MetricType::COUNTER,
        MetricKind::Gauge => MetricType::GAUGE,
        MetricKind::Histogram => MetricType::HISTOGRAM,
    });
    family.set_metric(from.samples.into_iter().map(|sample| metric(from.kind, sample)).collect());
    family
}

fn metric(kind: MetricKind, sample: MetricSample) -> Metric {
    let label = |(name, value): (&'static str, LabelText)| {
        let mut label = LabelPair::default();
        label.set_name(name.to_owned());
        label.set_value(String::from(&*value));
        label
    };
    let mut metric = Metric::from_label(sample.labels.into_iter().map(label).collect());
    match sample.value {
        SampleValue::Number(value) if kind == MetricKind::Gauge => {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        SampleValue::Number(value) => {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        }
        SampleValue::Histogram { buckets, count, sum } => {
            let mut histogram = Histogram::default();
            histogram.set_sample_count(count);
            histogram.set_sample_sum(sum);
            histogram.set_bucket(buckets.into_iter().map(bucket).collect());
            metric.set_histogram(histogram);
        }
    }
    metric
}

fn bucket((upper_bound, count): (f64, u64)) -> Bucket {
    let mut bucket = Bucket::default();
    bucket.set_upper_bound(upper_bound);
    bucket.set_cumulative_count(count);
    bucket
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::metrics::family::number;

    #[test]
    fn all_kinds_are_written_and_values_escaped() {
        let buckets = vec![(1.0, 2), (5.0, 3)];
        let histogram = SampleValue::Histogram { buckets, count: 4, sum: 20.0 };
        let families = vec![
            Family::counter("a_total", "Counts a.")
                .with([("name", "quote\" slash\\ line\n".into())], 3.0),
            Family::gauge("b", "How much b.").with([], number(7)),
            Family::gauge("nothing", "There is none."),
            Family {
                name: "c",
                help: "How much c.",
                kind: MetricKind::Histogram,
                samples: vec![MetricSample {
                    labels: Vec::new(),
                    value: histogram,
                    exemplar: None,
                }],
            },
        ];
        let expected = "\
# HELP a_total Counts a.
# TYPE a_total counter
a_total{name=\"quote\\\" slash\\\\ line\\n\"} 3
# HELP b How much b.
# TYPE b gauge
b 7
# HELP c How much c.
# TYPE c histogram
c_bucket{le=\"1\"} 2
c_bucket{le=\"5\"} 3
c_bucket{le=\"+Inf\"} 4
c_sum 20
c_count 4
";
        assert_eq!(encode(families).unwrap(), expected);
    }
}
