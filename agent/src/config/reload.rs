//! What of a changed configuration can be had without a restart.

use super::Config;

/// The options that differ, by whether they can change while the agent runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Those that change now.
    pub(crate) now: Vec<&'static str>,
    /// Those that change with the next start.
    pub(crate) restart: Vec<&'static str>,
}

/// What is new in `new`.
pub(crate) fn changes(old: &Config, new: &Config) -> Changes {
    let mut changes = Changes::default();
    // Everything is named here, so that no option is forgotten.
    let Config {
        source,
        listen,
        http,
        scope,
        packets,
        names,
        events,
        recovery,
        otlp,
        kubernetes,
        log,
        length,
        drain,
    } = old;
    let mut now = |name, differs| changes.now.extend(Some(name).filter(|_| differs));
    now("http.tls_certificate", http.tls_certificate != new.http.tls_certificate);
    now("http.tls_key", http.tls_key != new.http.tls_key);
    now("http.bearer_token", http.bearer_token != new.http.bearer_token);
    now("names", *names != new.names);
    now("events.of", events.of != new.events.of);
    now("log.level", log.level != new.log.level);
    let mut restart = |name, differs| changes.restart.extend(Some(name).filter(|_| differs));
    restart("source", *source != new.source);
    restart("listen", *listen != new.listen);
    restart("http.allow_plain", http.allow_plain != new.http.allow_plain);
    restart("scope", *scope != new.scope);
    restart("packets", *packets != new.packets);
    restart("events.path", events.path != new.events.path);
    restart("events.mode", events.mode != new.events.mode);
    restart("events.max_bytes", events.max_bytes != new.events.max_bytes);
    restart("events.keep", events.keep != new.events.keep);
    restart("recovery", *recovery != new.recovery);
    restart("otlp", *otlp != new.otlp);
    restart("kubernetes", *kubernetes != new.kubernetes);
    restart("log.format", log.format != new.log.format);
    restart("for", *length != new.length);
    restart("drain", *drain != new.drain);
    changes
}

impl Config {
    /// This configuration, with what can be had now of another.
    pub(crate) fn reloaded(&self, new: &Self) -> Self {
        let mut config = self.clone();
        config.http.tls_certificate.clone_from(&new.http.tls_certificate);
        config.http.tls_key.clone_from(&new.http.tls_key);
        config.http.bearer_token.clone_from(&new.http.bearer_token);
        config.names.clone_from(&new.names);
        config.events.of = new.events.of;
        config.log.level = new.log.level;
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EXAMPLE, EventsOf, LogLevel};

    #[test]
    fn what_changes_now_and_what_does_not_is_told() {
        let old = Config::default();
        let mut new = old.clone();
        new.log.level = LogLevel::Debug;
        new.events.of = EventsOf::All;
        new.listen.set_port(1);
        new.scope.include.push("command=nginx".to_owned());
        let told = changes(&old, &new);
        assert_eq!(told.now, ["events.of", "log.level"]);
        assert_eq!(told.restart, ["listen", "scope"]);
        let reloaded = old.reloaded(&new);
        assert_eq!(changes(&old, &reloaded), Changes { restart: Vec::new(), ..told });
        assert_eq!(changes(&old, &old), Changes::default());
    }

    #[test]
    fn the_example_marks_what_is_reloaded() {
        // Whoever adds an option here marks it there.
        let marked = EXAMPLE.matches("(reload)").count() - 1;
        assert_eq!(marked, 7, "tls_certificate, tls_key, bearer_token, only, groups, of, level");
    }
}
