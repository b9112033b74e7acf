//! Metrics as text, in the OpenMetrics format 1.0: the one with exemplars.
//!
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>

use super::family::{Exemplar, Family, LabelText, MetricKind, MetricSample, SampleValue};
use std::fmt::{self, Write};

/// The content type of [`encode`].
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The text of these metrics. Those without a series are left out.
pub(super) fn encode(families: &[Family]) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        let (name, kind) = match family.kind {
            // The suffix is the sample's, not the metric's.
            MetricKind::Counter => {
                (family.name.strip_suffix("_total").unwrap_or(family.name), "counter")
            }
            MetricKind::Gauge => (family.name, "gauge"),
            MetricKind::Histogram => (family.name, "histogram"),
        };
        writeln!(text, "# TYPE {name} {kind}")?;
        write!(text, "# HELP {name} ")?;
        escape(&mut text, family.help)?;
        text.push('\n');
        for sample in &family.samples {
            write_sample(&mut text, family, sample)?;
        }
    }
    text.push_str("# EOF\n");
    Ok(text)
}

fn write_sample(text: &mut String, family: &Family, sample: &MetricSample) -> fmt::Result {
    let (name, labels) = (family.name, &sample.labels);
    match &sample.value {
        SampleValue::Number(value) => line(text, name, labels, None, *value, sample.exemplar),
        SampleValue::Histogram { buckets, count, sum } => {
            let name = format!("{name}_bucket");
            for (bound, count) in buckets {
                line(text, &name, labels, Some(*bound), super::family::number(*count), None)?;
            }
            line(text, &name, labels, Some(f64::INFINITY), super::family::number(*count), None)?;
            let name = family.name;
            line(
                text,
                &format!("{name}_count"),
                labels,
                None,
                super::family::number(*count),
                None,
            )?;
            line(text, &format!("{name}_sum"), labels, None, *sum, None)
        }
    }
}

fn line(
    text: &mut String,
    name: &str,
    labels: &[(&'static str, LabelText)],
    bound: Option<f64>,
    value: f64,
    exemplar: Option<Exemplar>,
) -> fmt::Result {
    text.push_str(name);
    let mut opening = '{';
    for (label, value) in labels {
        write!(text, "{opening}{label}=\"")?;
        escape(text, value)?;
        text.push('"');
        opening = ',';
    }
    if let Some(bound) = bound {
        write!(text, "{opening}le=\"{}\"", Number(bound))?;
        opening = ',';
    }
    if opening == ',' {
        text.push('}');
    }
    write!(text, " {value}")?;
    if let Some(Exemplar { trace_id, at }) = exemplar {
        text.push_str(" # {trace_id=\"");
        trace_id.iter().try_for_each(|byte| write!(text, "{byte:02x}"))?;
        let (seconds, rest) = (at.0.div_euclid(1_000_000_000), at.0.rem_euclid(1_000_000_000));
        write!(text, "\"}} 1 {seconds}.{rest:09}")?;
    }
    text.push('\n');
    Ok(())
}

/// A bound as the format has it: always with a point, so that it is the same text everywhere.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_infinite() { f.write_str("+Inf") } else { write!(f, "{:?}", self.0) }
    }
}

fn escape(text: &mut String, value: &str) -> fmt::Result {
    value.chars().try_for_each(|character| match character {
        '\\' => text.write_str("\\\\"),
        '"' => text.write_str("\\\""),
        '\n' => text.write_str("\\n"),
        other => text.write_char(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wrongdoor_core::time::Timestamp;

    #[test]
    fn all_kinds_are_written_with_exemplars_and_an_end() {
        let exemplar = Exemplar { trace_id: [0xab; 16], at: Timestamp(1_700_000_000_000_000_007) };
        let buckets = vec![(1.0, 2), (0.5, 3)];
        let histogram = SampleValue::Histogram { buckets, count: 4, sum: 20.5 };
        let families = [
            Family::counter("a_total", "Counts \"a\".").with_exemplar(
                [("name", "quote\" slash\\ line\n".into())],
                3.0,
                Some(exemplar),
            ),
            Family::gauge("b", "How much b.").with([], 7.0),
            Family::gauge("none", "There are none."),
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
# TYPE a counter
# HELP a Counts \\\"a\\\".
a_total{name=\"quote\\\" slash\\\\ line\\n\"} 3 # {trace_id=\"abababababababababababababababab\"} 1 1700000000.000000007
# TYPE b gauge
# HELP b How much b.
b 7
# TYPE c histogram
# HELP c How much c.
c_bucket{le=\"1.0\"} 2
c_bucket{le=\"0.5\"} 3
c_bucket{le=\"+Inf\"} 4
c_count 4
c_sum 20.5
# EOF
";
        assert_eq!(encode(&families).unwrap(), expected);
    }
}
