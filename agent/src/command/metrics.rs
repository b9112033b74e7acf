//! `wrongdoor metrics`: what `run` exports.

use crate::cli::{Format, Metrics};
use crate::error::Error;
use crate::export::{CatalogueEntry, Output, catalogue};
use crate::text::json_line;
use std::collections::BTreeSet;
use std::process::ExitCode;

/// The most values of a label that the list shows.
const MAX_VALUES: usize = 5;

/// Runs the command.
pub(super) fn run(arguments: &Metrics) -> Result<ExitCode, Error> {
    let mut output = Output::open(None)?;
    let metrics = catalogue();
    let text = match arguments.format {
        Format::Json => json_line(&metrics),
        Format::Table => list(&metrics).into_bytes(),
    };
    output.write(&text)?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The name and type of each metric, what it counts, and its labels.
fn list(metrics: &[CatalogueEntry]) -> String {
    let entries = metrics.iter().map(|metric| {
        let labels: Vec<_> =
            metric.labels.iter().map(|(name, values)| label(name, values)).collect();
        let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
        let CatalogueEntry { name, kind, help, .. } = metric;
        format!("{name} ({kind})\n    {help}\n    labels: {labels}\n")
    });
    entries.collect::<Vec<_>>().join("\n")
}

/// A label, with its values where they are few.
fn label(name: &str, values: &Option<BTreeSet<String>>) -> String {
    match values {
        Some(values) if values.len() <= MAX_VALUES => {
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            format!("{name}={}", values.join("|"))
        }
        _ => name.to_owned(),
    }
}
