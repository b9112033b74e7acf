//! A real Prometheus that scrapes what it is told to, and the judges of both text formats.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::live::installed;
use crate::live::process::{self, Running};
use crate::report::text as text_of;
use crate::server::Server;
use crate::{tools, wait};

/// What is scraped, every second. What it is changes while Prometheus runs.
#[derive(Clone, Debug, Default)]
pub struct Scraped {
    /// `https`, with these files: the certificate authority, and the bearer token.
    pub guarded_by: Option<(PathBuf, PathBuf)>,
    /// Files of rules, evaluated every second.
    pub rules: Vec<PathBuf>,
}

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    server: Server,
    targets: PathBuf,
}

impl Prometheus {
    /// Starts one with its files in `folder`. It scrapes nothing yet.
    pub fn start(folder: &Path, scraped: &Scraped) -> Result<Self> {
        let targets = folder.join("targets.json");
        fs::write(&targets, "[]")?;
        let discovery = json!([{ "files": [targets], "refresh_interval": "1s" }]);
        let job = match &scraped.guarded_by {
            None => json!({ "job_name": "wrongdoor", "file_sd_configs": discovery }),
            Some((authority, token)) => json!({
                "job_name": "wrongdoor",
                "file_sd_configs": discovery,
                "scheme": "https",
                "authorization": { "credentials_file": token },
                "tls_config": { "ca_file": authority, "server_name": "localhost" },
            }),
        };
        let config = json!({
            "global": {
                "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s",
            },
            "rule_files": scraped.rules,
            "scrape_configs": [job],
        });
        let file = folder.join("prometheus.yml");
        // JSON is YAML.
        fs::write(&file, serde_json::to_vec_pretty(&config)?)?;
        let data = folder.join("prometheus");
        let server = Server::start("prometheus", folder, |port| {
            let mut command = tools::command("prometheus")?;
            command.arg(format!("--config.file={}", file.display()));
            command.arg(format!("--storage.tsdb.path={}", data.display()));
            command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
            command.args(["--enable-feature=exemplar-storage", "--log.level=warn"]);
            Ok(command)
        })?;
        let prometheus = Self { server, targets };
        // It listens before it answers.
        wait::until("Prometheus to be ready", || Ok(prometheus.value("vector(1)").ok()))?;
        Ok(prometheus)
    }

    /// Scrapes these ports from now on, and waits until all of them were.
    pub fn scrape(&self, ports: &[u16]) -> Result<()> {
        let targets: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let made = self.targets.with_extension("new");
        fs::write(&made, serde_json::to_vec(&json!([{ "targets": targets }]))?)?;
        fs::rename(&made, &self.targets)?;
        for target in targets {
            let up = format!("up{{instance=\"{target}\"}}");
            wait::until(&format!("{target} to be scraped"), || {
                Ok(self.value(&up)?.filter(|up| *up > 0.0))
            })
            .with_context(|| self.get("/api/v1/targets", &[]).unwrap_or_default().to_string())?;
        }
        Ok(())
    }

    /// What an expression is now: one number; `None` where it is nothing.
    pub fn value(&self, expression: &str) -> Result<Option<f64>> {
        let answer = self.get("/api/v1/query", &[("query", expression)])?;
        let found = list(&answer, "/result")?;
        ensure!(found.len() <= 1, "{expression} is not one number: {answer:#}");
        let number = found.first().and_then(|found| found.pointer("/value/1")?.as_str());
        Ok(number.map(str::parse).transpose()?)
    }

    /// Waits until an expression is a number.
    pub fn wait_for(&self, expression: &str, wanted: f64) -> Result<()> {
        let mut last = None;
        wait::within(process::TIMEOUT, &format!("{expression} to be {wanted}"), || {
            last = self.value(expression)?;
            Ok((last == Some(wanted)).then_some(()))
        })
        .with_context(|| format!("it is {last:?}"))
    }

    /// The series that an expression is at a time, in seconds since 1970.
    pub fn instant(&self, expression: &str, at: f64) -> Result<Value> {
        let answer =
            self.get("/api/v1/query", &[("query", expression), ("time", &at.to_string())])?;
        Ok(list(&answer, "/result")?.clone().into())
    }

    /// The series that an expression is over a time, at every second of it.
    pub fn course(&self, expression: &str, start: f64, end: f64) -> Result<Value> {
        let (start, end) = (start.to_string(), end.to_string());
        let range = [("query", expression), ("start", &start), ("end", &end), ("step", "1")];
        let answer = self.get("/api/v1/query_range", &range)?;
        Ok(list(&answer, "/result")?.clone().into())
    }

    /// The labels of the series that an expression is.
    pub fn series(&self, expression: &str) -> Result<Vec<Value>> {
        let answer = self.get("/api/v1/query", &[("query", expression)])?;
        let found = list(&answer, "/result")?;
        Ok(found.iter().filter_map(|found| found.get("metric").cloned()).collect())
    }

    /// All rules, with how they fare.
    pub fn rules(&self) -> Result<Vec<Value>> {
        let answer = self.get("/api/v1/rules", &[])?;
        let groups = list(&answer, "/groups")?.iter();
        Ok(groups.filter_map(|group| group.get("rules")?.as_array()).flatten().cloned().collect())
    }

    /// The exemplars of what an expression names.
    pub fn exemplars(&self, expression: &str) -> Result<Vec<Value>> {
        let range = [("query", expression), ("start", "0"), ("end", "9999999999")];
        let answer = self.get("/api/v1/query_exemplars", &range)?;
        let series = answer.as_array().context("no series")?;
        let each = series.iter().filter_map(|series| series.get("exemplars")?.as_array());
        Ok(each.flatten().cloned().collect())
    }

    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let mut command = tools::command("curl")?;
        command.args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--get"]);
        for (name, value) in parameters {
            command.args(["--data-urlencode", &format!("{name}={value}")]);
        }
        command.arg(format!("http://127.0.0.1:{}{path}", self.server.port()));
        let text = tools::output(&mut command)?;
        let answer: Value = serde_json::from_slice(&text)?;
        ensure!(text_of(&answer, "status") == Some("success"), "{path} {parameters:?}: {answer:#}");
        answer.get("data").cloned().context("no data")
    }
}

fn list<'a>(answer: &'a Value, pointer: &str) -> Result<&'a Vec<Value>> {
    answer.pointer(pointer).and_then(Value::as_array).context("no list")
}

/// Prometheus's own check of the text format 0.0.4: its syntax, names and help texts.
pub fn check_text(text: &str) -> Result<()> {
    let mut command = tools::command("promtool")?;
    let said =
        Running::start_with(command.args(["check", "metrics"]), text.as_bytes())?.finish()?;
    ensure!(said.stdout.is_empty() && said.stderr.is_empty(), "{said:?}");
    Ok(())
}

/// What a strict parser makes of OpenMetrics: a list of `[name, labels, value, exemplar's labels]`.
pub fn parse_openmetrics(text: &str) -> Result<Vec<Value>> {
    let mut command = tools::command("python3")?;
    command.env("PYTHONPATH", installed::openmetrics()?).args(["-c", PARSE]);
    let said = Running::start_with(&mut command, text.as_bytes())?.finish()?;
    Ok(serde_json::from_str(&said.stdout)?)
}

const PARSE: &str = "
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
samples = []
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        exemplar = sample.exemplar.labels if sample.exemplar else None
        samples.append([sample.name, sample.labels, sample.value, exemplar])
json.dump(samples, sys.stdout)
";
