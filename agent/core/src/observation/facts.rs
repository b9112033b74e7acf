//! What is known of a connection.

use super::ServerCertificate;
use super::probe_event::Observer;
use crate::name::{CertificateNames, Host, Sni, SniDefect, mesh};
use crate::side::Side;
use crate::time::Timestamp;
use crate::wire::net::{End, Endpoint, FlowKey};
use crate::wire::tls::TlsVersion;
use crate::wire::tls::alert::Alert;
use crate::wire::tls::alpn::AlpnOffer;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The most origins that are kept of one ORIGIN set; beyond it the set is not whole, and excludes nothing.
pub const MAX_ORIGINS: usize = 256;

/// Identifies a connection within one run: the number of the packet that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// The transport below TLS or HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransportKind {
    /// TCP.
    Tcp,
    /// QUIC.
    Quic,
}

/// How the content of the connection came to be readable, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decryption {
    /// It did not: it is encrypted and there are no keys, or the wrong ones.
    None,
    /// With a key log.
    KeyLog,
    /// A TLS library handed it over, where it reads and writes.
    Library,
    /// It is not encrypted.
    NotNeeded,
}

/// Where what is known of a connection comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// A capture file.
    #[default]
    File,
    /// Packets, as they pass.
    Packets,
    /// Probes in the kernel and in TLS libraries.
    Ebpf,
}

impl Source {
    /// The name in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Packets => "packets",
            Self::Ebpf => "ebpf",
        }
    }
}

/// What is known of a connection, at one moment. Shared by the exchanges that ended at that moment.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Which connection.
    pub id: ConnectionId,
    /// Both ends of the transport; unknown where a probe could not tell whose connection it is.
    pub ends: Option<Ends>,
    /// The client that a PROXY protocol header names.
    pub client_declared: Option<Endpoint>,
    /// TCP or QUIC.
    pub transport: TransportKind,
    /// The innermost TLS session; `None` on plaintext.
    pub tls: Option<Tls>,
    /// How the content was read.
    pub decryption: Decryption,
    /// When it was opened, where that was seen.
    pub opened: Option<Timestamp>,
    /// The first packet that was seen of it.
    pub first_seen: Timestamp,
    /// The origin set of RFC 8336, once an ORIGIN frame was seen.
    pub origins: Option<Arc<OriginSet>>,
    /// Who saw it, where it was seen at one of its ends.
    pub observer: Observer,
    /// From what it is known.
    pub source: Source,
}

/// The two ends of a transport connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends {
    /// The client's.
    pub client: Endpoint,
    /// The server's.
    pub server: Endpoint,
}

/// What is known of a TLS session.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// The version negotiated; unknown without the ServerHello.
    pub version: Option<TlsVersion>,
    /// The server name asked for.
    pub sni: Sni,
    /// The host that it means, and what is wrong with it.
    pub sni_host: Option<(Host, Option<SniDefect>)>,
    /// The ClientHello carried an ECH extension, real or GREASE.
    pub ech: bool,
    /// The protocol negotiated.
    pub alpn: Option<Box<str>>,
    /// The protocols that the ClientHello offered; unknown without it. In TLS 1.3 what was negotiated of them is encrypted
    /// (RFC 8446 §4.3.1).
    pub alpn_offered: Option<AlpnOffer>,
    /// The server's certificate.
    pub certificate: Option<ServerCertificate>,
    /// The handshake resumed an earlier session, or used another pre-shared key: the server sent no certificate. Unknown
    /// where the handshake did not show it.
    pub resumed: Option<bool>,
    /// The server asked for a client certificate. False also where that part of the handshake was not seen.
    pub asks_certificate: bool,
    /// The ClientHello's random.
    pub client_random: Option<[u8; 32]>,
    /// The ServerHello's random.
    pub server_random: Option<[u8; 32]>,
    /// The alert that says what was wrong, and who sent it. Unknown where it was encrypted and could not be read.
    pub alert: Option<(Side, Alert)>,
}

