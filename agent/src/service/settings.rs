//! The file, with what was typed on top of it.

use super::ConfigError;
use crate::capture::scope::ProcessScope;
use crate::cli::Run;
use crate::config::Config;
use crate::export::LabelLimiter;
use crate::text::read_file;
use std::path::Path;

/// Stands for a value that is not to be seen.
const HIDDEN: &str = "<secret>";
/// The longest configuration file.
const MAX_FILE: u64 = 1024 * 1024;

/// What holds: defaults, then the file, then what was typed.
pub(crate) fn load(typed: &Run) -> Result<Config, ConfigError> {
    let mut config = match &typed.config {
        Some(path) => read(path)?,
        None => Config::default(),
    };
    typed.put_on(&mut config);
    check(&config)?;
    Ok(config)
}

/// The text of a configuration, which is read as the same but for the values of headers, which may be secrets: this is
/// what people paste when they ask for help.
pub(crate) fn to_yaml(config: &Config) -> Result<String, ConfigError> {
    let mut config = config.clone();
    config.otlp.headers.values_mut().for_each(|value| *value = HIDDEN.to_owned());
    serde_saphyr::to_string(&config)
        .map_err(|error| ConfigError::Unprintable { why: error.to_string() })
}

fn read(path: &Path) -> Result<Config, ConfigError> {
    let text = read_file(path, MAX_FILE)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse(&text).map_err(|why| ConfigError::Malformed { path: path.to_owned(), why })
}

/// What is wrong is told with the number of its line, and never with the line: what stands beside it may be a secret.
fn parse(text: &str) -> Result<Config, String> {
    // Nothing but comments is a file without a document, and changes nothing.
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.lines().all(is_blank) {
        return Ok(Config::default());
    }
    serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())
}

