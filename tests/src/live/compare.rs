//! What the agent told, held against what the peers know.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::legality;
use super::truth::Truth;
use crate::report::{number, text};

/// The end of the connection that an observation was made at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// In the client's process.
    Client,
    /// In the server's process.
    Server,
    /// On the wire, by `analyze`.
    None,
}

/// The outcome.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// How many were told, and rightly.
    pub right: usize,
    /// Lines that say nothing wrong but leave something unknown.
    pub partial: Vec<Value>,
    /// Lines that no peer knows of: invented, doubled, or with a wrong value.
    pub wrong: Vec<Value>,
    /// Requests that a client gave up with their connection, and made again on another.
    pub abandoned: usize,
    /// Exchanges that no line tells, not even in part.
    pub missing: Vec<Truth>,
    /// Lines of the peers' processes whose connection the agent says not to know.
    pub unresolved: usize,
}

/// How a line fits an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    All,
    Part,
}

/// Whether `line` is about one of these servers, seen at this end.
pub fn is_of(line: &Value, role: Role, servers: &[u16]) -> bool {
    let port = text(line, "server").and_then(|server| server.rsplit(':').next()?.parse().ok());
    text(line, "role") == role.name() && port.is_some_and(|port: u16| servers.contains(&port))
}

/// Compares the lines about the servers on these ports, seen at one end, with `truth`. Each exchange must be told
/// once, and with every value that its peers know.
pub fn compare(truth: &[Truth], lines: &[Value], role: Role, servers: &[u16]) -> Comparison {
    let mut open: HashMap<&str, Vec<&Truth>> = HashMap::new();
    for row in truth {
        open.entry(&row.client).or_default().push(row);
    }
    // Rows that know more are matched first, so that they are not left to lines that fit them less.
    for rows in open.values_mut() {
        rows.sort_by_key(|row| (row.stream.is_none(), row.pid.is_none()));
    }
    let mut outcome = Comparison::default();
    let mut take = |line: &Value, fit: Fit| {
        let rows = text(line, "client").and_then(|client| open.get_mut(client));
        rows.and_then(|rows| {
            let at = rows.iter().position(|row| row.fits(line, role, fit))?;
            Some(rows.remove(at))
        })
    };
    let mut others = Vec::new();
    for line in lines.iter().filter(|line| is_of(line, role, servers)) {
        match take(line, Fit::All) {
            Some(_) => outcome.right += 1,
            None => others.push(line.clone()),
        }
    }
    (outcome.partial, outcome.wrong) =
        others.into_iter().partition(|line| take(line, Fit::Part).is_some());
    let told = outcome.wrong.len();
    outcome.wrong.retain(|line| !truth.iter().any(|row| row.is_made_again(line, role)));
    outcome.abandoned = told - outcome.wrong.len();
    outcome.missing = open.into_values().flatten().cloned().collect();
    outcome.missing.sort();
    let pids: HashSet<u64> = truth.iter().filter_map(|row| row.pid).collect();
    let unresolved = |line: &&Value| {
        text(line, "client").is_none()
            && text(line, "role") == role.name()
            && process(line, "pid").and_then(Value::as_u64).is_some_and(|pid| pids.contains(&pid))
    };
    outcome.unresolved = lines.iter().filter(unresolved).count();
    outcome
}

// ===== impl Role =====

impl Role {
    /// As in the lines.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Client => Some("client"),
            Self::Server => Some("server"),
            Self::None => None,
        }
    }
}

// ===== impl Truth =====

impl Truth {
    /// Whether every value of the line that this knows is the same, and the verdict one that is true. With
    /// [`Fit::Part`] the line may leave values unknown.
    fn fits(&self, line: &Value, role: Role, fit: Fit) -> bool {
        let unknown = |key: &str| fit == Fit::Part && line.get(key).is_none_or(Value::is_null);
        let is = |key: &str, value: &str| unknown(key) || text(line, key) == Some(value);
        is("client", &self.client)
            && is("server", &self.server)
            && self.sni_fits(line, fit)
            && is("authority", &self.authority())
            && is("authority_raw", &self.host)
            && (unknown("status") || number(line, "status") == Some(u64::from(self.status)))
            && is("http_version", &self.http_version)
            && is("method", &self.method)
            && self.stream.is_none_or(|stream| number(line, "stream") == Some(stream))
            && self.verdict_is_true(line, fit)
            && self.origin_is_right(line, role)
    }

    /// Whether the line is the same request on another connection, which ended before it was answered: clients
    /// log only the one that was.
    fn is_made_again(&self, line: &Value, role: Role) -> bool {
        role == Role::Client
            && number(line, "status").is_none()
            && text(line, "client") != Some(&self.client)
            && text(line, "server") == Some(&self.server)
            && text(line, "authority_raw") == Some(&self.host)
            && text(line, "method") == Some(&self.method)
            && self.origin_is_right(line, role)
    }

    fn sni_fits(&self, line: &Value, fit: Fit) -> bool {
        let state = text(line, "sni_state");
        if fit == Fit::Part && state == Some("unseen") {
            return text(line, "sni").is_none();
        }
        let known = if self.sni.is_some() { "name" } else { "absent" };
        state == Some(known) && text(line, "sni") == self.sni.as_deref()
    }

