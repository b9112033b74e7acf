//! Where traces go, as typed.

use crate::config::{EventsOf, OtlpProtocol};
use clap::Args;

/// The options of traces.
#[derive(Args, Clone, Debug)]
pub struct OtlpArguments {
    /// Send traces to this OpenTelemetry collector: a URL without the path of a signal [default:
    /// OTEL_EXPORTER_OTLP_ENDPOINT]; the other OTEL_EXPORTER_OTLP_* variables apply too
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// The OTLP protocol [default: OTEL_EXPORTER_OTLP_PROTOCOL, or http/protobuf]
    #[arg(long, value_enum, value_name = "PROTOCOL")]
    pub otlp_protocol: Option<OtlpProtocol>,
    /// Send a trace for connections with such an exchange [default: mismatched]
    #[arg(long, value_enum, value_name = "WHAT", env = "WRONGDOOR_OTLP_OF")]
    pub otlp_of: Option<EventsOf>,
}
