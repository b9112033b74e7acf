//! Where traces go, and how: from the command line, and from OpenTelemetry's variables.

use super::environment::{Environment, OtelVariable};
use super::error::TracesError;
use super::{resource, tls};
use crate::config::EventsOf;
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};
use rustls::ClientConfig;
use std::time::Duration;

/// How long one attempt to export may take, unless told otherwise: the specification's default.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What is appended to an endpoint that is for all signals.
const TRACES_PATH: &str = "/v1/traces";

/// How spans are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TracesProtocol {
    Grpc,
    HttpProtobuf,
}

/// What was asked for in so many words; it goes before what variables say.
#[derive(Debug)]
pub(crate) struct TracesWish<'a> {
    /// For all signals: a path is appended to it.
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) protocol: Option<TracesProtocol>,
    pub(crate) of: EventsOf,
}

/// All that is needed to send traces, checked.
pub(crate) struct TracesSettings {
    pub(super) of: EventsOf,
    pub(super) protocol: TracesProtocol,
    pub(super) endpoint: Uri,
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
    pub(super) gzip: bool,
    /// Trusts nobody where the endpoint is not asked over TLS.
    pub(super) tls: ClientConfig,
    /// Attributes of whoever sends: this agent.
    pub(super) resource: Vec<(String, String)>,
}

impl TracesSettings {
    /// What follows from both; `None` where no endpoint is named, or traces are switched off. Reads the files
    /// that are named.
    pub(crate) fn resolve(
        wish: &TracesWish<'_>,
        environment: &Environment<'_>,
    ) -> Result<Option<Self>, TracesError> {
        let Some(named) = Named::find(wish, environment) else { return Ok(None) };
        let protocol = match wish.protocol {
            Some(protocol) => protocol,
            None => {
                environment.otlp("PROTOCOL").map_or(Ok(TracesProtocol::HttpProtobuf), protocol)?
            }
        };
        let endpoint = named.endpoint(protocol)?;
        let is_tls = endpoint.scheme_str() == Some("https");
        Ok(Some(Self {
            of: wish.of,
            protocol,
            headers: environment
                .otlp("HEADERS")
                .map_or_else(|| Ok(HeaderMap::new()), |v| v.headers())?,
            timeout: environment.otlp("TIMEOUT").map_or(Ok(TIMEOUT), |v| v.milliseconds())?,
            gzip: environment.otlp("COMPRESSION").map_or(Ok(false), |v| v.is_gzip())?,
            tls: if is_tls { tls::client(environment)? } else { tls::none()? },
            resource: resource::attributes(environment)?,
            endpoint,
        }))
    }

    /// Where they go. There is no password in it.
    pub(crate) fn endpoint(&self) -> &Uri {
        &self.endpoint
    }
}

fn protocol(variable: OtelVariable) -> Result<TracesProtocol, TracesError> {
    match variable.value.as_str() {
        "grpc" => Ok(TracesProtocol::Grpc),
        "http/protobuf" => Ok(TracesProtocol::HttpProtobuf),
        other => Err(variable.refused(&format!("is `{other}`"), "say `grpc` or `http/protobuf`")),
    }
}

/// An endpoint as it was named.
struct Named {
    by: OtelVariable,
    /// It is for traces alone, and used as it is.
    is_whole: bool,
}

impl Named {
    fn find(wish: &TracesWish<'_>, environment: &Environment<'_>) -> Option<Self> {
        if let Some(endpoint) = wish.endpoint {
            let by =
                OtelVariable { name: "--otlp-endpoint".to_owned(), value: endpoint.to_owned() };
            return Some(Self { by, is_whole: false });
        }
        let says = |name, value| {
            environment.get(name).is_some_and(|found| found.value.eq_ignore_ascii_case(value))
        };
        if says("OTEL_SDK_DISABLED", "true") || says("OTEL_TRACES_EXPORTER", "none") {
            return None;
        }
        let whole = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let is_whole = whole.is_some();
        let by = whole.or_else(|| environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"))?;
        Some(Self { by, is_whole })
    }

    fn endpoint(&self, protocol: TracesProtocol) -> Result<Uri, TracesError> {
        // Whoever puts a password there should not find it in a log.
        let shown = if self.by.value.contains('@') { "…" } else { &self.by.value };
        let refused = |remedy: &str| self.by.refused(&format!("is `{shown}`"), remedy);
        let like = "write it as http://collector:4318 or https://collector:4317";
        let uri: Uri = self.by.value.parse().map_err(|_not_a_uri| refused(like))?;
        if !matches!(uri.scheme_str(), Some("http" | "https"))
            || uri.host().is_none_or(str::is_empty)
        {
            return Err(refused(like));
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(refused("leave out user and password, and use OTEL_EXPORTER_OTLP_HEADERS"));
        }
        let path = match (protocol, self.is_whole) {
            (TracesProtocol::Grpc, _)
                if matches!(uri.path(), "" | "/") && uri.query().is_none() =>
            {
                return Ok(uri);
            }
            (TracesProtocol::Grpc, _) => {
                return Err(refused("leave out the path: gRPC has its own"));
            }
            (TracesProtocol::HttpProtobuf, true) => return Ok(uri),
            (TracesProtocol::HttpProtobuf, false) if uri.query().is_some() => {
                return Err(refused(
                    "leave out the query, or use OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                ));
            }
            (TracesProtocol::HttpProtobuf, false) => {
                format!("{}{TRACES_PATH}", uri.path().trim_end_matches('/'))
            }
        };
        let mut parts = uri.into_parts();
        parts.path_and_query = PathAndQuery::try_from(path).ok();
        Uri::from_parts(parts).map_err(|_not_a_uri| refused(like))
    }
}

#[cfg(test)]
mod tests;
