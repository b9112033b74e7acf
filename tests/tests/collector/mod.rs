//! Collectors of traces: two that were written by different people, each over gRPC and over HTTP. What they got is told
//! in one shape.

mod answers;
mod python;
mod rust;
pub(crate) mod span;

use std::path::PathBuf;

use anyhow::Result;

pub(crate) use answers::Answer;
pub(crate) use span::Span;

use python::Python;
use rust::Rust;
use wrongdoor_tests::live::Ground;

/// What spans are sent over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// gRPC.
    Grpc,
    /// Protobuf over HTTP.
    Http,
}

/// A running collector; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    protocol: Protocol,
    running: Running,
    /// What an agent has to trust, where it is spoken to over TLS.
    tls: Option<PathBuf>,
}

#[derive(Debug)]
enum Running {
    Rust(Rust),
    Python(Python),
}

impl Protocol {
    /// As `--otlp-protocol` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http/protobuf",
        }
    }
}

impl Collector {
    /// tonic's server, or axum's, in cleartext. It answers its requests with `answers`, one after the other, and then
    /// takes what it gets.
    pub(crate) fn rust(protocol: Protocol, answers: &[Answer]) -> Result<Self> {
        let running = Running::Rust(Rust::start(protocol, 0, answers)?);
        Ok(Self { protocol, running, tls: None })
    }

    /// The same on a port that was in use before.
    pub(crate) fn rust_at(protocol: Protocol, port: u16, answers: &[Answer]) -> Result<Self> {
        let running = Running::Rust(Rust::start(protocol, port, answers)?);
        Ok(Self { protocol, running, tls: None })
    }

    /// Python's: grpcio, or its HTTP server. Over TLS, to clients that show a certificate of `ground`'s.
    pub(crate) fn python(protocol: Protocol, ground: &Ground) -> Result<Self> {
        let running = Running::Python(Python::start(protocol, ground)?);
        Ok(Self { protocol, running, tls: Some(ground.root().to_owned()) })
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        match &self.running {
            Running::Rust(rust) => rust.port(),
            Running::Python(python) => python.port(),
        }
    }

    /// Its endpoint, as `--otlp-endpoint` has it.
    pub(crate) fn endpoint(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.port())
    }

    /// What an agent is started with.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let options =
            ["--otlp-endpoint", &self.endpoint(), "--otlp-protocol", self.protocol.name()];
        options.map(str::to_owned).to_vec()
    }

    /// The variables that an agent needs for its TLS.
    pub(crate) fn environment(&self, ground: &Ground) -> Vec<(&'static str, String)> {
        let Some(root) = &self.tls else { return Vec::new() };
        let files = [
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", root),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &ground.cert.chain),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &ground.cert.key),
        ];
        files.map(|(name, file)| (name, file.display().to_string())).to_vec()
    }

    /// All spans that it got so far.
    pub(crate) fn spans(&self) -> Result<Vec<Span>> {
        match &self.running {
            Running::Rust(rust) => Ok(rust.spans()),
            Running::Python(python) => python.spans(),
        }
    }
}
