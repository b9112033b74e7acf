//! Who may read what is answered: with a bearer token (RFC 6750), over TLS.

use crate::service::ConfigError;
use crate::text::read_file;
use crate::tls_files::certificates;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

/// The longest token file.
const MAX_TOKEN: u64 = 4096;
/// The longest file of certificates or keys.
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
pub(crate) struct Access {
    rules: RwLock<Rules>,
    /// The files that were refused last, so that the log has each change once.
    refused: Mutex<Option<u64>>,
}

/// The files of one moment, each read once: what is used is what is compared with later ones.
struct Contents {
    tls: Option<(Text, Text)>,
    token: Option<Text>,
}

/// A file, and what was in it.
#[derive(Hash)]
struct Text {
    path: PathBuf,
    text: Result<String, String>,
}

#[derive(Clone, Default)]
struct Rules {
    tls: Option<TlsAcceptor>,
    token: Option<Arc<str>>,
    /// Of all that was read.
    digest: u64,
}

impl Access {
    /// Reads the files.
    pub(crate) fn read(files: &AccessFiles) -> Result<Self, ConfigError> {
        let rules = Contents::read(files).rules()?;
        Ok(Self { rules: RwLock::new(rules), refused: Mutex::default() })
    }

    /// Reads them again. Whether their contents are new. Where they cannot be used, the old ones hold.
    pub(crate) fn reload(&self, files: &AccessFiles) -> Result<bool, ConfigError> {
        self.take_over(&Contents::read(files))
    }

    /// Does the same for files that may have changed on disk, and fails once for each change: a certificate that is
    /// there before its key is refused, and both are used when the key follows.
    pub(crate) fn refresh(&self, files: &AccessFiles) -> Result<bool, ConfigError> {
        let contents = Contents::read(files);
        let digest = contents.digest();
        if self.rules().digest == digest {
            self.refuse(None);
            return Ok(false);
        }
        let is_reported =
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) == Some(digest);
        if is_reported { Ok(false) } else { self.take_over(&contents) }
    }

    fn take_over(&self, contents: &Contents) -> Result<bool, ConfigError> {
        let rules = contents.rules();
        self.refuse(rules.is_err().then(|| contents.digest()));
        let rules = rules?;
        let mut current = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = current.digest != rules.digest;
        *current = rules;
        Ok(is_new)
    }

    fn refuse(&self, digest: Option<u64>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = digest;
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
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Contents {
    fn read(files: &AccessFiles) -> Self {
        let tls = files.tls.as_ref();
        let tls = tls.map(|(chain, key)| (Text::read(chain, MAX_PEM), Text::read(key, MAX_PEM)));
        let token = files.bearer_token.as_deref().map(|path| Text::read(path, MAX_TOKEN));
        Self { tls, token }
    }

    fn digest(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        (&self.tls, &self.token).hash(&mut digest);
        digest.finish()
    }

    fn rules(&self) -> Result<Rules, ConfigError> {
        let tls = self.tls.as_ref().map(|(chain, key)| acceptor(chain, key)).transpose()?;
        let token = self.token.as_ref().map(token).transpose()?;
        Ok(Rules { tls, token, digest: self.digest() })
    }
}

impl Text {
    fn read(path: &Path, max_bytes: u64) -> Self {
        let text = read_file(path, max_bytes).map_err(|error| error.to_string());
        Self { path: path.to_owned(), text }
    }

    fn text(&self) -> Result<&str, ConfigError> {
        self.text.as_deref().map_err(|error| self.refused(error))
    }

    fn refused(&self, why: &str) -> ConfigError {
        ConfigError::Unusable { path: self.path.clone(), why: why.to_owned() }
    }
}

fn acceptor(certificate: &Text, key: &Text) -> Result<TlsAcceptor, ConfigError> {
    let chain = certificates(certificate.text()?.as_bytes())
        .map_err(|error| certificate.refused(&format!("no certificates in PEM: {error}")))?;
    if chain.is_empty() {
        return Err(certificate.refused("no certificates in PEM"));
    }
    let private = PrivateKeyDer::from_pem_slice(key.text()?.as_bytes())
        .map_err(|error| key.refused(&format!("no private key in PEM: {error}")))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth())
        .and_then(|builder| builder.with_single_cert(chain, private))
        .map_err(|error| {
            let of = certificate.path.display();
            key.refused(&format!("not for the certificate in `{of}`: {error}"))
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn token(file: &Text) -> Result<Arc<str>, ConfigError> {
    let token = file.text()?.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(file.refused("no bearer token: one line of visible ASCII is expected"));
    }
    Ok(token.into())
}

/// Compares in a time that does not depend on where they differ.
fn is_same(given: &[u8], wanted: &[u8]) -> bool {
    let differing = given.iter().zip(wanted).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == wanted.len() && differing == 0
}

#[cfg(test)]
mod tests;
