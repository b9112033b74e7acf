//! Checks certificates as any client does, and remembers what it saw: of those, too, that it refuses.

use super::TrustedRoots;
use crate::probe::outcome::Verification;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use std::sync::{Arc, Mutex, PoisonError};
use wrongdoor_core::name::CertificateNames;
use wrongdoor_core::wire::tls::certificate;

/// For one handshake.
#[derive(Debug)]
pub(super) struct CertificateRecorder {
    trust: TrustedRoots,
    /// The certificate must be for the name that was asked for.
    is_name_asked: bool,
    seen: Mutex<Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    names: Option<Arc<CertificateNames>>,
    verification: Option<Verification>,
}

impl CertificateRecorder {
    pub(super) fn new(trust: TrustedRoots, is_name_asked: bool) -> Self {
        Self { trust, is_name_asked, seen: Mutex::default() }
    }

    pub(super) fn names(&self) -> Option<Arc<CertificateNames>> {
        self.seen().names
    }

    pub(super) fn verification(&self) -> Option<Verification> {
        self.seen().verification
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for CertificateRecorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.trust.verifier().map(|verifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        });
        let verification = match &verified {
            None => Verification::Skipped,
            Some(Ok(_)) => Verification::Valid,
            // The name is looked at last: all else is as it should be.
            Some(Err(error)) if !self.is_name_asked && of(error) == Verification::NameMismatch => {
                Verification::Valid
            }
            Some(Err(error)) => of(error),
        };
        let names = certificate::names(end_entity).map(Arc::new);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            Seen { names, verification: Some(verification) };
        match (verification, verified) {
            (Verification::Valid | Verification::Skipped, _) | (_, None) => {
                Ok(ServerCertVerified::assertion())
            }
            (_, Some(verified)) => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = self.trust.provider().signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = self.trust.provider().signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.provider().signature_verification_algorithms.supported_schemes()
    }
}

fn of(error: &Error) -> Verification {
    let Error::InvalidCertificate(error) = error else { return Verification::Invalid };
    match error {
        CertificateError::UnknownIssuer => Verification::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Verification::NameMismatch
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Verification::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Verification::NotYetValid
        }
        CertificateError::BadSignature => Verification::BadSignature,
        CertificateError::Revoked => Verification::Revoked,
        _ => Verification::Invalid,
    }
}
