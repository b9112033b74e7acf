//! The page of the metrics.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Program, field, row};

/// The most values of a label that a cell shows.
const MAX_VALUES: usize = 12;

pub(super) fn page(program: &Program) -> Result<String> {
    let metrics = program.json(&["metrics", "--format", "json"])?;
    let mut page = "# Metrics\n\nThis page lists all metrics of `wrongdoor run`. [Metric labels](metric-labels.md) explains \
                    the values of labels and the counting rules. `wrongdoor metrics` prints the same list.\n"
        .to_owned();
    for metric in metrics.as_array().context("a list")? {
        let (name, kind, help) =
            (field(metric, "name")?, field(metric, "type")?, field(metric, "help")?);
        write!(page, "\n## `{name}`\n\n{help} ({kind})\n")?;
        let labels = metric.get("labels").and_then(Value::as_object).context("labels")?;
        if labels.is_empty() {
            continue;
        }
        page.push_str("\n| label | values |\n| --- | --- |\n");
        for (label, values) in labels {
            page += &row(&[&format!("`{label}`"), &shown(values)])?;
        }
    }
    Ok(page)
}

/// The values of a label, if they are a closed list.
fn shown(values: &Value) -> String {
    let Some(values) = values.as_array() else { return "any".to_owned() };
    let names = values.iter().filter_map(Value::as_str);
    let names: Vec<_> = names
        .map(|name| if name.is_empty() { "(empty)".to_owned() } else { format!("`{name}`") })
        .collect();
    match names.len() {
        0..=MAX_VALUES => names.join(", "),
        many => format!(
            "{many} values, such as {}",
            names.iter().take(3).cloned().collect::<Vec<_>>().join(", ")
        ),
    }
}
