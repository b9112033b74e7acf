//! An exchange: one request and its response, as far as they were seen.

use super::Facts;
use super::verdict::{self, Verdict};
use crate::http::{HttpVersion, Method};
use crate::http_facts::{AgentClass, ErrorResponse, RequestSignals};
use crate::name::{Host, RequestAuthority};
use crate::seen::Seen;
use crate::time::Timestamp;
use crate::trace_context::TraceParent;
use std::sync::Arc;

/// How a connection was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionUsage {
    /// Whether the first authority that was seen on it was its server name; `None` before there was one.
    pub opened_for_sni: Option<bool>,
    /// How many hosts were asked for on it.
    pub hosts: u16,
}

/// How the server answered a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Response {
    /// No final response was seen.
    #[default]
    Unseen,
    /// With a final response.
    Answered {
        /// Its status.
        status: u16,
        /// When its head was complete.
        at: Timestamp,
        /// What it says of who made it, where it refuses.
        answer: Option<ErrorResponse>,
    },
    /// The server reset the stream before it answered, with this error code (RFC 9113 §7).
    StreamReset(u32),
    /// The server reset the whole connection before it answered (RFC 9293 §3.5.2), and the client had not ended it.
    ConnectionReset,
}

impl Response {
    /// A final response that says nothing of who made it.
    pub fn answered(status: u16, at: Timestamp) -> Self {
        Self::Answered { status, at, answer: None }
    }
}

/// One request and its response.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was known of the connection when the exchange ended.
    pub connection: Arc<Facts>,
    /// HTTP/2: the stream id. HTTP/1: 1 for the first request on the connection, then 2, 3 …
    pub stream: u64,
    /// The request's version.
    pub version: HttpVersion,
    /// The request's method.
    pub method: Seen<Method>,
    /// Whom it asked for.
    pub authority: Arc<RequestAuthority>,
    /// A CONNECT for a tunnel: its authority is where the tunnel leads.
    pub tunnel: bool,
    /// Whether it is the first request on the connection; `None` where the start was not seen.
    pub first: Option<bool>,
    /// When the request's head was complete; without a request, when the response's was.
    pub started: Timestamp,
    /// How the server answered.
    pub response: Response,
    /// The trace that the request says it is part of. `None` where it says nothing valid, or says it twice, or
    /// what it says could not be read.
    pub traceparent: Option<TraceParent>,
    /// What its fields say of who sent it.
    pub hints: RequestSignals,
    /// How its connection was used until then.
    pub conduct: ConnectionUsage,
    /// Whether its authority belonged on this connection. Evidence from other connections is added by
    /// the classifier.
    pub verdict: Verdict,
}

impl Exchange {
    /// The host asked for, where it is known.
    pub fn host(&self) -> Option<&Host> {
        self.authority.parsed.as_ref().map(|authority| &authority.host)
    }

    /// Completes the verdict by a certificate that was presumed behind the engine.
    pub(crate) fn complete_verdict(&mut self) {
        let certificate = self.connection.tls.as_ref().and_then(|tls| tls.certificate.as_ref());
        let Some(certificate) = certificate.filter(|known| known.is_presumed()) else { return };
        if let (Some(names), Some(host)) = (certificate.proof(), self.host()) {
            self.verdict = verdict::with_certificate(self.verdict, names, host);
        }
    }

    /// The authority is not what the handshake was for: by the verdict, or by an invalid SNI of another host.
    pub fn is_mismatched(&self) -> bool {
        let sni = self.connection.tls.as_ref().and_then(|tls| tls.sni_host.as_ref());
        self.verdict.is_mismatch_of(sni.map(|(sni, _)| sni), self.host())
    }

    /// It is a test request of `wrongdoor probe`, as its user agent or its connection says. Any client can say that.
    pub fn is_probe(&self) -> bool {
        self.hints.agent == Seen::Known(AgentClass::Probe) || self.connection.is_probe()
    }

    /// The final response's status.
    pub fn status(&self) -> Option<u16> {
        match self.response {
            Response::Answered { status, .. } => Some(status),
            Response::Unseen | Response::StreamReset(_) | Response::ConnectionReset => None,
        }
    }

    /// When the final response's head was complete.
    pub fn responded(&self) -> Option<Timestamp> {
        match self.response {
            Response::Answered { at, .. } => Some(at),
            Response::Unseen | Response::StreamReset(_) | Response::ConnectionReset => None,
        }
    }

    /// When the final response's head was complete; without one, when the request's was.
    pub fn ended(&self) -> Timestamp {
        self.responded().unwrap_or(self.started)
    }

    /// What the response says of who made it, where it refuses.
    pub fn answer(&self) -> Option<ErrorResponse> {
        match self.response {
            Response::Answered { answer, .. } => answer,
            Response::Unseen | Response::StreamReset(_) | Response::ConnectionReset => None,
        }
    }

    /// The response is 421.
    pub fn is_misdirected(&self) -> bool {
        self.status() == Some(421)
    }
}
