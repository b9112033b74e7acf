//! Who may read what is answered: with a bearer token (RFC 6750), over TLS.

use crate::config::text_of;
use crate::failure::Failure;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

/// A longer file is no token.
const MAX_TOKEN: u64 = 4096;
/// A longer one is no certificate chain.
const MAX_PEM: u64 = 1024 * 1024;

/// The files that say who may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccessFiles {
    /// Certificate chain and private key, in PEM.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    /// The first line is the token.
    pub(crate) bearer_token: Option<PathBuf>,
}

/// What is in the files. It can be read anew while it is in use.
pub(crate) struct Access(RwLock<Rules>);

#[derive(Clone, Default)]
struct Rules {
    tls: Option<TlsAcceptor>,
    token: Option<Arc<str>>,
    /// Of all that was read.
    digest: u64,
}

impl Access {
    /// Reads the files.
    pub(crate) fn read(files: &AccessFiles) -> Result<Self, Failure> {
        Ok(Self(RwLock::new(Rules::read(files)?)))
    }

    /// Reads them again; whether they say something else. What was in them holds where that fails.
    pub(crate) fn reload(&self, files: &AccessFiles) -> Result<bool, Failure> {
        let rules = Rules::read(files)?;
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = current.digest != rules.digest;
        *current = rules;
        Ok(is_new)
    }

    /// How to speak TLS, where it is to be spoken.
    pub(super) fn tls(&self) -> Option<TlsAcceptor> {
        self.rules().tls
    }

    /// Whether this is the value of `Authorization` that is asked for.
    pub(super) fn allows(&self, authorization: Option<&[u8]>) -> bool {
        let Some(token) = self.rules().token else { return true };
        let (scheme, given) =
            authorization.and_then(|value| value.split_at_checked(7)).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"bearer ") && is_same(given, token.as_bytes())
    }

    fn rules(&self) -> Rules {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Rules {
    fn read(files: &AccessFiles) -> Result<Self, Failure> {
        let tls =
            files.tls.as_ref().map(|(certificate, key)| acceptor(certificate, key)).transpose()?;
        let token = files.bearer_token.as_deref().map(token).transpose()?;
        let mut digest = DefaultHasher::new();
        let all = files.tls.iter().flat_map(|(chain, key)| [chain, key]).chain(&files.bearer_token);
        for path in all {
            text_of(path, MAX_PEM)
                .map_err(|error| refused(path, &error.to_string()))?
                .hash(&mut digest);
        }
        Ok(Self { tls, token, digest: digest.finish() })
    }
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, Failure> {
    let text =
        |path: &Path| text_of(path, MAX_PEM).map_err(|error| refused(path, &error.to_string()));
    let chain = CertificateDer::pem_slice_iter(text(certificate)?.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| refused(certificate, &format!("no certificates in PEM: {error}")))?;
    if chain.is_empty() {
        return Err(refused(certificate, "no certificates in PEM"));
    }
    let private = PrivateKeyDer::from_pem_slice(text(key)?.as_bytes())
        .map_err(|error| refused(key, &format!("no private key in PEM: {error}")))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth())
        .and_then(|builder| builder.with_single_cert(chain, private))
        .map_err(|error| {
            let of = certificate.display();
            refused(key, &format!("not for the certificate in `{of}`: {error}"))
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn token(path: &Path) -> Result<Arc<str>, Failure> {
    let text = text_of(path, MAX_TOKEN).map_err(|error| refused(path, &error.to_string()))?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refused(path, "no bearer token: one line of visible ASCII is expected"));
    }
    Ok(token.into())
}

fn refused(path: &Path, why: &str) -> Failure {
    Failure::Usage { what: format!("cannot use `{}`: {why}", path.display()) }
}

/// Compares in a time that does not depend on where they differ.
fn is_same(given: &[u8], wanted: &[u8]) -> bool {
    let differing = given.iter().zip(wanted).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == wanted.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn with_token(text: &str) -> Result<Access, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, text).unwrap();
        Access::read(&AccessFiles { bearer_token: Some(path), tls: None })
    }

    #[test]
    fn only_the_token_opens() {
        let access = with_token("secret-1\n").unwrap();
        assert!(access.allows(Some(b"Bearer secret-1")));
        assert!(access.allows(Some(b"bearer secret-1")));
        for wrong in
            ["Bearer secret-", "Bearer secret-12", "Basic secret-1", "secret-1", "Bearer ", ""]
        {
            assert!(!access.allows(Some(wrong.as_bytes())), "{wrong}");
        }
        assert!(!access.allows(None));
    }

    #[test]
    fn without_a_token_it_is_open() {
        assert!(Access::read(&AccessFiles::default()).unwrap().allows(None));
    }

    #[test]
    fn what_is_no_token_is_refused_and_the_old_one_holds() {
        for wrong in ["", "\n", "two words", "caf\u{e9}"] {
            assert!(with_token(wrong).is_err(), "{wrong:?}");
        }
        let access = with_token("old").unwrap();
        let missing = AccessFiles { bearer_token: Some("/nonexistent/token".into()), tls: None };
        let failure = access.reload(&missing).unwrap_err();
        assert!(failure.to_string().contains("/nonexistent/token"), "{failure}");
        assert!(access.allows(Some(b"Bearer old")) && !access.allows(None));
    }
}