    fn verdict_is_true(&self, line: &Value, fit: Fit) -> bool {
        let verdict = text(line, "verdict").unwrap_or_default();
        legality::verdicts(self).contains(&verdict) || (fit == Fit::Part && verdict == "unknown")
    }

    fn origin_is_right(&self, line: &Value, role: Role) -> bool {
        if role == Role::None {
            return text(line, "source") == Some("file");
        }
        let pid = process(line, "pid").and_then(Value::as_u64);
        text(line, "source") == Some("ebpf") && self.pid.is_none_or(|known| pid == Some(known))
    }
}

fn process<'a>(line: &'a Value, field: &str) -> Option<&'a Value> {
    line.get("process")?.get(field)
}

// ===== impl Comparison =====

impl Comparison {
    /// Requires that nothing told is wrong.
    pub fn require_nothing_wrong(&self) -> Result<()> {
        ensure!(self.wrong.is_empty(), "{} lines are wrong\n{}", self.wrong.len(), self.shown());
        Ok(())
    }

    /// Requires that all is told and nothing is wrong.
    pub fn require_all(&self) -> Result<()> {
        self.require_nothing_wrong()?;
        ensure!(
            self.missing.is_empty() && self.partial.is_empty(),
            "{} are missing, {} known in part ({} lines without a connection)\n{}",
            self.missing.len(),
            self.partial.len(),
            self.unresolved,
            self.shown()
        );
        ensure!(self.right > 0, "there was nothing to compare");
        Ok(())
    }

    /// The first of what is wrong and missing, for a person.
    fn shown(&self) -> String {
        const SHOWN: usize = 5;
        let mut text = format!("{} are right\n", self.right);
        for line in self.wrong.iter().take(SHOWN) {
            text += &format!("wrong: {line:#}\n");
        }
        for line in self.partial.iter().take(SHOWN) {
            text += &format!("in part: {line:#}\n");
        }
        for row in self.missing.iter().take(SHOWN) {
            text += &format!("missing: {row:?}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(client: u16, host: &str, status: u16) -> Truth {
        Truth {
            client: format!("127.0.0.1:{client}"),
            server: "127.0.0.1:4".to_owned(),
            sni: Some("a.test".to_owned()),
            host: host.to_owned(),
            status,
            http_version: "2".to_owned(),
            method: "GET".to_owned(),
            stream: None,
            pid: Some(7),
        }
    }

    fn line(truth: &Truth, verdict: &str) -> Value {
        json!({
            "client": truth.client, "server": truth.server, "sni": truth.sni, "sni_state": "name",
            "authority": truth.authority(), "authority_raw": truth.host, "status": truth.status,
            "http_version": "2", "method": "GET", "verdict": verdict, "source": "ebpf",
            "role": "server", "process": { "pid": 7, "command": "x" },
        })
    }

    #[test]
    fn what_agrees_is_right_and_each_counts_once() -> Result<()> {
        let rows = [row(5, "a.test", 200), row(5, "d.test:4", 421), row(5, "a.test", 200)];
        let [a, d, again] = &rows;
        let lines = [line(a, "match"), line(d, "misdirected_uncovered"), line(again, "match")];
        compare(&rows, &lines, Role::Server, &[4]).require_all()?;
        let lost = compare(&rows, lines.get(1..).unwrap_or_default(), Role::Server, &[4]);
        assert_eq!((lost.right, lost.missing.len(), lost.wrong.len()), (2, 1, 0));
        let doubled: Vec<Value> = lines.iter().chain(&lines).cloned().collect();
        assert_eq!(compare(&rows, &doubled, Role::Server, &[4]).wrong.len(), 3);
        let of_others = compare(&rows, &lines, Role::Server, &[5]);
        assert_eq!((of_others.right, of_others.missing.len()), (0, 3));
        Ok(())
    }

    #[test]
    fn what_is_unknown_is_not_wrong() {
        let truth = row(5, "d.test", 421);
        let mut line = line(&truth, "unknown");
        for field in ["sni", "status"] {
            *line.get_mut(field).expect(field) = Value::Null;
        }
        *line.get_mut("sni_state").expect("a state") = json!("unseen");
        let outcome = compare(&[truth], &[line], Role::Server, &[4]);
        assert_eq!((outcome.partial.len(), outcome.wrong.len(), outcome.missing.len()), (1, 0, 0));
        assert!(outcome.require_nothing_wrong().is_ok() && outcome.require_all().is_err());
    }

    #[test]
    fn every_wrong_value_is_found() {
        let truth = row(5, "d.test", 421);
        let good = line(&truth, "coalesced_unverified");
        let fields = ["sni", "authority", "status", "verdict", "method", "client", "sni_state"];
        for field in fields.into_iter().chain(["http_version", "authority_raw", "source"]) {
            let mut wrong = good.clone();
            let value = wrong.get_mut(field).expect(field);
            *value = json!("other");
            let outcome = compare(std::slice::from_ref(&truth), &[wrong], Role::Server, &[4]);
            assert_eq!((outcome.wrong.len(), outcome.missing.len()), (1, 1), "{field}");
        }
        let mut stranger = good;
        *stranger.pointer_mut("/process/pid").expect("a pid") = json!(8);
        assert_eq!(compare(&[truth], &[stranger], Role::Server, &[4]).wrong.len(), 1);
    }
}