/// What no single option can know.
pub(crate) fn check(config: &Config) -> Result<(), ConfigError> {
    let http = &config.http;
    if http.tls_certificate.is_some() != http.tls_key.is_some() {
        return Err(ConfigError::HalfOfTls);
    }
    let is_guarded = http.tls_certificate.is_some() && http.bearer_token.is_some();
    if !config.listen.ip().is_loopback() && !is_guarded && !http.allow_plain {
        return Err(ConfigError::Unguarded { listen: config.listen });
    }
    if config.packets.cleartext_ports.contains(&0) {
        return Err(ConfigError::PortZero);
    }
    if config.events.max_bytes == 0 {
        return Err(ConfigError::NoRoomForEvents);
    }
    ProcessScope::parse(&config.scope.include, &config.scope.exclude)?;
    LabelLimiter::new(&config.names.only, &config.names.groups)?;
    super::traces(config).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{EXAMPLE, EventsOf, LogLevel};
    use crate::testing::run_as_typed as typed;
    use std::fs;

    fn with_file(text: &str, arguments: &[&str]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wrongdoor.yaml");
        fs::write(&path, text).unwrap();
        load(&typed(&[&["--config", path.to_str().unwrap()], arguments].concat()))
    }

    #[test]
    fn the_example_has_every_option_and_its_default() {
        assert_eq!(parse(EXAMPLE).unwrap(), Config::default());
        let printed = to_yaml(&Config::default()).unwrap();
        for line in printed.lines() {
            let key = line.split(':').next().unwrap();
            assert!(
                EXAMPLE.lines().any(|line| line.split(':').next() == Some(key)),
                "no {key} in the example"
            );
        }
        // Every option is explained: a comment stands before it.
        let mut before = "";
        for line in EXAMPLE.lines() {
            let is_option = line.contains(':') && !line.trim_start().starts_with('#');
            assert!(!is_option || before.trim_start().starts_with('#'), "no comment before {line}");
            before = line;
        }
    }

    #[test]
    fn what_is_printed_is_read_as_the_same() {
        let config = with_file(
            "source: ebpf\nlisten: '[::1]:1'\nfor: 5m\nevents: {path: /tmp/e, of: all, mode: 0640, keep: 0}\nnames: {groups: ['*.a.test']}\n",
            &[],
        )
        .unwrap();
        assert_eq!(parse(&to_yaml(&config).unwrap()).unwrap(), config);
    }

    #[test]
    fn secrets_are_not_printed() {
        let text = "otlp:\n  headers:\n    authorization: Bearer S3CRET\n";
        let printed = to_yaml(&with_file(text, &[]).unwrap()).unwrap();
        assert!(printed.contains("authorization") && !printed.contains("S3CRET"), "{printed}");
    }

    #[test]
    fn what_is_typed_overrides_the_file() {
        let text = "listen: 127.0.0.1:1\nevents:\n  of: all\nlog:\n  level: debug\n";
        let config = with_file(text, &["--listen", "127.0.0.1:2", "--log-level", "warn"]).unwrap();
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.events.of, EventsOf::All);
        assert_eq!(config.log.level, LogLevel::Warn);
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_refused_with_their_line() {
        for (text, told) in [
            ("source: auto\nlitsen: 127.0.0.1:1\n", "litsen"),
            ("events:\n  path: x\n  off: all\n", "off"),
            ("listen: localhost\n", "listen"),
            ("for: 5x\n", "5x"),
        ] {
            let failure = with_file(text, &[]).unwrap_err();
            let said = failure.to_string();
            assert!(matches!(failure, ConfigError::Malformed { .. }), "{said}");
            assert!(
                said.contains(told) && said.contains("wrongdoor.yaml") && said.contains("line"),
                "{said}"
            );
        }
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused() {
        let large = format!("# {}\nsource: packets\n", "x".repeat(1 << 20));
        let failure = with_file(&large, &[]).unwrap_err();
        assert!(matches!(failure, ConfigError::Unreadable { .. }), "{failure}");
        for path in ["/dev/zero", "/tmp"] {
            let failure = load(&typed(&["--config", path])).unwrap_err();
            assert!(matches!(failure, ConfigError::Unreadable { .. }), "{path}: {failure}");
        }
    }

    #[test]
    fn a_mistake_beside_a_secret_does_not_tell_it() {
        let text = "otlp:\n  headers:\n    authorization: Bearer S3CRET\n  gzpi: true\n";
        let said = with_file(text, &[]).unwrap_err().to_string();
        assert!(said.contains("gzpi") && !said.contains("S3CRET"), "{said}");
    }

    #[test]
    fn what_cannot_start_is_no_configuration() {
        for (text, told) in [
            ("scope: {include: [foo]}", "foo"),
            ("otlp: {endpoint: 'ftp://x'}", "otlp.endpoint"),
            ("packets: {cleartext_ports: [0]}", "cleartext_ports"),
        ] {
            let failure = with_file(text, &[]).unwrap_err();
            assert!(failure.to_string().contains(told), "{failure}");
        }
    }

    #[test]
    fn a_variable_can_take_back_what_the_file_allows() {
        let text = "http: {allow_plain: true}";
        assert!(!with_file(text, &["--allow-plain=false"]).unwrap().http.allow_plain);
        assert!(with_file("", &["--allow-plain"]).unwrap().http.allow_plain);
    }

    #[test]
    fn an_empty_file_changes_nothing() {
        assert_eq!(with_file("# nothing\n\n", &[]).unwrap(), Config::default());
    }

    #[test]
    fn the_world_is_not_told_by_accident() {
        let open = ["--listen", "0.0.0.0:0"];
        let said = load(&typed(&open)).unwrap_err().to_string();
        assert!(said.contains("--allow-plain") && said.contains("--bearer-token"), "{said}");
        assert!(load(&typed(&[&open[..], &["--allow-plain"]].concat())).is_ok());
        let guarded = ["--tls-certificate", "c", "--tls-key", "k", "--bearer-token", "t"];
        assert!(load(&typed(&[&open[..], &guarded].concat())).is_ok());
        assert!(load(&typed(&["--tls-certificate", "c"])).is_err());
    }
}
