//! Whom to trust.

use crate::tls_files::{certificates, system_roots};
use rustls::RootCertStore;
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whom to trust; or that nobody asks.
#[derive(Clone, Debug)]
pub(crate) struct TrustedRoots {
    provider: Arc<CryptoProvider>,
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

/// What is wrong with the certificates to trust.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    #[error("cannot read the authorities to trust from `{}`", file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("--ca {}: cannot be read: {error}{IN_PEM}", file.display())]
    NotPem { file: PathBuf, error: pem::Error },
    #[error("--ca {}: contains a certificate that cannot be trusted: {error}{IN_PEM}", file.display())]
    Untrusted { file: PathBuf, error: rustls::Error },
    #[error("--ca {}: contains no certificate{IN_PEM}", file.display())]
    Empty { file: PathBuf },
    #[error(
        "this machine has no trusted certificates; install them (Debian: ca-certificates), pass a file with --ca, or \
         skip verification with --insecure"
    )]
    NoRoots,
    #[error("TLS cannot be set up: {0}")]
    Tls(VerifierBuilderError),
}

const IN_PEM: &str = "; name a file with certificates in PEM format";

impl TrustedRoots {
    /// Whoever answers.
    pub(crate) fn anybody() -> Self {
        Self { provider: Arc::new(ring::default_provider()), verifier: None }
    }

    /// Those in a file, and no others.
    pub(crate) fn of_file(file: &Path) -> Result<Self, TrustError> {
        let file = || file.to_owned();
        let bytes = std::fs::read(file());
        let bytes = bytes.map_err(|source| TrustError::Unreadable { file: file(), source })?;
        let found = certificates(&bytes);
        let mut roots = RootCertStore::empty();
        for certificate in found.map_err(|error| TrustError::NotPem { file: file(), error })? {
            let added = roots.add(certificate);
            added.map_err(|error| TrustError::Untrusted { file: file(), error })?;
        }
        if roots.is_empty() {
            return Err(TrustError::Empty { file: file() });
        }
        Self::of(roots)
    }

    /// Those that the system trusts.
    pub(crate) fn of_the_system() -> Result<Self, TrustError> {
        Self::of(system_roots().ok_or(TrustError::NoRoots)?)
    }

    fn of(roots: RootCertStore) -> Result<Self, TrustError> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let verifier = builder.build().map_err(TrustError::Tls)?;
        Ok(Self { provider, verifier: Some(verifier) })
    }

    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.provider)
    }

    pub(super) fn verifier(&self) -> Option<&WebPkiServerVerifier> {
        self.verifier.as_deref()
    }
}
