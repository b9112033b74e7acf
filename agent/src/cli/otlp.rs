//! Where traces go, as typed.

use super::EventsOf;
use clap::{Args, ValueEnum};

/// The options of traces.
#[derive(Args, Debug)]
pub struct Otlp {
    /// Send traces to this OpenTelemetry collector: a URL without the path of a signal; by default what
    /// OTEL_EXPORTER_OTLP_ENDPOINT says, whose relatives (…_HEADERS, …_CERTIFICATE …) count in any case
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// How traces are sent [default: OTEL_EXPORTER_OTLP_PROTOCOL, or http/protobuf]
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    pub otlp_protocol: Option<OtlpProtocol>,
    /// Which connections become traces: those with such an exchange
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = EventsOf::Mismatched)]
    pub otlp_of: EventsOf,
}

/// How traces are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OtlpProtocol {
    /// gRPC; collectors mostly listen on port 4317
    #[value(name = "grpc")]
    Grpc,
    /// Protobuf over HTTP; mostly on port 4318
    #[value(name = "http/protobuf")]
    HttpProtobuf,
}
