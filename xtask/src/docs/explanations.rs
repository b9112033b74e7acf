//! The pages of verdicts and causes.

use std::fmt::Write;

use anyhow::Result;
use serde_json::Value;

use super::{Program, field, list};

/// What `wrongdoor explain` knows.
pub(super) struct Explanations {
    verdicts: String,
    causes: String,
}

impl Explanations {
    pub(super) fn of(program: &Program) -> Result<Self> {
        let all = program.json(&["explain", "--format", "json"])?;
        Ok(Self { verdicts: verdicts(&all)?, causes: causes(&all)? })
    }

    pub(super) fn verdicts(&self) -> String {
        self.verdicts.clone()
    }

    pub(super) fn causes(&self) -> String {
        self.causes.clone()
    }
}

fn verdicts(all: &Value) -> Result<String> {
    let mut page = "# Verdicts\n\nThis page lists what the verdict of an exchange can be. [Verdicts and \
                    causes](../explanation/verdicts.md) explains how a verdict comes about and what it proves.\n"
        .to_owned();
    page.push_str("\n| verdict | meaning |\n| --- | --- |\n");
    for verdict in list(all, "verdicts")? {
        page +=
            &super::row(&[&format!("`{}`", field(verdict, "id")?), field(verdict, "meaning")?])?;
    }
    page.push_str("\n## Recoveries\n\nWhat the client did after a 421.\n\n| recovery | meaning |\n| --- | --- |\n");
    for recovery in list(all, "recoveries")? {
        page +=
            &super::row(&[&format!("`{}`", field(recovery, "id")?), field(recovery, "meaning")?])?;
    }
    Ok(page)
}

fn causes(all: &Value) -> Result<String> {
    let mut page = "# Causes\n\nThis page lists the causes of refused requests, and what to change. The first cause whose \
                    rule fits is reported. `wrongdoor explain CAUSE` prints the same.\n"
        .to_owned();
    for cause in list(all, "causes")? {
        write!(page, "\n## `{}`\n\nMeaning: {}.\n", field(cause, "id")?, field(cause, "title")?)?;
        for advice in list(cause, "advice")? {
            let text = field(advice, "text")?;
            match advice.get("when").and_then(Value::as_str) {
                Some(when) => write!(page, "\n{when}: {text}\n")?,
                None => write!(page, "\n{text}\n")?,
            }
        }
    }
    Ok(page)
}
