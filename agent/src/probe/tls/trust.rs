//! Whom to trust.

use crate::error::Error;
use crate::tls_files::{certificates, system_roots};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use std::path::Path;
use std::sync::Arc;

/// Whom to trust; or that nobody asks.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    provider: Arc<CryptoProvider>,
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

impl Trust {
    /// Whoever answers.
    pub(crate) fn anybody() -> Self {
        Self { provider: Arc::new(ring::default_provider()), verifier: None }
    }

    /// Those in a file, and no others.
    pub(crate) fn of_file(file: &Path) -> Result<Self, Error> {
        let named = |why: String| Error::Usage {
            what: format!("--ca {}: {why}; name a file of certificates in PEM", file.display()),
        };
        let bytes = std::fs::read(file).map_err(|source| Error::Input {
            what: "the authorities to trust",
            name: file.display().to_string(),
            source,
        })?;
        let mut roots = RootCertStore::empty();
        for certificate in
            certificates(&bytes).map_err(|error| named(format!("cannot be read: {error}")))?
        {
            let added = roots.add(certificate);
            added.map_err(|error| named(format!("has one that cannot be trusted: {error}")))?;
        }
        if roots.is_empty() {
            return Err(named("has no certificate".to_owned()));
        }
        Self::of(roots)
    }

    /// Those whom the system trusts.
    pub(crate) fn of_the_system() -> Result<Self, Error> {
        let Some(roots) = system_roots() else {
            let what = "this machine has no certificates to trust servers by; install them (Debian: \
                        ca-certificates), name a file with --ca, or verify nothing with --insecure";
            return Err(Error::Usage { what: what.to_owned() });
        };
        Self::of(roots)
    }

    fn of(roots: RootCertStore) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let verifier = builder
            .build()
            .map_err(|error| Error::Unavailable { what: format!("no TLS: {error}") })?;
        Ok(Self { provider, verifier: Some(verifier) })
    }

    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.provider)
    }

    pub(super) fn verifier(&self) -> Option<&WebPkiServerVerifier> {
        self.verifier.as_deref()
    }
}
