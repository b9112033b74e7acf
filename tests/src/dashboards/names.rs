//! Whether a query names only what is exported: metrics, labels, and values of labels.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, bail, ensure};
use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{self, Expr, LabelModifier, VectorSelector, token};
use serde::Deserialize;

/// What Prometheus puts to whatever it scrapes; `cluster` where somebody says so.
pub const TARGET_LABELS: [&str; 3] = ["cluster", "instance", "job"];

use crate::binary;

type Labels = BTreeSet<String>;

/// The labels of a metric, and the values of those that have few.
type Metric = BTreeMap<String, Option<BTreeSet<String>>>;

/// A metric in the output of `wrongdoor metrics`.
#[derive(Deserialize)]
struct Exported {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    labels: Metric,
}

/// All metrics that there are.
#[derive(Clone, Debug)]
pub struct Names(BTreeMap<String, Metric>);

impl Names {
    /// What the agent exports (`wrongdoor metrics`), and what Prometheus makes of every target.
    ///
    /// # Errors
    ///
    /// The program cannot be run.
    pub fn exported() -> Result<Self> {
        let output = binary::run(&["metrics", "--format", "json"])?;
        let catalogue: Vec<Exported> = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        let mut metrics = BTreeMap::from([("up".to_owned(), Metric::new())]);
        for Exported { name, kind, labels } in catalogue {
            if kind == "histogram" {
                for suffix in ["_count", "_sum"] {
                    metrics.insert(format!("{}{suffix}", name), labels.clone());
                }
                let mut buckets = labels;
                buckets.insert("le".to_owned(), None);
                metrics.insert(format!("{}_bucket", name), buckets);
            } else {
                metrics.insert(name, labels);
            }
        }
        for labels in metrics.values_mut() {
            labels.extend(TARGET_LABELS.map(|label| (label.to_owned(), None)));
        }
        Ok(Self(metrics))
    }

    /// A metric that a rule records, with what its expression is made of.
    pub fn record(&mut self, name: &str, expression: &str) -> Result<()> {
        let labels = self.require(expression)?;
        self.0.insert(name.to_owned(), labels.into_iter().map(|label| (label, None)).collect());
        Ok(())
    }

    /// Requires that an expression parses and names only what is there; the labels that its result may have.
    pub fn require(&self, expression: &str) -> Result<Labels> {
        let parsed = parser::parse(expression).map_err(|error| anyhow!("{error}"));
        parsed.and_then(|parsed| self.labels(&parsed)).with_context(|| expression.to_owned())
    }

