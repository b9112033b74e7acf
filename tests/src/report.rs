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

/// A field that is a time, in nanoseconds since 1970.
pub fn nanoseconds(line: &Value, key: &str) -> Option<u64> {
    let (seconds, fraction) = text(line, key)?.strip_suffix('Z')?.split_once('.')?;
    let mut parts = seconds.split(['-', 'T', ':']).map(str::parse::<u64>);
    let mut part = || parts.next()?.ok();
    let (year, month, day) = (part()?, part()?, part()?);
    let (hour, minute, second) = (part()?, part()?, part()?);
    // Years begin in March here, so that the day that some lack is the last of the year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    let seconds = ((days - 719_468) * 24 + hour) * 3600 + minute * 60 + second;
    Some(seconds * 1_000_000_000 + fraction.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_1970() {
        for (time, expected) in [
            ("1970-01-01T00:00:00.000000000Z", 0),
            ("2023-11-14T22:13:20.000000001Z", 1_700_000_000_000_000_001),
            ("2024-02-29T00:00:00.000000000Z", 1_709_164_800_000_000_000),
            ("2024-03-01T00:00:00.500000000Z", 1_709_251_200_500_000_000),
        ] {
            assert_eq!(nanoseconds(&serde_json::json!({ "at": time }), "at"), Some(expected));
        }
    }
}
