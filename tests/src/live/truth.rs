//! One exchange as an end of it saw it.

use anyhow::{Context, Result};
use serde_json::Value;

/// What an end of a connection knows of one exchange. What it does not know is `None`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Truth {
    /// `127.0.0.1:50000`.
    pub client: String,
    /// `127.0.0.1:443`.
    pub server: String,
    /// The server name of the connection; `None`: the client sent none.
    pub sni: Option<String>,
    /// The authority as it was sent.
    pub host: String,
    /// The final status.
    pub status: u16,
    /// As in the agent's lines: `1.1`, `2`.
    pub http_version: String,
    /// The method.
    pub method: String,
    /// The HTTP/2 stream, or which request of its connection it was.
    pub stream: Option<u64>,
    /// The process at this end.
    pub pid: Option<u64>,
}

impl Truth {
    /// All rows in a log: the lines that are JSON objects beginning with `client`.
    pub fn parse(log: &str) -> Result<Vec<Self>> {
        log.lines()
            .filter(|line| line.starts_with("{\"client\""))
            .map(|line| {
                let value =
                    serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
                Self::from_value(&value).with_context(|| format!("not an exchange: {line}"))
            })
            .collect()
    }

    /// A row. Servers write numbers as text, and absence as text of their own.
    pub fn from_value(value: &Value) -> Result<Self> {
        let text = |key: &str| {
            let value = value.get(key)?;
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            (!matches!(text.as_str(), "" | "-" | "null" | "false")).then_some(text)
        };
        let needed = |key: &str| text(key).with_context(|| format!("no {key}"));
        let number = |key: &str| text(key).map(|text| text.parse::<u64>()).transpose();
        Ok(Self {
            client: needed("client")?,
            server: needed("server")?,
            sni: text("sni"),
            host: needed("host")?,
            status: needed("status")?.parse()?,
            http_version: version(&needed("protocol")?),
            method: needed("method")?,
            stream: number("stream")?,
            pid: number("pid")?,
        })
    }

    /// The authority as the agent tells it: without its port.
    pub fn authority(&self) -> String {
        let host = self.host.to_ascii_lowercase();
        match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => {
                name.to_owned()
            }
            _ => host,
        }
    }

    /// The same as seen by the other end, whose process is `pid`.
    #[must_use]
    pub fn from_other_end(&self, pid: Option<u32>) -> Self {
        Self { pid: pid.map(u64::from), ..self.clone() }
    }

    /// What both ends of a connection know, to hold one against the other.
    pub fn common(&self) -> Self {
        Self { stream: None, pid: None, ..self.clone() }
    }
}

/// `HTTP/2.0`, `HTTP/2`, `h2` and `2` are one.
fn version(protocol: &str) -> String {
    let version = protocol.trim_start_matches("HTTP/");
    if matches!(version, "2" | "2.0" | "h2") { "2" } else { version }.to_owned()
}

/// Requires that both ends tell the same exchanges.
pub fn agree(one: &[Truth], other: &[Truth]) -> Result<()> {
    let sorted = |rows: &[Truth]| {
        let mut rows: Vec<Truth> = rows.iter().map(Truth::common).collect();
        rows.sort();
        rows
    };
    let (one, other) = (sorted(one), sorted(other));
    let only_one: Vec<_> = one.iter().filter(|row| !other.contains(row)).collect();
    let only_other: Vec<_> = other.iter().filter(|row| !one.contains(row)).collect();
    anyhow::ensure!(
        one == other,
        "the ends do not agree: {} and {} rows\nonly the first: {only_one:#?}\nonly the second: {only_other:#?}",
        one.len(),
        other.len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_all_kinds_are_read() -> Result<()> {
        let log = "starting\n\
            {\"client\":\"127.0.0.1:5\",\"server\":\"127.0.0.1:4\",\"sni\":\"-\",\"host\":\"A.test:4\",\
             \"status\":\"421\",\"method\":\"GET\",\"protocol\":\"HTTP/2.0\",\"pid\":7,\"stream\":\"\"}\n";
        let rows = Truth::parse(log)?;
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(
            (row.sni.as_deref(), row.status, row.pid, row.stream),
            (None, 421, Some(7), None)
        );
        assert_eq!((row.authority().as_str(), row.http_version.as_str()), ("a.test", "2"));
        Ok(())
    }
}
