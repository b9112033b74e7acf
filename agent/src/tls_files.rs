//! Certificates to trust: those of the system, and those in files.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

/// The roots that the system trusts; none if it has no certificates.
pub(crate) fn system_roots() -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    // Stores of systems hold old certificates that webpki does not parse: the others are still good.
    let (found, _ignored) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    (found > 0).then_some(roots)
}

/// The certificates in PEM, in order; none if there is no certificate.
///
/// # Errors
///
/// The text is not PEM.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}
