//! The certificate of a connection's server, and how it is known.

use crate::name::CertificateNames;
use std::sync::Arc;

/// The names in the certificate of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCertificate {
    /// The names.
    pub names: Arc<CertificateNames>,
    /// How they are known.
    pub source: CertificateSource,
}

/// How a certificate is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// The connection's own handshake showed it.
    Handshake,
    /// The connection's handshake resumed a session, and so has no certificate: an earlier handshake of the same program for
    /// the same server name at the same server showed it.
    Presumed {
        /// A verdict may rest on it: it was seen lately, and the server has not started again since.
        is_recent: bool,
    },
}

impl CertificateSource {
    /// The names in the output.
    pub const NAMES: [&'static str; 2] = ["handshake", "presumed"];

    /// The name in the output.
    pub fn as_str(self) -> &'static str {
        let [handshake, presumed] = Self::NAMES;
        match self {
            Self::Handshake => handshake,
            Self::Presumed { .. } => presumed,
        }
    }
}

impl ServerCertificate {
    /// One that the handshake shows.
    pub fn seen(names: CertificateNames) -> Self {
        Self { names: Arc::new(names), source: CertificateSource::Handshake }
    }

    /// Whether another handshake than the connection's own showed it.
    pub fn is_presumed(&self) -> bool {
        self.source != CertificateSource::Handshake
    }

    /// The names, where a verdict may rest on them.
    pub fn proof(&self) -> Option<&CertificateNames> {
        (self.source != CertificateSource::Presumed { is_recent: false }).then_some(&*self.names)
    }
}
