//! A collector of Python's, with the official protocol files.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Protocol, Span};
use wrongdoor_tests::live::process::Running;
use wrongdoor_tests::live::{Ground, installed};
use wrongdoor_tests::{tools, wait};

const SCRIPT: &str = include_str!("collector.py");

/// A process that collects.
#[derive(Debug)]
pub(super) struct Python {
    running: Running,
    port: u16,
}

impl Python {
    /// Over TLS.
    pub(super) fn start(protocol: Protocol, ground: &Ground) -> Result<Self> {
        let packages = installed::otlp_packages()?;
        let script = ground.folder().join("collector.py");
        fs::write(&script, SCRIPT)?;
        let scene = json!({
            "protocol": protocol.name(), "root": ground.root(),
            "chain": ground.cert.chain, "key": ground.cert.key,
        });
        let mut command = tools::command("python3")?;
        command.arg(&script).env("PYTHONPATH", packages).env("SCENE", scene.to_string());
        // Its server in C would use a proxy of the environment's even on loopback.
        command.env("no_grpc_proxy", "*");
        let running = Running::start(&mut command)?;
        let port = wait::until("the collector to listen", || {
            let said = running.said()?;
            Ok(said.lines().next().filter(|_| said.contains('\n')).map(str::to_owned))
        })?;
        let port = port.parse().with_context(|| format!("no port: {port}"))?;
        Ok(Self { running, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn spans(&self) -> Result<Vec<Span>> {
        let said = self.running.said()?;
        let whole = said.rfind('\n').map_or("", |end| said.get(..end).unwrap_or_default());
        let spans = whole.lines().skip(1).map(|line| {
            let value: Value = serde_json::from_str(line)?;
            Span::of_json(&value).with_context(|| format!("not a span: {line}"))
        });
        spans.collect()
    }
}
