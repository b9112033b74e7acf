//! The page of the JSON lines is written by hand: it names every field of the schema.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Program;

const PAGE: &str = "docs/src/reference/json-lines.md";

/// Fails where the page leaves out a field.
pub(super) fn require_documented(program: &Program, root: &Path) -> Result<()> {
    let mut fields = BTreeSet::new();
    collect(&program.json(&["schema"])?, &mut fields);
    ensure!(fields.len() > 20, "the schema has few fields: {fields:?}");
    let page = fs::read_to_string(root.join(PAGE))?;
    let missing: Vec<_> = fields
        .iter()
        .filter(|field| {
            !page.contains(&format!("`{field}`")) && !page.contains(&format!(".{field}`"))
        })
        .collect();
    ensure!(missing.is_empty(), "{PAGE} does not name these fields: {missing:?}");
    Ok(())
}

/// The names of all properties, of objects in objects too.
fn collect(schema: &Value, fields: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                fields.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| collect(value, fields));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, fields)),
        _ => {}
    }
}
