//! Where traces go: what was typed, then OpenTelemetry's variables, then the file.

use crate::config::{Config, OTLP_PREFIX, OtlpProtocol};
use crate::error::Error;
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
pub(crate) fn traces(config: &Config) -> Result<Option<TracesSettings>, Error> {
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
    resolved.map_err(|failure| match failure {
        // What was said in the file is called as it is there.
        Error::Usage { what } => {
            let of_file =
                NAMES.iter().filter(|name| set(&format!("{OTLP_PREFIX}{name}")).is_none());
            let what = of_file.fold(what, |what, name| {
                what.replace(
                    &format!("{OTLP_PREFIX}{name}"),
                    &format!("otlp.{}", name.to_lowercase()),
                )
            });
            Error::Usage { what }
        }
        other => other,
    })
}
