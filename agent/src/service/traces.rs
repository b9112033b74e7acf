//! Where traces go: what was typed, then OpenTelemetry's variables, then the file.

use super::ConfigError;
use crate::config::{Config, OTLP_PREFIX, OtlpProtocol};
use crate::export::{Environment, TracesProtocol, TracesSettings, TracesWish};

/// What the file can say; the longer first, where one is the end of another.
const NAMES: [&str; 7] = [
    "CLIENT_CERTIFICATE",
    "CLIENT_KEY",
    "CERTIFICATE",
    "ENDPOINT",
    "HEADERS",
    "PROTOCOL",
    "TIMEOUT",
];

/// How traces are sent, if they are.
pub(crate) fn traces(config: &Config) -> Result<Option<TracesSettings>, ConfigError> {
    let Config { otlp, .. } = config;
    let wish = TracesWish {
        endpoint: otlp.typed.endpoint.as_deref(),
        protocol: otlp.typed.protocol.map(|protocol| match protocol {
            OtlpProtocol::Grpc => TracesProtocol::Grpc,
            OtlpProtocol::HttpProtobuf => TracesProtocol::HttpProtobuf,
        }),
        of: otlp.of,
    };
    // The signal's own variables are asked for first, and the file knows only the general ones.
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let resolved = TracesSettings::resolve(
        &wish,
        &Environment::new(&|name| set(name).or_else(|| otlp.variable(name))),
    );
    // What was said in the file is called as it is there.
    let of_file = NAMES.iter().filter(|name| set(&format!("{OTLP_PREFIX}{name}")).is_none());
    let rename = |text: String| {
        of_file.clone().fold(text, |text, name| {
            text.replace(&format!("{OTLP_PREFIX}{name}"), &format!("otlp.{}", name.to_lowercase()))
        })
    };
    Ok(resolved.map_err(|error| error.renamed(rename))?)
}
