//! What of a changed configuration can be had without a restart.

use super::Config;
use serde_json::Value;
use std::collections::BTreeMap;

/// The options that change while the agent runs: [`Config::reloaded`] takes them, and deploy/wrongdoor.yaml marks them.
const RELOADED: [&str; 7] = [
    "http.tls_certificate",
    "http.tls_key",
    "http.bearer_token",
    "names.only",
    "names.groups",
    "events.of",
    "log.level",
];

/// The options that differ, by whether they can change while the agent runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Those that change now.
    pub(crate) now: Vec<String>,
    /// Those that change with the next start.
    pub(crate) restart: Vec<String>,
}

/// What is new in `new`.
pub(crate) fn changes(old: &Config, new: &Config) -> Changes {
    let (old, new) = (options(old), options(new));
    let differ = new.into_iter().filter(|(name, value)| old.get(name) != Some(value));
    let (now, restart) =
        differ.map(|(name, _)| name).partition(|name| RELOADED.contains(&name.as_str()));
    Changes { now, restart }
}

/// All options by their names, as in the file: an option, or a section and its option.
fn options(config: &Config) -> BTreeMap<String, Value> {
    // A configuration is an object, as its file is.
    let Ok(Value::Object(file)) = serde_json::to_value(config) else { return BTreeMap::new() };
    let mut options = BTreeMap::new();
    for (name, value) in file {
        match value {
            Value::Object(section) => options.extend(
                section.into_iter().map(|(option, value)| (format!("{name}.{option}"), value)),
            ),
            value => drop(options.insert(name, value)),
        }
    }
    options
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
        assert_eq!(told.restart, ["listen", "scope.include"]);
        let reloaded = old.reloaded(&new);
        assert_eq!(changes(&old, &reloaded), Changes { restart: Vec::new(), ..told });
        assert_eq!(changes(&old, &old), Changes::default());
    }

    #[test]
    fn every_option_that_is_reloaded_is_one() {
        let mut old = Config::default();
        old.http.tls_certificate = Some("a".into());
        let names = options(&old);
        for name in RELOADED {
            assert!(names.contains_key(name), "{name}");
        }
        let mut new = Config::default();
        for path in
            [&mut new.http.tls_certificate, &mut new.http.tls_key, &mut new.http.bearer_token]
        {
            *path = Some("b".into());
        }
        new.names.only.push("*.test".to_owned());
        new.names.groups.push("*.example".to_owned());
        new.events.of = EventsOf::All;
        new.log.level = LogLevel::Debug;
        assert_eq!(changes(&old, &new).now.len(), RELOADED.len());
        assert_eq!(old.reloaded(&new), new);
    }

    #[test]
    fn the_example_marks_what_is_reloaded() {
        // The first one explains the mark.
        let marked = EXAMPLE.matches("(reload)").count() - 1;
        assert_eq!(marked, RELOADED.len());
    }
}
