//! Where traces go: what was typed, then OpenTelemetry's variables, then the file.

use super::{EventsOf, Length, OtlpProtocol};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the variables begin with.
pub(crate) const PREFIX: &str = "OTEL_EXPORTER_OTLP_";

/// The traces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OtlpConfig {
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Option<OtlpProtocol>,
    pub(crate) of: EventsOf,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) timeout: Option<Length>,
    pub(crate) gzip: bool,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) client_certificate: Option<PathBuf>,
    pub(crate) client_key: Option<PathBuf>,
    /// Typed, and so before the variables.
    #[serde(skip)]
    pub(crate) typed: Typed,
}

/// What was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Option<OtlpProtocol>,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            endpoint: None,
            protocol: None,
            of: EventsOf::Mismatched,
            headers: BTreeMap::new(),
            timeout: None,
            gzip: false,
            certificate: None,
            client_certificate: None,
            client_key: None,
            typed: Typed::default(),
        }
    }
}

impl OtlpConfig {
    /// What the file says, as OpenTelemetry's variable of the same meaning.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        match name.strip_prefix(PREFIX)? {
            "ENDPOINT" => self.endpoint.clone(),
            "PROTOCOL" => self.protocol.map(|protocol| match protocol {
                OtlpProtocol::Grpc => "grpc".to_owned(),
                OtlpProtocol::HttpProtobuf => "http/protobuf".to_owned(),
            }),
            "HEADERS" => (!self.headers.is_empty()).then(|| {
                let pairs =
                    self.headers.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
                pairs.collect::<Vec<_>>().join(",")
            }),
            "TIMEOUT" => self.timeout.map(|timeout| timeout.0.as_millis().to_string()),
            "COMPRESSION" => self.gzip.then(|| "gzip".to_owned()),
            "CERTIFICATE" => path(&self.certificate),
            "CLIENT_CERTIFICATE" => path(&self.client_certificate),
            "CLIENT_KEY" => path(&self.client_key),
            _ => None,
        }
    }
}

/// Percent-encoded, where the variable's format needs it.
fn encoded(value: &str) -> String {
    let mut text = String::new();
    for character in value.chars() {
        match character {
            '%' | ',' | ';' | '=' => text.push_str(&format!("%{:02X}", u32::from(character))),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_speaks_where_no_variable_does() {
        let mut otlp = OtlpConfig {
            endpoint: Some("http://collector:4318".to_owned()),
            ..OtlpConfig::default()
        };
        otlp.headers.insert("authorization".to_owned(), "Bearer a=,%".to_owned());
        otlp.timeout = "3s".parse().ok();
        let says = |name: &str| otlp.variable(&format!("OTEL_EXPORTER_OTLP_{name}"));
        assert_eq!(says("ENDPOINT").as_deref(), Some("http://collector:4318"));
        assert_eq!(says("HEADERS").as_deref(), Some("authorization=Bearer a%3D%2C%25"));
        assert_eq!(says("TIMEOUT").as_deref(), Some("3000"));
        assert_eq!(
            (says("COMPRESSION"), says("PROTOCOL"), says("TRACES_ENDPOINT")),
            (None, None, None)
        );
        assert_eq!(otlp.variable("OTEL_SDK_DISABLED"), None);
    }
}
