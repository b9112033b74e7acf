//! What `/metrics` says, in the text format 0.0.4.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// One line: its name, its labels, its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The metric's name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// One scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics(Vec<Sample>);

impl Metrics {
    /// Reads a scrape. What is not the format is an error: Prometheus would refuse it too.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let samples =
            lines.map(|line| sample(line).with_context(|| format!("not a sample: {line}")));
        Ok(Self(samples.collect::<Result<_>>()?))
    }

    /// All samples.
    pub fn samples(&self) -> &[Sample] {
        &self.0
    }

    /// The sum of `name` over all series that have these labels; 0 where there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            sample.name == name
                && labels
                    .iter()
                    .all(|&(label, value)| sample.labels.get(label).is_some_and(|is| is == value))
        };
        self.0.iter().filter(has).map(|sample| sample.value).sum()
    }

    /// Whether there is a series of `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|sample| sample.name == name)
    }
}

fn sample(line: &str) -> Result<Sample> {
    let end = line.find(['{', ' ']).context("no value")?;
    let (name, rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    let value = match rest.strip_prefix('{') {
        None => rest,
        Some(mut rest) => loop {
            rest = rest.trim_start_matches([',', ' ']);
            if let Some(value) = rest.strip_prefix('}') {
                break value;
            }
            let (label, quoted) = rest.split_once("=\"").context("a label without a value")?;
            let (text, behind) = unquote(quoted)?;
            labels.insert(label.to_owned(), text);
            rest = behind;
        },
    };
    // A time may follow the value.
    let value = value.split_ascii_whitespace().next().context("no value")?;
    Ok(Sample { name: name.to_owned(), labels, value: value.parse()? })
}

/// A label's value up to its closing quote, and what is behind it.
fn unquote(quoted: &str) -> Result<(String, &str)> {
    let mut text = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((text, quoted.get(at + 1..).unwrap_or_default())),
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, escaped)) => text.push(escaped),
                None => break,
            },
            _ => text.push(character),
        }
    }
    anyhow::bail!("an open quote")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_their_labels() -> Result<()> {
        let text = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\\\"}\",d=\"e\"} 2\n\
                    a_total{b=\"x\"} 3 1700000000000\nup 1e3\nnothing NaN\n";
        let metrics = Metrics::parse(text)?;
        assert_eq!(metrics.samples().len(), 4);
        assert!((metrics.sum("a_total", &[]) - 5.0).abs() < f64::EPSILON);
        assert!((metrics.sum("a_total", &[("b", "c\"}")]) - 2.0).abs() < f64::EPSILON);
        assert!((metrics.sum("up", &[]) - 1000.0).abs() < f64::EPSILON);
        assert!(metrics.has("nothing") && !metrics.has("a"));
        Ok(())
    }

    #[test]
    fn what_prometheus_would_refuse_is_refused() {
        for line in ["a", "a{b=\"c} 1", "a{b} 1", "a{b=\"c\"}", "a one"] {
            assert!(Metrics::parse(line).is_err(), "{line}");
        }
    }
}
