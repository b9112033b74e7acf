//! The rules as Prometheus reads them.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Result, anyhow};
use serde::Deserialize;

use super::folder;

/// The files, in the order in which they depend on each other.
const FILES: [&str; 2] = ["recording.yaml", "alerts.yaml"];

/// A rule that records or alerts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The name of what is recorded.
    pub record: Option<String>,
    /// The alert's name.
    pub alert: Option<String>,
    /// What is evaluated.
    pub expr: String,
    /// How long it must be so.
    #[serde(rename = "for")]
    pub lasting: Option<String>,
    /// The alert's labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What people are told.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(rename = "name")]
    _name: String,
    rules: Vec<Rule>,
}

/// All of them, those first that others are made of.
pub fn rules() -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for file in FILES {
        let text = fs::read_to_string(folder().join("rules").join(file))?;
        let read: File =
            serde_saphyr::from_str(&text).map_err(|error| anyhow!("{file}: {error}"))?;
        rules.extend(read.groups.into_iter().flat_map(|group| group.rules));
    }
    Ok(rules)
}
