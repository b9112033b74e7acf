//! The JSON lines that `wrongdoor` writes.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The lines by type, each in the order written.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// `exchange` lines.
    pub exchanges: Vec<Value>,
    /// `connection` lines.
    pub connections: Vec<Value>,
    /// `recovery` lines.
    pub recoveries: Vec<Value>,
    /// The last line.
    pub summary: Value,
}

// ===== impl Report =====

impl Report {
    /// Parses JSON lines.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut report = Self::default();
        for line in std::str::from_utf8(bytes)?.lines() {
            let value: Value =
                serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
            match text(&value, "type") {
                Some("exchange") => report.exchanges.push(value),
                Some("connection") => report.connections.push(value),
                Some("recovery") => report.recoveries.push(value),
                Some("summary") => report.summary = value,
                _ => bail!("a line of no known type: {line}"),
            }
        }
        Ok(report)
    }

    /// The exchanges for `authority`.
    pub fn of_authority(&self, authority: &str) -> Vec<&Value> {
        self.exchanges
            .iter()
            .filter(|exchange| text(exchange, "authority") == Some(authority))
            .collect()
    }

    /// The one exchange that has all of `facts`.
    pub fn the_exchange(&self, facts: &[(&str, Value)]) -> Result<&Value> {
        let mut found = self
            .exchanges
            .iter()
            .filter(|exchange| facts.iter().all(|(key, value)| exchange.get(key) == Some(value)));
        match (found.next(), found.next()) {
            (Some(exchange), None) => Ok(exchange),
            (None, _) => bail!("no exchange with {facts:?} in {:#?}", self.exchanges),
            (Some(_), Some(_)) => bail!("several with {facts:?} in {:#?}", self.exchanges),
        }
    }
}

/// A field that is text.
pub fn text<'a>(line: &'a Value, key: &str) -> Option<&'a str> {
    line.get(key).and_then(Value::as_str)
}

/// A field that is a number.
pub fn number(line: &Value, key: &str) -> Option<u64> {
    line.get(key).and_then(Value::as_u64)
}
