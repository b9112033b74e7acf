//! TLS of a probe: who is asked, what is shown, whether it is believed.

mod alert_recorder;
mod certificate_recorder;
mod trust;

pub(super) use alert_recorder::{Alert, AlertRecorder};
pub(crate) use trust::{TrustError, TrustedRoots};

use super::outcome::{HandshakeResult, ProbeError, ProbeStage, Verification};
use super::plan::PlannedProbe;
use certificate_recorder::CertificateRecorder;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, Error, InvalidMessage, ProtocolVersion};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wrongdoor_core::wire::tls::alert;
use wrongdoor_core::wire::tls::alpn::PROBE;

/// Whether a handshake can ask for this name.
pub(super) fn is_server_name(name: &str) -> bool {
    matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_)))
}

/// A handshake as it goes on: what it shows is known when it fails, too.
pub(super) struct Attempt {
    certificate_recorder: Arc<CertificateRecorder>,
    connector: TlsConnector,
    server_name: ServerName<'static>,
}

impl Attempt {
    /// For a name, which is asked for, or an address, which is not. With neither the certificate may be for
    /// anybody: clients that ask for no name seldom look at it, and what it covers is told anyway.
    pub(super) fn new(
        trust: &TrustedRoots,
        probe: &PlannedProbe,
        server: SocketAddr,
    ) -> Result<Self, Error> {
        let name = probe.sni.as_ref().and_then(|name| ServerName::try_from(name.clone()).ok());
        let enable_sni = name.is_some();
        let asked = name.or_else(|| probe.address().map(ServerName::from));
        let certificate_recorder =
            Arc::new(CertificateRecorder::new(trust.clone(), asked.is_some()));
        let server_name = asked.unwrap_or_else(|| ServerName::from(server.ip()));
        let mut config = ClientConfig::builder_with_provider(trust.provider())
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&certificate_recorder) as Arc<_>)
            .with_no_client_auth();
        // No server knows the second one: it tells agents on the way that this is no client's handshake.
        config.alpn_protocols = vec![probe.protocol.alpn().into(), PROBE.into()];
        // A resumed session shows no certificate.
        config.resumption = Resumption::disabled();
        config.enable_sni = enable_sni;
        Ok(Self {
            certificate_recorder,
            connector: TlsConnector::from(Arc::new(config)),
            server_name,
        })
    }

    /// The handshake itself.
    pub(super) async fn shake(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, ProbeError> {
        let connected = self.connector.connect(self.server_name.clone(), tcp).await;
        connected.map_err(|error| {
            let verification = self.certificate_recorder.verification();
            match error.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
                Some(Error::InvalidCertificate(_)) if let Some(found) = verification => {
                    ProbeError::new(ProbeStage::Handshake, found.as_str(), error)
                }
                Some(cause) => ProbeError::new(ProbeStage::Handshake, kind(cause), cause),
                None if error.kind() == io::ErrorKind::ConnectionReset => {
                    ProbeError::new(ProbeStage::Handshake, "connection_reset", error)
                }
                None => ProbeError::new(ProbeStage::Handshake, "handshake_closed", error),
            }
        })
    }

    /// What is known by now.
    pub(super) fn shown(&self, stream: Option<&TlsStream<TcpStream>>) -> HandshakeResult {
        let connection = stream.map(|stream| stream.get_ref().1);
        let version = connection.and_then(|tls| tls.protocol_version());
        let alpn = connection.and_then(|tls| tls.alpn_protocol());
        HandshakeResult {
            version: version.and_then(version_name),
            alpn: alpn.map(|name| String::from_utf8_lossy(name).into_owned()),
            certificate: self.certificate_recorder.names(),
            verification: self.certificate_recorder.verification(),
        }
    }
}

fn kind(error: &Error) -> String {
    match error {
        Error::AlertReceived(alert) => alert::name(u8::from(*alert)),
        // What answers in clear text, for example.
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => "not_tls".to_owned(),
        Error::InvalidCertificate(_) => Verification::Invalid.as_str().to_owned(),
        _ => "tls_error".to_owned(),
    }
}

fn version_name(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_2 => Some("1.2"),
        ProtocolVersion::TLSv1_3 => Some("1.3"),
        _ => None,
    }
}
