//! The line of a connection that has ended.

use super::SCHEMA_VERSION;
use super::field::{
    Text, alpn, alpn_offered, any_of, certificate_source, resumed, role, side, tls_version,
    transport,
};
use crate::export::ConnectionNumber;
use crate::text::{Clock, Time};
use schemars::JsonSchema;
use serde::Serialize;
use wrongdoor_core::engine::ConnectionEnd;
use wrongdoor_core::name::Sni;
use wrongdoor_core::observation::{CertificateSource, Decryption, Facts};
use wrongdoor_core::side::Side;
use wrongdoor_core::wire::net::Endpoint;
use wrongdoor_core::wire::tls::alert::{self, Alert};

/// An alert.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct AlertPart {
    /// The end that sent it.
    #[schemars(extend("enum" = ["client", "server"]))]
    from: &'static str,
    /// Its number in the registry of TLS alerts.
    code: u8,
    /// Its name in the registry.
    #[schemars(example = &"unrecognized_name")]
    description: String,
}

/// A connection that has ended, or that was still open at the end of the run.
#[derive(Serialize, JsonSchema)]
pub(in crate::export) struct ConnectionLine<'a> {
    /// The type of the line.
    #[serde(rename = "type")]
    #[schemars(extend("const" = "connection"))]
    kind: &'static str,
    /// The version of the schema of the lines. It grows with changes that break programs, and not with new fields.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    schema: u8,
    /// The connection's number in this run.
    #[schemars(extend("pattern" = "^c[0-9]+$"))]
    connection: Text<ConnectionNumber>,
    /// Address and port of the client's end. Null if a probe could not join the TLS session with its socket.
    client: Option<Text<Endpoint>>,
    /// Address and port of the server's end. Null as for `client`.
    server: Option<Text<Endpoint>>,
    /// Address and port of the client as a PROXY protocol header names it. Null without such a header.
    client_declared: Option<Text<Endpoint>>,
    /// The transport protocol.
    #[schemars(extend("enum" = ["tcp", "quic"]))]
    transport: &'static str,
    /// The negotiated TLS version. Null on cleartext, and if the ServerHello was not seen.
    #[schemars(example = &"1.3")]
    tls_version: Option<&'static str>,
    /// The server name that the ClientHello asked for (SNI), in lower case. Null if there is no visible name: see
    /// `sni_state`.
    #[schemars(example = &"a.example")]
    sni: Option<&'a str>,
    /// Whether there is a name: `name`; no SNI was sent, or there is no TLS (`absent`); Encrypted ClientHello
    /// (`encrypted`); or the ClientHello was not seen (`unseen`).
    #[schemars(extend("enum" = Sni::STATES))]
    sni_state: &'static str,
    /// The protocol that ALPN negotiated. Null if none was, or if it was not seen.
    #[schemars(example = &"h2")]
    alpn: Option<&'a str>,
    /// The protocols that the client offered in ALPN, in its order. Null on cleartext, and if the ClientHello was not seen.
    alpn_offered: Option<Vec<&'a str>>,
    /// Whether the handshake resumed an earlier session, in which the server sends no certificate. Null on cleartext, and if
    /// the handshake did not show it.
    resumed: Option<bool>,
    /// How the certificate of the server is known: from the `handshake`; or `presumed`, because a resumed handshake has none,
    /// from an earlier handshake of the same program for the same server name at the same server. Null if it is not known.
    #[schemars(extend("enum" = any_of(CertificateSource::NAMES)))]
    certificate_source: Option<&'static str>,
    /// The names in the server's certificate: see `certificate_source`. Null if it is not known: TLS 1.3 encrypts it, and a
    /// resumed handshake has none.
    certificate_names: Option<Vec<String>>,
    /// The TLS alert that says what was wrong. Null if there was none, and if it was encrypted and could not be read.
    alert: Option<AlertPart>,
    /// How the content was read: not at all (`none`), with a key log, in a TLS library, or it was not encrypted
    /// (`not_needed`).
    #[schemars(extend("enum" = ["none", "keylog", "library", "not_needed"]))]
    decryption: &'static str,
    /// When the connection was opened. Null if its beginning was not seen.
    opened: Option<Time>,
    /// When it was closed. Null if its end was not seen.
    closed: Option<Time>,
    /// The trace that its spans are part of. For TLS it is the same at both ends.
    #[schemars(extend("pattern" = "^[0-9a-f]{32}$"))]
    trace_id: String,
    /// The end at which a probe observed it. Null for packets and capture files.
    #[schemars(extend("enum" = any_of(["client", "server"])))]
    role: Option<&'static str>,
    /// The hosts that requests on the connection asked for, in the order of their first request.
    authorities: &'a [String],
    /// How many exchanges there were on the connection.
    exchanges: u64,
    /// How many of them were answered with 421.
    misdirected: u64,
    /// How often bytes of the connection were missing. Exchanges may be missing with them.
    gaps: u64,
}

impl<'a> ConnectionLine<'a> {
    pub(in crate::export) fn new(
        number: ConnectionNumber,
        connection: &'a ConnectionEnd,
        clock: &mut Clock,
    ) -> Self {
        let facts: &Facts = &connection.facts;
        let certificate = facts.tls.as_ref().and_then(|tls| tls.certificate.as_ref());
        Self {
            kind: "connection",
            schema: SCHEMA_VERSION,
            connection: Text(number),
            client: facts.client().map(Text),
            server: facts.server().map(Text),
            client_declared: facts.client_declared.map(Text),
            transport: transport(facts.transport),
            tls_version: tls_version(facts),
            sni: facts.sni().name(),
            sni_state: facts.sni().state(),
            alpn: alpn(facts),
            alpn_offered: alpn_offered(facts),
            resumed: resumed(facts),
            certificate_source: certificate_source(facts),
            certificate_names: certificate.map(|known| known.names.iter().collect()),
            alert: facts.tls.as_ref().and_then(|tls| tls.alert).map(AlertPart::from),
            decryption: match facts.decryption {
                Decryption::None => "none",
                Decryption::KeyLog => "keylog",
                Decryption::Library => "library",
                Decryption::NotNeeded => "not_needed",
            },
            opened: facts.opened.map(|at| clock.time(at)),
            closed: connection.closed.map(|at| clock.time(at)),
            trace_id: facts.trace_id().iter().map(|byte| format!("{byte:02x}")).collect(),
            role: role(facts),
            authorities: &connection.authorities,
            exchanges: connection.exchanges,
            misdirected: connection.misdirected,
            gaps: connection.gaps,
        }
    }
}

impl From<(Side, Alert)> for AlertPart {
    fn from((from, alert): (Side, Alert)) -> Self {
        Self { from: side(from), code: alert.code, description: alert::name(alert.code) }
    }
}