    /// Requires that there is this metric with this label and this value, as a scrape has it.
    pub fn require_sample(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<()> {
        let metric = self.0.get(name).with_context(|| format!("no metric {name}"))?;
        for (label, value) in labels {
            let values =
                metric.get(label).with_context(|| format!("{name} has no label {label}"))?;
            let is_known = values.as_ref().is_none_or(|values| values.contains(value));
            ensure!(is_known, "{name} has no {label}={value:?}");
        }
        Ok(())
    }

    fn labels(&self, expression: &Expr) -> Result<Labels> {
        match expression {
            Expr::VectorSelector(selector) => self.selected(selector),
            Expr::MatrixSelector(selector) => self.selected(&selector.vs),
            Expr::Subquery(inner) => self.labels(&inner.expr),
            Expr::Paren(inner) => self.labels(&inner.expr),
            Expr::Unary(inner) => self.labels(&inner.expr),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Ok(Labels::new()),
            Expr::Aggregate(aggregate) => {
                let inner = self.labels(&aggregate.expr)?;
                let keeps = [token::T_TOPK, token::T_BOTTOMK].contains(&aggregate.op.id());
                match &aggregate.modifier {
                    None if keeps => Ok(inner),
                    None => Ok(Labels::new()),
                    Some(modifier) => {
                        let named = within(modifier, &inner)?;
                        Ok(match modifier {
                            _ if keeps => inner,
                            LabelModifier::Include(_) => named,
                            LabelModifier::Exclude(_) => {
                                inner.difference(&named).cloned().collect()
                            }
                        })
                    }
                }
            }
            Expr::Binary(binary) => {
                let (left, right) = (self.labels(&binary.lhs)?, self.labels(&binary.rhs)?);
                let matching = binary.modifier.as_ref().and_then(|by| by.matching.as_ref());
                if let Some(matching) = matching {
                    within(matching, &left)?;
                    within(matching, &right)?;
                }
                Ok(match binary.op.id() {
                    token::T_LAND | token::T_LUNLESS => left,
                    _ => left.union(&right).cloned().collect(),
                })
            }
            Expr::Call(call) => {
                let mut labels = Labels::new();
                for argument in &call.args.args {
                    labels.extend(self.labels(argument)?);
                }
                match call.func.name {
                    "histogram_quantile" => ensure!(labels.remove("le"), "no buckets"),
                    "absent" | "absent_over_time" => labels.clear(),
                    "label_replace" => {
                        let named: Vec<_> =
                            call.args.args.iter().filter_map(|each| text(each)).collect();
                        let [to, _, from, _] = named[..] else { bail!("an odd label_replace") };
                        ensure!(labels.contains(from), "there is no label {from}");
                        labels.insert(to.to_owned());
                    }
                    _ => {}
                }
                Ok(labels)
            }
            Expr::Extension(_) => bail!("what is this?"),
        }
    }

    fn selected(&self, selector: &VectorSelector) -> Result<Labels> {
        let name = selector.name.as_deref().context("a selector without a name")?;
        let metric = self.0.get(name).with_context(|| format!("no metric {name}"))?;
        ensure!(selector.matchers.or_matchers.is_empty(), "`or` is not Prometheus's");
        for matcher in &selector.matchers.matchers {
            let label = &matcher.name;
            let values =
                metric.get(label).with_context(|| format!("{name} has no label {label}"))?;
            let Some(values) = values else { continue };
            for value in values_of(matcher) {
                ensure!(
                    values.contains(value) || value.is_empty(),
                    "{name} has no {label}={value}"
                );
            }
        }
        Ok(metric.keys().cloned().collect())
    }
}

/// The labels that a modifier names, all of which must be there.
fn within(modifier: &LabelModifier, there: &Labels) -> Result<Labels> {
    let named: Labels = modifier.labels().labels.iter().cloned().collect();
    match named.difference(there).next() {
        None => Ok(named),
        Some(missing) => bail!("there is no label {missing}"),
    }
}

/// The values that a matcher names; none where it takes anything.
fn values_of(matcher: &Matcher) -> Vec<&str> {
    match &matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => vec![&matcher.value],
        MatchOp::Re(_) | MatchOp::NotRe(_) if matcher.value == ".*" => Vec::new(),
        MatchOp::Re(_) | MatchOp::NotRe(_) => matcher.value.split('|').collect(),
    }
}

fn text(argument: &Expr) -> Option<&str> {
    match argument {
        Expr::StringLiteral(literal) => Some(&literal.val),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_exported_is_refused() -> Result<()> {
        let mut names = Names::exported()?;
        for wrong in [
            "wrongdoor_exchange_total",
            "sum by (verdict) (rate(wrongdoor_misdirected_total[5m]))",
            r#"wrongdoor_exchanges_total{outcome="refused"}"#,
            r#"wrongdoor_exchanges_total{outcome=~"served|refused"}"#,
            r#"wrongdoor_events_lost_total{reason!="repeat"}"#,
            r#"wrongdoor_exchanges_total{path="/"}"#,
            "sum by (le) (rate(wrongdoor_recovery_seconds[5m]))",
            "histogram_quantile(0.5, sum(rate(wrongdoor_recovery_seconds_bucket[5m])))",
            "sum without (cause) (wrongdoor_exchanges_total)",
            "sum by (role) (wrongdoor_exchanges_total) / on (sni) sum by (role) (wrongdoor_exchanges_total)",
            r#"label_replace(wrongdoor_exchanges_total, "a", "b", "c", "")"#,
            "a:b:c",
            "sum(",
        ] {
            ensure!(names.require(wrong).is_err(), "{wrong} passes");
        }
        names.record("a:b:c", "sum by (cause) (wrongdoor_misdirected_total)")?;
        ensure!(names.require(r#"a:b:c{cause="unknown"}"#)? == Labels::from(["cause".to_owned()]));
        ensure!(names.require(r#"a:b:c{sni="a.test"}"#).is_err());
        Ok(())
    }
}