impl Tls {
    /// Whether the proxies of a service mesh speak with each other: the server name, the protocol or the certificate
    /// belongs to a workload, and is not to be compared with the authority.
    pub fn is_mesh(&self) -> bool {
        let is_protocol = match &self.alpn {
            Some(alpn) => mesh::is_protocol(alpn),
            None => self.alpn_offered.as_ref().is_some_and(AlpnOffer::is_mesh_only),
        };
        is_protocol
            || self.sni.name().is_some_and(mesh::is_identity)
            || self.certificate_names().is_some_and(CertificateNames::is_workload)
    }

    /// The names of the server's certificate, where a verdict may rest on them.
    pub fn certificate_names(&self) -> Option<&CertificateNames> {
        self.certificate.as_ref()?.proof()
    }

    /// Whether the client offered HTTP over TCP.
    pub fn offers_http(&self) -> bool {
        self.alpn_offered.as_ref().is_some_and(AlpnOffer::has_http)
    }

    /// One end has sent an alert. The first that is fatal stays, and until then the first that is an error.
    pub(crate) fn alerted(&mut self, from: Side, alert: Alert) {
        let is_first = self.alert.is_none_or(|(_, known)| alert.is_fatal && !known.is_fatal);
        if alert.is_error() && is_first {
            self.alert = Some((from, alert));
        }
    }
}

/// The origins that a server said it speaks for (RFC 8336).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginSet {
    origins: Vec<(Host, u16)>,
    /// There were more than are kept: absence proves nothing.
    truncated: bool,
}

impl Ends {
    /// The ends of this flow, whose client is at `client`.
    pub(crate) fn of(flow: &FlowKey, client: End) -> Self {
        Self { client: flow.endpoint(client), server: flow.endpoint(client.other()) }
    }
}

impl Facts {
    /// The client's end, where it is known.
    pub fn client(&self) -> Option<Endpoint> {
        self.ends.map(|ends| ends.client)
    }

    /// The server's end, where it is known.
    pub fn server(&self) -> Option<Endpoint> {
        self.ends.map(|ends| ends.server)
    }

    /// Whether `wrongdoor probe` opened it, as its ClientHello says.
    pub fn is_probe(&self) -> bool {
        let offered = self.tls.as_ref().and_then(|tls| tls.alpn_offered.as_ref());
        offered.is_some_and(AlpnOffer::is_probe)
    }

    /// The trace that everything about this connection is part of: the same at both ends, with no word
    /// between them. Of TLS, a hash of the two randoms; of plaintext, of the endpoints and the start; of
    /// what has neither, one of its own.
    pub fn trace_id(&self) -> [u8; 16] {
        let mut hash = Sha256::new();
        match &self.tls {
            Some(Tls { client_random: Some(client), server_random, .. }) => {
                hash.update(b"tls");
                hash.update(client);
                hash.update(server_random.unwrap_or_default());
            }
            _ => {
                match self.ends {
                    Some(Ends { client, server }) => {
                        hash.update(format!("tuple{client}|{server}"));
                    }
                    None => {
                        let pid = self.observer.process.as_ref().map_or(0, |process| process.pid);
                        hash.update(format!("session{}|{pid}|", self.id.0));
                    }
                }
                hash.update(self.opened.unwrap_or(self.first_seen).0.to_be_bytes());
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        digest.first_chunk().copied().unwrap_or_default()
    }

    /// The server name's state and text, as of this moment. Plaintext has none.
    pub fn sni(&self) -> &Sni {
        self.tls.as_ref().map_or(&Sni::Absent, |tls| &tls.sni)
    }
}

impl OriginSet {
    /// Adds an origin.
    pub(crate) fn add(&mut self, host: Host, port: u16) {
        let origin = (host, port);
        if self.origins.contains(&origin) {
            return;
        }
        if self.origins.len() < MAX_ORIGINS {
            self.origins.push(origin);
        } else {
            self.truncated = true;
        }
    }

    /// Removes an origin, as a client does after a 421 (RFC 8336 §2.3).
    pub(crate) fn remove(&mut self, host: &Host, port: u16) {
        self.origins.retain(|(known, at)| known != host || *at != port);
    }

    /// Whether the set has this origin.
    pub fn contains(&self, host: &Host, port: u16) -> bool {
        self.origins.iter().any(|(known, at)| known == host && *at == port)
    }

    /// Whether the set is whole and does not have this origin.
    pub fn excludes(&self, host: &Host, port: u16) -> bool {
        !self.truncated && !self.contains(host, port)
    }
}
