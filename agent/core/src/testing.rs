//! What the tests of judging have in common: exchanges as they would come out of the engine.

use crate::http::{HttpVersion, Method};
use crate::http_facts::{ErrorResponse, RequestSignals};
use crate::name::{Authority, CertificateNames, RequestAuthority, Sni};
use crate::observation::probe_event::{Observer, Process};
use crate::observation::verdict::Request;
use crate::observation::{
    ConnectionId, ConnectionUsage, Decryption, Ends, Exchange, Facts, Response, ServerCertificate,
    Source, Tls, TransportKind, verdict,
};
use crate::seen::Seen;
use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::net::Endpoint;
use std::sync::Arc;

/// A moment, in milliseconds.
pub(crate) fn at(milliseconds: i64) -> Timestamp {
    Timestamp(milliseconds * 1_000_000)
}

/// An end of a connection: `192.0.2.LAST:port`.
pub(crate) fn end(last: u8, port: u16) -> Endpoint {
    Endpoint::v4([192, 0, 2, last], port)
}

/// What is said of an exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub(crate) client: Endpoint,
    pub(crate) server: Endpoint,
    pub(crate) stream: u64,
    pub(crate) sni: Option<&'static str>,
    pub(crate) authority: &'static str,
    pub(crate) status: u16,
    pub(crate) version: HttpVersion,
    pub(crate) path: u64,
    pub(crate) times: (i64, i64),
    pub(crate) process: Option<(Side, u32, &'static str)>,
    pub(crate) certificate: Certificate,
}

/// What is seen of the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// Nothing.
    Unseen,
    /// It covers `a.test`.
    Own,
    /// It covers `a.test` and `b.test`.
    Shared,
}

/// A 421 of a request for its connection's own host.
pub(crate) fn said() -> Said {
    Said {
        client: end(1, 1000),
        server: end(2, 443),
        stream: 1,
        sni: Some("a.test"),
        authority: "a.test",
        status: 421,
        version: HttpVersion::Http2,
        path: 1,
        times: (0, 10),
        process: None,
        certificate: Certificate::Shared,
    }
}

impl Said {
    pub(crate) fn facts(&self) -> Facts {
        let sni = self.sni.map_or(Sni::Absent, |name| Sni::from_bytes(name.as_bytes()));
        let mut names = CertificateNames::default();
        names.add_dns("a.test");
        if self.certificate == Certificate::Shared {
            names.add_dns("b.test");
        }
        let certificate =
            (self.certificate != Certificate::Unseen).then(|| ServerCertificate::seen(names));
        let tls = Tls { sni_host: sni.host(), sni, certificate, ..Tls::default() };
        let observer =
            self.process.map_or_else(Observer::default, |(role, pid, command)| Observer {
                role: Some(role),
                process: Some(Arc::new(Process {
                    pid,
                    command: command.into(),
                    container: None,
                    pod: None,
                    started: None,
                })),
            });
        Facts {
            id: ConnectionId(0),
            ends: Some(Ends { client: self.client, server: self.server }),
            client_declared: None,
            transport: TransportKind::Tcp,
            tls: Some(tls),
            decryption: Decryption::KeyLog,
            opened: Some(at(self.times.0)),
            first_seen: at(self.times.0),
            origins: None,
            observer,
            source: Source::File,
        }
    }

    pub(crate) fn exchange(&self) -> Exchange {
        let facts = self.facts();
        let parsed = Authority::parse(self.authority.as_bytes()).ok();
        let raw = Seen::Known(self.authority.into());
        let authority = RequestAuthority { raw, parsed, defect: None };
        let first = self.stream == 1;
        let verdict = verdict::judge(
            &facts,
            &Request {
                version: self.version,
                authority: &authority,
                tunnel: false,
                sni_was_asked_for: !first,
                origins: None,
            },
        );
        let is_own = self.sni == Some(self.authority);
        Exchange {
            connection: Arc::new(facts),
            stream: self.stream,
            version: self.version,
            method: Method::from_bytes(b"GET").map_or(Seen::Unreadable, Seen::Known),
            authority: Arc::new(authority),
            tunnel: false,
            first: Some(first),
            started: at(self.times.0),
            response: Response::Answered {
                status: self.status,
                at: at(self.times.1),
                answer: crate::http_facts::is_refusal(self.status).then(ErrorResponse::default),
            },
            traceparent: None,
            hints: RequestSignals { path: Some(self.path), ..RequestSignals::default() },
            conduct: ConnectionUsage {
                opened_for_sni: self.sni.map(|_| !first || is_own),
                hosts: if first || is_own { 1 } else { 2 },
            },
            verdict,
        }
    }
}
