//! What the machine wrote on its console, and whether it is what it should be.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use wrongdoor_tests::live::metrics::Metrics;
use wrongdoor_tests::report::Report;

/// The watches of `init.sh` that are made by probes.
const ROUNDS: [&str; 2] = ["usual", "tracepoint"];
/// The lines of the console that an error shows.
const TAIL: usize = 60;
/// As many characters of each: a doctor's report is one line.
const WIDTH: usize = 400;

/// All that it wrote.
pub(super) struct Console {
    text: String,
    /// By name: what stands between the lines that say where it begins and ends.
    files: BTreeMap<String, String>,
}

/// A kernel's version.
type Version = (u32, u32);

impl Console {
    pub(super) fn read(log: &Path) -> Result<Self> {
        Ok(Self::of(&String::from_utf8_lossy(&fs::read(log)?)))
    }

    fn of(text: &str) -> Self {
        let text = text.replace('\r', "");
        let mut files = BTreeMap::new();
        for part in text.split("\n=== ").skip(1) {
            if let Some((name, content)) = part.split_once('\n')
                && !name.starts_with("end of ")
            {
                files.insert(name.to_owned(), content.trim().to_owned());
            }
        }
        Self { text, files }
    }

    /// Its end.
    pub(super) fn tail(&self) -> String {
        let lines: Vec<&str> = self.text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default();
        last.iter()
            .map(|line| format!("  {}\n", line.chars().take(WIDTH).collect::<String>()))
            .collect()
    }

