//! Spans on their way to a collector.

mod grpc;
mod http;

use super::settings::{TracesProtocol, TracesSettings};
use super::spans::OtelSpan;
use crate::text::chain;
use grpc::Grpc;
use http::OtlpHttp;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::transform::common::tonic::{Attributes, ResourceAttributesWithSchema};
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use std::error::Error;
use std::time::Duration;

/// The most of what a collector says of a failure that is passed on, in characters.
const MAX_SAID: usize = 200;

/// What became of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExportOutcome {
    /// The spans are there, all but so many that the collector did not want, for a reason.
    Taken { rejected: u64, why: String },
    /// They may be there at another time: not before so long, where the collector says so.
    NotNow { why: String, wait: Option<Duration> },
    /// They never will.
    Never { why: String },
}

/// Speaks to one collector.
pub(super) struct CollectorClient {
    settings: TracesSettings,
    transport: Transport,
    resource: ResourceAttributesWithSchema,
}

enum Transport {
    Grpc(Grpc),
    Http(OtlpHttp),
}

/// Spans as they are sent, again and again if need be.
pub(super) enum SpanBatch {
    Grpc(ExportTraceServiceRequest),
    Http(http::ExportBody),
}

impl CollectorClient {
    /// Connects nowhere yet.
    pub(super) fn new(settings: TracesSettings) -> Self {
        let resource = settings.resource.iter().map(|(name, value)| attribute(name, value));
        let attributes = Attributes(resource.collect());
        let resource = ResourceAttributesWithSchema { attributes, schema_url: None };
        Self { transport: Transport::new(&settings), settings, resource }
    }

    /// Makes spans ready to be sent.
    pub(super) fn batch(&self, spans: Vec<OtelSpan>) -> SpanBatch {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let request = ExportTraceServiceRequest { resource_spans };
        match &self.transport {
            Transport::Grpc(_) => SpanBatch::Grpc(request),
            Transport::Http(http) => SpanBatch::Http(http.body(&request)),
        }
    }

    /// One attempt.
    pub(super) async fn send(&mut self, batch: &SpanBatch) -> ExportOutcome {
        let attempt = async {
            match (&mut self.transport, batch) {
                (Transport::Grpc(grpc), SpanBatch::Grpc(request)) => {
                    grpc.send(request.clone()).await
                }
                (Transport::Http(http), SpanBatch::Http(body)) => http.send(body).await,
                _ => ExportOutcome::Never { why: "a batch of another collector".to_owned() },
            }
        };
        let timeout = self.settings.timeout;
        if let Ok(outcome) = tokio::time::timeout(timeout, attempt).await {
            return outcome;
        }
        // Its connection may lead nowhere any more: a new one, before the kernel gives up the old.
        self.transport = Transport::new(&self.settings);
        ExportOutcome::NotNow { why: format!("no answer within {timeout:?}"), wait: None }
    }
}

impl Transport {
    fn new(settings: &TracesSettings) -> Self {
        match settings.protocol {
            TracesProtocol::Grpc => Self::Grpc(Grpc::new(settings)),
            TracesProtocol::HttpProtobuf => Self::Http(OtlpHttp::new(settings)),
        }
    }
}

impl ExportOutcome {
    fn taken(partial: Option<ExportTracePartialSuccess>) -> Self {
        let partial = partial.unwrap_or_default();
        let rejected = u64::try_from(partial.rejected_spans).unwrap_or_default();
        Self::Taken { rejected, why: cut(&partial.error_message) }
    }

    /// There is no connection, or it broke.
    fn unreachable(error: &(dyn Error + 'static)) -> Self {
        Self::NotNow { why: cut(&chain(error)), wait: None }
    }
}

/// Goes to the collector, over TLS where its endpoint says so.
fn connector(settings: &TracesSettings) -> HttpsConnector<HttpConnector> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(settings.timeout));
    let builder = HttpsConnectorBuilder::new().with_tls_config(settings.tls.clone());
    let builder = builder.https_or_http();
    match settings.protocol {
        TracesProtocol::Grpc => builder.enable_http2().wrap_connector(tcp),
        TracesProtocol::HttpProtobuf => builder.enable_http1().wrap_connector(tcp),
    }
}

fn attribute(name: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: name.to_owned(), value, ..KeyValue::default() }
}

/// As much as fits in a line of the log.
fn cut(text: &str) -> String {
    text.chars().take(MAX_SAID).collect()
}
