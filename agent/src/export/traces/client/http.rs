//! OTLP over HTTP with protobuf.

use super::{ExportOutcome, connector, cut};
use crate::export::traces::settings::TracesSettings;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use std::io::Write;
use std::time::Duration;

/// The most of an answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// A request's body, as it is sent.
pub(in crate::export::traces) type ExportBody = Bytes;

/// Speaks to one collector.
pub(super) struct OtlpHttp {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: Uri,
    headers: HeaderMap,
    gzip: bool,
}

impl OtlpHttp {
    pub(super) fn new(settings: &TracesSettings) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(connector(settings));
        let (mut headers, gzip) = (settings.headers.clone(), settings.gzip);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Self { client, endpoint: settings.endpoint.clone(), headers, gzip }
    }

    pub(super) fn body(&self, request: &ExportTraceServiceRequest) -> ExportBody {
        let plain = request.encode_to_vec();
        if !self.gzip {
            return plain.into();
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        // Memory takes what is written to it.
        let written = encoder.write_all(&plain);
        debug_assert!(written.is_ok(), "{written:?}");
        encoder.finish().unwrap_or_default().into()
    }

    pub(super) async fn send(&self, body: &ExportBody) -> ExportOutcome {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        *request.headers_mut() = self.headers.clone();
        let (head, body) = match self.client.request(request).await {
            Ok(response) => response.into_parts(),
            Err(error) => return ExportOutcome::unreachable(&error),
        };
        let body = match Limited::new(body, MAX_ANSWER).collect().await {
            Ok(body) => body.to_bytes(),
            // It has the spans, and only what it says of them is lost.
            Err(_too_long) if head.status.is_success() => Bytes::new(),
            Err(error) => return ExportOutcome::unreachable(&*error),
        };
        answered(&Response::from_parts(head, body))
    }
}

/// What an answer means (OTLP, "OTLP/HTTP Response").
fn answered(response: &Response<Bytes>) -> ExportOutcome {
    let status = response.status();
    if status.is_success() {
        // A body that says nothing readable says nothing of rejected spans.
        let answer = ExportTraceServiceResponse::decode(response.body().clone());
        return ExportOutcome::taken(answer.unwrap_or_default().partial_success);
    }
    let why = cut(&format!("the collector answers {status}"));
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => {
            let wait = response.headers().get(RETRY_AFTER).and_then(seconds);
            ExportOutcome::NotNow { why, wait }
        }
        _ => ExportOutcome::Never { why },
    }
}

/// A delay in seconds; a date is as good as none, for the pauses here are short.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    fn answer(status: u16, body: Vec<u8>) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }

    #[test]
    fn answers_mean_what_the_protocol_says() {
        for status in [429, 502, 503, 504] {
            let outcome = answered(&answer(status, vec![]));
            assert!(
                matches!(outcome, ExportOutcome::NotNow { wait: None, .. }),
                "{status} {outcome:?}"
            );
        }
        for status in [301, 400, 401, 403, 404, 413, 500, 501] {
            let outcome = answered(&answer(status, vec![]));
            assert!(matches!(outcome, ExportOutcome::Never { .. }), "{status} {outcome:?}");
        }
        for body in [vec![], vec![0xff; 4]] {
            let none = ExportOutcome::Taken { rejected: 0, why: String::new() };
            assert_eq!(answered(&answer(200, body)), none);
        }
    }

    #[test]
    fn rejected_spans_and_pauses_are_heard() {
        let partial =
            ExportTracePartialSuccess { rejected_spans: 3, error_message: "no".to_owned() };
        let said = ExportTraceServiceResponse { partial_success: Some(partial) };
        let outcome = answered(&answer(200, said.encode_to_vec()));
        assert_eq!(outcome, ExportOutcome::Taken { rejected: 3, why: "no".to_owned() });
        for (value, expected) in
            [("7", Some(7)), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]
        {
            let mut response = answer(503, vec![]);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(value));
            let ExportOutcome::NotNow { wait, .. } = answered(&response) else { panic!("{value}") };
            assert_eq!(wait, expected.map(Duration::from_secs), "{value}");
        }
    }
}