    /// Holds each watch against what curl says. What was proven, for people.
    pub(super) fn check(&self) -> Result<String> {
        let release = self.file("release")?;
        let mut numbers = release.split('.').map(str::parse);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
            anyhow::bail!("{release:?} is no version");
        };
        let mut told = format!("Linux {release}");
        for round in ROUNDS {
            let sockets = self
                .round(round, (major, minor))
                .with_context(|| format!("the watch {round:?}"))?;
            write!(told, "\n  {round}: 2 exchanges at 2 ends each, sockets by {sockets}")?;
        }
        let connections = self.packets().context("the watch of packets")?;
        write!(
            told,
            "\n  packets: {connections} handshakes, chosen by the filter that follows flows"
        )?;
        let doctor: Value =
            serde_json::from_str(self.file("doctor")?).context("doctor's report")?;
        let condition = doctor.get("condition").and_then(Value::as_str).context("no condition")?;
        ensure!(matches!(condition, "works" | "partly"), "doctor says {condition}");
        write!(told, "\n  doctor: {condition}")?;
        Ok(told)
    }

    fn round(&self, round: &str, version: Version) -> Result<String> {
        let file = |name: &str| self.file(&format!("{round} {name}"));
        ensure!(file("exit")? == "0", "the agent ended with {}", file("exit")?);
        let report = Report::parse(file("events")?.as_bytes())?;
        let mut asked = file("curl")?.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        for (authority, http_version, status) in [("a.test", "2", 200), ("b.test", "1.1", 421)] {
            let said = asked.next().context("curl says nothing")?;
            let [version, code, port] = said[..] else { anyhow::bail!("curl says {said:?}") };
            ensure!((version, code) == (http_version, &*status.to_string()), "curl says {said:?}");
            for (role, command) in [("client", "curl"), ("server", "nginx")] {
                let exchange = report.the_exchange(&[
                    ("role", json!(role)),
                    ("client", json!(format!("127.0.0.1:{port}"))),
                    ("server", json!("127.0.0.1:8443")),
                    ("sni", json!("a.test")),
                    ("authority", json!(authority)),
                    ("http_version", json!(http_version)),
                    ("status", json!(status)),
                ])?;
                // TLS 1.3: it can only be from inside the library.
                let source = exchange.get("certificate_source");
                ensure!(source == Some(&json!("handshake")), "no certificate: {exchange:#}");
                let process = exchange.pointer("/process/command");
                ensure!(process == Some(&json!(command)), "seen in {process:?}, not in {command}");
            }
        }
        ensure!(
            report.exchanges.len() == 4,
            "more was seen than happened: {:#?}",
            report.exchanges
        );

        let metrics = Metrics::parse(file("metrics")?)?;
        let is_attached =
            |program: &&str| metrics.sum("wrongdoor_probe_attached", &[("program", program)]) > 0.0;
        // From 6.11 to 6.13 they kill programs under a seccomp filter.
        if matches!(version, (6, 11..=13)) {
            ensure!(!is_attached(&"tls_returned"), "uretprobes where they are dangerous");
        }
        let expected: &[&str] = match round {
            _ if version >= (6, 3) => &["socket_sends", "socket_receives"],
            "usual" => &["tcp_sends", "tcp_receives"],
            _ => &["tcp_received"],
        };
        let ways = ["socket_sends", "socket_receives", "tcp_sends", "tcp_receives", "tcp_received"];
        let found: Vec<&str> = ways.into_iter().filter(is_attached).collect();
        ensure!(found == expected, "the sockets come from {found:?}, not from {expected:?}");
        Ok(found.join(", "))
    }

    /// Without keys there are the handshakes only.
    fn packets(&self) -> Result<usize> {
        ensure!(self.file("packets exit")? == "0", "the agent ended badly");
        let log = self.file("packets agent")?;
        ensure!(!log.contains("does not load"), "the filter does not load: {log}");
        let report = Report::parse(self.file("packets events")?.as_bytes())?;
        for line in self.file("packets curl")?.lines() {
            let port = line.split(' ').nth(2).context("curl says nothing")?;
            let client = json!(format!("127.0.0.1:{port}"));
            let own = report.connections.iter().find(|one| one.get("client") == Some(&client));
            let own = own.with_context(|| format!("no connection of {client}"))?;
            ensure!(own.get("sni") == Some(&json!("a.test")), "another name: {own}");
            ensure!(own.get("gaps") == Some(&json!(0)), "something is missing: {own}");
        }
        Ok(report.connections.len())
    }

    fn file(&self, name: &str) -> Result<&str> {
        let file = self.files.get(name).map(String::as_str);
        file.with_context(|| format!("there is no {name:?} on the console"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A console with two watches, all of whose exchanges are told for `role` where they should be a server's.
    fn console(role: &str) -> Console {
        let mut text = "booted\n=== release\n6.1.0-56-amd64\n\n=== end of release\n".to_owned();
        for (round, program) in [("usual", "tcp_sends"), ("tracepoint", "tcp_received")] {
            let mut events = Vec::new();
            for (port, authority, version, status) in
                [(1, "a.test", "2", 200), (2, "b.test", "1.1", 421)]
            {
                for (role, command) in [("client", "curl"), (role, "nginx")] {
                    events.push(json!({
                        "type": "exchange", "role": role, "client": format!("127.0.0.1:{port}"),
                        "server": "127.0.0.1:8443", "sni": "a.test", "authority": authority,
                        "http_version": version, "status": status, "process": {"command": command},
                        "certificate_source": "handshake",
                    }));
                }
            }
            let events: String = events.iter().map(|event| format!("{event}\n")).collect();
            let also = if round == "usual" {
                "wrongdoor_probe_attached{program=\"tcp_receives\"} 1\n"
            } else {
                ""
            };
            let metrics = format!("wrongdoor_probe_attached{{program=\"{program}\"}} 1\n{also}");
            for (name, content) in [
                ("curl", "2 200 1\n1.1 421 2\n"),
                ("events", &events),
                ("metrics", &metrics),
                ("exit", "0\n"),
            ] {
                write!(text, "=== {round} {name}\r\n{content}\r\n=== end of {round} {name}\r\n")
                    .unwrap();
            }
        }
        let connection = |port| json!({"type": "connection", "client": format!("127.0.0.1:{port}"), "sni": "a.test", "gaps": 0});
        let events = format!("{}\n{}\n", connection(1), connection(2));
        for (name, content) in [
            ("curl", "2 200 1\n1.1 421 2\n"),
            ("events", &events),
            ("agent", "capturing"),
            ("exit", "0"),
        ] {
            write!(text, "=== packets {name}\n{content}\n=== end of packets {name}\n").unwrap();
        }
        text.push_str("=== doctor\n{\"condition\":\"partly\"}\n\n=== end of doctor\n");
        Console::of(&text)
    }

    #[test]
    fn what_should_be_there_is_looked_for() {
        assert!(console("server").check().unwrap().contains("sockets by tcp_received"));
        let error = format!("{:#}", console("client").check().unwrap_err());
        assert!(error.contains("usual"), "{error}");
        let error = Console::of("Kernel panic").check().unwrap_err().to_string();
        assert!(error.contains("release"), "{error}");
    }
}
