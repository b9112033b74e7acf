//! What a cause is told from.

use crate::http::HttpVersion;
use crate::http_facts::{AgentClass, Attribution, ErrorResponse, ServerSoftware};
use crate::name::{Coverage, Host, Sni};
use crate::observation::verdict::Verdict;
use crate::observation::{Exchange, ServerCertificate};
use crate::seen::Seen;

/// How a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// With 421.
    Misdirected,
    /// With another status, as servers do that compare names and know no 421.
    Rejected(u16),
    /// The stream was reset as a protocol error.
    Reset,
}

/// What the other end of the connection, the one that asks, is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientKind {
    /// A proxy: its process is known, or the request that it hands on was seen to come in.
    Proxy(Option<ServerSoftware>),
    /// Most likely a proxy: it says that it forwards, or does what only proxies do.
    LikelyProxy,
    /// Nothing says that it is one.
    #[default]
    Ordinary,
}

/// The request through which a proxy came to send this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownstreamHop {
    /// The connection's name, as told.
    pub connection: u64,
    /// The server name that its client asked for.
    pub sni: Option<Host>,
    /// Its authority was not that.
    pub is_coalesced: bool,
}

/// What the endpoint has been seen to do before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// It has completed a handshake for the authority, with a certificate that covers it.
    pub is_known_for: bool,
    /// It has served the authority under its own server name.
    pub served_under_own_name: bool,
    /// It has served the authority under this very server name, or without one as here.
    pub served_alike: bool,
    /// Its handshakes for the authority ask for a client certificate.
    pub asks_certificate: bool,
    /// How many hosts were asked for at it under this server name, or without one as here, that are not it.
    pub others_under_sni: usize,
    /// How many server names it has completed handshakes for.
    pub names: usize,
}

/// What a cause is told from.
#[derive(Clone, Debug)]
pub struct Signals {
    /// How it was refused.
    pub refusal: Refusal,
    /// Its legality.
    pub verdict: Verdict,
    /// The connection is TLS.
    pub is_tls: bool,
    /// The request's version.
    pub version: HttpVersion,
    /// A CONNECT for a tunnel.
    pub is_tunnel: bool,
    /// The server name, as sent.
    pub sni: Sni,
    /// The host that it means.
    pub sni_host: Option<Host>,
    /// The host asked for.
    pub authority: Option<Host>,
    /// The certificate is that of an earlier handshake, whose session was resumed.
    pub is_presumed: bool,
    /// Whether the certificate covers the authority, where it is known.
    pub covered: Option<bool>,
    /// Whether the first authority on the connection was the server name.
    pub opened_for_sni: Option<bool>,
    /// Whether this is the first request on the connection.
    pub first: Option<bool>,
    /// How many hosts were asked for on the connection so far.
    pub hosts: u16,
    /// The user agent's class.
    pub agent: Seen<AgentClass>,
    /// It was sent to an alternative service.
    pub alt_used: bool,
    /// What the response says.
    pub answer: ErrorResponse,
    /// Who made the response.
    pub origin: Attribution,
    /// Who asks.
    pub peer: ClientKind,
    /// What was seen before at the endpoint.
    pub past: Past,
    /// What came in at the proxy that asks.
    pub front: Option<DownstreamHop>,
}

impl Signals {
    /// Of an exchange that was refused, with what is known beside it.
    pub fn new(
        exchange: &Exchange,
        refusal: Refusal,
        verdict: Verdict,
        around: ConnectionContext,
    ) -> Self {
        let tls = exchange.connection.tls.as_ref();
        let certificate = tls.and_then(|tls| tls.certificate_names());
        let covered = certificate.zip(exchange.host()).and_then(|(certificate, host)| {
            match certificate.covers(host) {
                Coverage::Covered => Some(true),
                Coverage::Uncovered => Some(false),
                Coverage::Unknown => None,
            }
        });
        let ConnectionContext { origin, peer, past, front } = around;
        Self {
            refusal,
            verdict,
            is_tls: tls.is_some(),
            version: exchange.version,
            is_tunnel: exchange.tunnel,
            sni: exchange.connection.sni().clone(),
            sni_host: tls.and_then(|tls| tls.sni_host.as_ref()).map(|(host, _)| host.clone()),
            authority: exchange.host().cloned(),
            is_presumed: tls
                .and_then(|tls| tls.certificate.as_ref())
                .is_some_and(ServerCertificate::is_presumed),
            covered,
            opened_for_sni: exchange.conduct.opened_for_sni,
            first: exchange.first,
            hosts: exchange.conduct.hosts,
            agent: exchange.hints.agent,
            alt_used: exchange.hints.alt_used,
            answer: exchange.answer().unwrap_or_default(),
            origin,
            peer,
            past,
            front,
        }
    }

    /// Whether SNI and authority are two hosts.
    pub(super) fn is_mismatch(&self) -> bool {
        self.verdict.is_mismatch_of(self.sni_host.as_ref(), self.authority.as_ref())
    }

    /// Whether SNI and authority are one host.
    pub(super) fn is_match(&self) -> bool {
        self.verdict == Verdict::Match
    }

    /// Whether the names of the handshake are those of workloads in a service mesh.
    pub(super) fn is_mesh(&self) -> bool {
        self.verdict == Verdict::Mesh
    }

    /// Whether the SNI was not seen, or is encrypted.
    pub(super) fn is_sni_hidden(&self) -> bool {
        matches!(self.sni, Sni::Unseen | Sni::Encrypted)
    }

    /// Whether it came without a server name though it asks for one.
    pub(super) fn lacks_sni(&self) -> bool {
        self.verdict == Verdict::NoSni
    }

    pub(super) fn is_proxy(&self) -> bool {
        !matches!(self.peer, ClientKind::Ordinary)
    }

    /// Whether the front of this hop was coalesced, and its server name was sent on.
    pub(super) fn front_name_leaked(&self) -> bool {
        self.front.as_ref().is_some_and(|front| {
            front.is_coalesced && front.sni.is_some() && front.sni == self.sni_host
        })
    }
}

/// What is known of an exchange beside itself.
#[derive(Clone, Debug)]
pub struct ConnectionContext {
    /// Who made the response.
    pub origin: Attribution,
    /// Who asks.
    pub peer: ClientKind,
    /// What was seen before at the endpoint.
    pub past: Past,
    /// What came in at the proxy that asks.
    pub front: Option<DownstreamHop>,
}
