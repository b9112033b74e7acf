//! SIGHUP: the configuration is read again, and what can change, changes.

use super::http::{Access, AccessFiles};
use super::{ConfigError, settings};
use crate::cli::Run;
use crate::config::{self, Config};
use crate::export::LabelLimiter;
use crate::log;
use crate::state::{AgentState, RuntimeOverrides};
use crate::text::chain;
use std::sync::{Arc, Mutex, PoisonError};

/// What it takes to read the configuration again.
pub(crate) struct Reload {
    typed: Run,
    current: Mutex<Config>,
    access: Arc<Access>,
    shared: Arc<AgentState>,
}

impl Reload {
    pub(crate) fn new(
        typed: Run,
        config: Config,
        access: Arc<Access>,
        shared: Arc<AgentState>,
    ) -> Self {
        Self { typed, current: Mutex::new(config), access, shared }
    }

    /// Does it, and says what came of it. What is wrong changes nothing.
    pub(crate) fn now(&self) {
        if let Err(failure) = self.try_now() {
            tracing::error!("the configuration was not reloaded: {}", chain(&failure));
        }
    }

    /// Reads the certificate, the key and the token again if they have changed on disk, as those in a Kubernetes
    /// secret do. Where they cannot be used, the old ones hold, and the log reports each change once.
    pub(crate) fn check_files(&self) {
        let files = files(&self.current.lock().unwrap_or_else(PoisonError::into_inner));
        match self.access.refresh(&files) {
            Ok(false) => {}
            Ok(true) => tracing::info!(
                "the TLS certificate, its key or the token changed on disk and is in use now"
            ),
            Err(failure) => {
                let why = chain(&failure);
                tracing::warn!(
                    "the TLS certificate, its key or the token changed on disk but cannot be used; the old ones stay in use: {why}"
                );
            }
        }
    }

    fn try_now(&self) -> Result<(), ConfigError> {
        let new = settings::load(&self.typed)?;
        let overrides = overrides(&new)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changes = config::changes(&current, &new);
        let reloaded = current.reloaded(&new);
        // The address that is listened on stays, and with it what it asks for.
        settings::check(&reloaded)?;
        // Certificates are renewed under the same name.
        if self.access.reload(&files(&reloaded))? {
            changes.now.push("what is in the files for TLS and the token".to_owned());
        }
        log::change(new.log.level);
        self.shared.override_with(overrides);
        *current = reloaded;
        tracing::info!(changed = changes.now.join(", "), "the configuration was reloaded");
        if !changes.restart.is_empty() {
            let options = changes.restart.join(", ");
            tracing::warn!(options, "these options change only with the next start");
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
pub(crate) fn overrides(config: &Config) -> Result<RuntimeOverrides, ConfigError> {
    let label_limiter = LabelLimiter::new(&config.names.only, &config.names.groups)?;
    Ok(RuntimeOverrides { label_limiter, events_of: config.events.of })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_as_typed;
    use std::fs;

    #[test]
    fn what_is_open_to_the_network_stays_guarded() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("token"), "secret").unwrap();
        let config = path("config");
        let typed = run_as_typed(&["--config", &config]);
        let mut current = Config { listen: ([0, 0, 0, 0], 1).into(), ..Config::default() };
        current.http.bearer_token = Some(path("token").into());
        current.http.tls_certificate = Some("unread".into());
        current.http.tls_key = Some("unread".into());
        let access = Arc::new(Access::read(&AccessFiles::default()).unwrap());
        let reload = Reload::new(typed, current, access, AgentState::new(None));
        for wrong in
            ["listen: 127.0.0.1:1\nhttp: {}\n", "listen: 0.0.0.0:1\nhttp: {allow_plain: true}\n"]
        {
            fs::write(&config, wrong).unwrap();
            let refusal = reload.try_now().unwrap_err().to_string();
            assert!(
                refusal.contains("0.0.0.0:1") && refusal.contains("--allow-plain"),
                "{refusal}"
            );
        }
    }
}
