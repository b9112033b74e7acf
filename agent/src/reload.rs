//! SIGHUP: the configuration is read again, and what can change, changes.

use crate::cli::Run;
use crate::config::{self, Config};
use crate::export::{Access, AccessFiles, Naming};
use crate::failure::Failure;
use crate::log;
use crate::pipeline::live::{Shared, Wish};
use std::sync::{Arc, Mutex, PoisonError};

/// What it takes to read the configuration again.
pub(crate) struct Reload {
    typed: Run,
    current: Mutex<Config>,
    access: Arc<Access>,
    shared: Arc<Shared>,
}

impl Reload {
    pub(crate) fn new(
        typed: Run,
        config: Config,
        access: Arc<Access>,
        shared: Arc<Shared>,
    ) -> Self {
        Self { typed, current: Mutex::new(config), access, shared }
    }

    /// Does it, and says what came of it. What is wrong changes nothing.
    pub(crate) fn now(&self) {
        if let Err(failure) = self.try_now() {
            tracing::error!("the configuration is not reloaded: {failure}");
        }
    }

    fn try_now(&self) -> Result<(), Failure> {
        let new = config::load(&self.typed)?;
        let wish = wish(&new)?;
        // Certificates are renewed under the same name.
        self.access.reload(&files(&new))?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = config::changes(&current, &new);
        log::change(new.log.level);
        self.shared.wish(wish);
        *current = current.reloaded(&new);
        tracing::info!(changed = ?changes.now, "the configuration is reloaded");
        if !changes.restart.is_empty() {
            tracing::warn!(options = ?changes.restart, "these change with the next start only");
        }
        Ok(())
    }
}

/// The files that guard what is answered.
pub(crate) fn files(config: &Config) -> AccessFiles {
    let http = &config.http;
    AccessFiles {
        tls: http.tls_certificate.clone().zip(http.tls_key.clone()),
        bearer_token: http.bearer_token.clone(),
    }
}

/// What the capture thread takes over while it runs.
pub(crate) fn wish(config: &Config) -> Result<Wish, Failure> {
    let naming = Naming::new(&config.names.only, &config.names.groups)
        .map_err(|error| Failure::Usage { what: format!("names: {error}") })?;
    Ok(Wish { naming, events_of: config.events.of.into() })
}
