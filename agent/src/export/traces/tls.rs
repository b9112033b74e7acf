//! TLS towards the collector: whom to trust, and who we are.

use super::environment::{Environment, OtelVariable};
use super::error::TracesError;
use crate::tls_files::{self, system_roots};
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use std::sync::Arc;

/// As the variables say. Files are read now: later this thread may not be allowed to.
pub(super) fn client(environment: &Environment<'_>) -> Result<ClientConfig, TracesError> {
    let roots = match environment.otlp("CERTIFICATE") {
        Some(file) => trusted(&file)?,
        None => system_roots().ok_or_else(TracesError::no_roots)?,
    };
    let builder = trusting(roots)?;
    let certificate = environment.otlp("CLIENT_CERTIFICATE");
    match (certificate, environment.otlp("CLIENT_KEY")) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => authenticated(builder, &certificate, &key),
        (Some(one), None) | (None, Some(one)) => {
            Err(one.refused("is set alone", "certificate and key go together: set both"))
        }
    }
}

/// That trusts nobody.
pub(super) fn none() -> Result<ClientConfig, TracesError> {
    Ok(trusting(RootCertStore::empty())?.with_no_client_auth())
}

fn trusting(
    roots: RootCertStore,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TracesError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TracesError::Tls)?;
    Ok(builder.with_root_certificates(roots))
}

fn authenticated(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    certificate: &OtelVariable,
    key: &OtelVariable,
) -> Result<ClientConfig, TracesError> {
    let chain = certificates(certificate)?;
    let secret =
        PrivateKeyDer::from_pem_file(&key.value).map_err(|error| unreadable(key, &error))?;
    builder.with_client_auth_cert(chain, secret).map_err(|error| {
        key.refused(
            &format!("names no key for {}: {error}", certificate.name),
            "set both to a pair",
        )
    })
}

fn trusted(file: &OtelVariable) -> Result<RootCertStore, TracesError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| {
            file.refused(&format!("names a certificate that cannot be trusted: {error}"), IN_PEM)
        })?;
    }
    Ok(roots)
}

const IN_PEM: &str = "name a file of certificates in PEM";

fn certificates(file: &OtelVariable) -> Result<Vec<CertificateDer<'static>>, TracesError> {
    let read = std::fs::read(&file.value).map_err(pem::Error::Io);
    let read = read.and_then(|bytes| tls_files::certificates(&bytes));
    let found = read.map_err(|error| unreadable(file, &error))?;
    if found.is_empty() {
        return Err(file.refused(&format!("names `{}`, which has none", file.value), IN_PEM));
    }
    Ok(found)
}

fn unreadable(file: &OtelVariable, error: &pem::Error) -> TracesError {
    let why = format!("names `{}`, which cannot be read: {error}", file.value);
    file.refused(&why, "name a readable file in PEM")
}
