//! OTLP over gRPC.

use super::{ExportOutcome, connector, cut};
use crate::export::traces::settings::TracesSettings;
use http::HeaderMap;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use std::error::Error;
use std::time::Duration;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

/// Speaks to one collector.
pub(super) struct Grpc {
    client: TraceServiceClient<Client<HttpsConnector<HttpConnector>, Body>>,
    headers: HeaderMap,
}

impl Grpc {
    pub(super) fn new(settings: &TracesSettings) -> Self {
        let client =
            Client::builder(TokioExecutor::new()).http2_only(true).build(connector(settings));
        let mut client = TraceServiceClient::with_origin(client, settings.endpoint.clone());
        if settings.gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        Self { client, headers: settings.headers.clone() }
    }

    pub(super) async fn send(&mut self, request: ExportTraceServiceRequest) -> ExportOutcome {
        let mut request = Request::new(request);
        *request.metadata_mut() = MetadataMap::from_headers(self.headers.clone());
        match self.client.export(request).await {
            Ok(response) => ExportOutcome::taken(response.into_inner().partial_success),
            Err(status) => refused(&status),
        }
    }
}

/// What a status means (OTLP, "OTLP/gRPC Response").
fn refused(status: &Status) -> ExportOutcome {
    // What the collector says has no cause on this side.
    if let Some(cause) = status.source() {
        return ExportOutcome::unreachable(cause);
    }
    let wait = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let why = cut(&format!("the collector answers {:?}: {}", status.code(), status.message()));
    match (status.code(), wait) {
        (
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss,
            _,
        )
        | (Code::ResourceExhausted, Some(_)) => {
            ExportOutcome::NotNow { why, wait: wait.filter(is_any) }
        }
        _ => ExportOutcome::Never { why },
    }
}

fn is_any(wait: &Duration) -> bool {
    !wait.is_zero()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn statuses_mean_what_the_protocol_says() {
        use Code::*;
        for code in [Cancelled, DeadlineExceeded, Aborted, OutOfRange, Unavailable, DataLoss] {
            let outcome = refused(&Status::new(code, "x"));
            assert!(matches!(outcome, ExportOutcome::NotNow { wait: None, .. }), "{outcome:?}");
        }
        for code in [
            Unknown,
            InvalidArgument,
            NotFound,
            AlreadyExists,
            PermissionDenied,
            ResourceExhausted,
            FailedPrecondition,
            Unimplemented,
            Internal,
            Unauthenticated,
        ] {
            let outcome = refused(&Status::new(code, "x"));
            assert!(matches!(outcome, ExportOutcome::Never { .. }), "{outcome:?}");
        }
    }

    #[test]
    fn a_pause_that_is_asked_for_is_heard() {
        let asked = Duration::from_millis(1500);
        for code in [Code::ResourceExhausted, Code::Unavailable] {
            let details = ErrorDetails::with_retry_info(Some(asked));
            let outcome = refused(&Status::with_error_details(code, "x", details));
            let ExportOutcome::NotNow { wait, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(wait, Some(asked));
        }
    }
}
