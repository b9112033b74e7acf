//! One probe, from the first packet to the last.

use super::http::Http;
use super::options::{ProbeMethod, Protocol};
use super::outcome::{HandshakeResult, ProbeAnswer, ProbeEnd, ProbeError, ProbeResult, ProbeStage};
use super::plan::PlannedProbe;
use super::tls::{Attempt, TrustedRoots};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time;

/// How everything is asked.
#[derive(Clone, Debug)]
pub(crate) struct ProbeOptions {
    /// Whom to trust.
    pub(crate) trust: TrustedRoots,
    /// `HEAD` or `GET`.
    pub(crate) method: ProbeMethod,
    /// The path that is asked for.
    pub(crate) path: String,
    /// The most that each step may take: to connect, to shake hands, to answer.
    pub(crate) timeout: Duration,
}

/// Asks.
pub(super) async fn probe(
    options: &ProbeOptions,
    server: SocketAddr,
    probe: Arc<PlannedProbe>,
) -> ProbeResult {
    let mut found = ProbeResult {
        server,
        handshake: HandshakeResult::default(),
        first: None,
        end: ProbeEnd::Failed(ProbeError::new(ProbeStage::Connect, "not_tried", "")),
        probe,
    };
    let ended = ask(options, &mut found).await;
    found.end = ended.map_or_else(ProbeEnd::Failed, ProbeEnd::Answered);
    found
}

/// Whether somebody accepts connections there.
pub(super) async fn reach(server: SocketAddr, timeout: Duration) -> Result<TcpStream, ProbeError> {
    match time::timeout(timeout, TcpStream::connect(server)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(ProbeError::new(ProbeStage::Connect, connect_kind(&error), error)),
        Err(_elapsed) => Err(late(ProbeStage::Connect, "connect_timeout", timeout)),
    }
}

async fn ask(options: &ProbeOptions, found: &mut ProbeResult) -> Result<ProbeAnswer, ProbeError> {
    let probe = Arc::clone(&found.probe);
    let tcp = reach(found.server, options.timeout).await?;
    // Each request is one small write.
    drop(tcp.set_nodelay(true));
    let attempt = Attempt::new(&options.trust, &probe, found.server)
        .map_err(|error| ProbeError::new(ProbeStage::Handshake, "tls_error", error))?;
    let shaken = time::timeout(options.timeout, attempt.shake(tcp)).await;
    found.handshake = attempt.shown(shaken.as_ref().ok().and_then(|stream| stream.as_ref().ok()));
    let stream = match shaken {
        Ok(shaken) => shaken?,
        Err(_elapsed) => {
            return Err(late(ProbeStage::Handshake, "handshake_timeout", options.timeout));
        }
    };
    if probe.protocol == Protocol::H2 && found.handshake.alpn.as_deref() != Some("h2") {
        let detail = "the server does not choose h2, the only protocol that was offered";
        return Err(ProbeError::new(ProbeStage::Handshake, "h2_not_negotiated", detail));
    }
    let mut http = Http::over(stream, probe.protocol).await?;
    let answer = conversation(&mut http, options, found).await;
    let alert = http.alert();
    http.close().await;
    match (answer, alert) {
        // Before any answer it is the handshake that the server refuses, though the client was through with it.
        (Err(_), Some(alert)) if found.first.is_none() => Err(alert),
        (answer, _) => answer,
    }
}

/// The request; and before it the one that the connection is for, where it is reused.
async fn conversation(
    http: &mut Http,
    options: &ProbeOptions,
    found: &mut ProbeResult,
) -> Result<ProbeAnswer, ProbeError> {
    let probe = Arc::clone(&found.probe);
    if let Some(first) = &probe.first {
        match time::timeout(options.timeout, http.ask(options, first)).await {
            Ok(Ok(answer)) => found.first = Some(answer),
            Ok(Err(probe_error)) => {
                let detail = format!("{}: {}", probe_error.kind, probe_error.detail);
                return Err(ProbeError::new(ProbeStage::Reuse, "first_request_failed", detail));
            }
            Err(_elapsed) => {
                return Err(late(ProbeStage::Reuse, "first_request_failed", options.timeout));
            }
        }
        match time::timeout(options.timeout, http.ready()).await {
            Ok(true) => {}
            Ok(false) | Err(_) => {
                let detail = "the connection ended behind the first answer";
                return Err(ProbeError::new(ProbeStage::Reuse, "connection_closed", detail));
            }
        }
    }
    match time::timeout(options.timeout, http.ask(options, &probe.authority)).await {
        Ok(answered) => answered,
        Err(_elapsed) => Err(late(ProbeStage::Request, "request_timeout", options.timeout)),
    }
}

fn late(stage: ProbeStage, kind: &'static str, timeout: Duration) -> ProbeError {
    ProbeError::new(stage, kind, format!("nothing within {timeout:?}"))
}

fn connect_kind(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection_refused",
        io::ErrorKind::TimedOut => "connect_timeout",
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable => "unreachable",
        _ => "connect_failed",
    }
}
