//! `wrongdoor run`: this node's traffic in, metrics and events out.

use crate::capture::{LiveArguments, open_live};
use crate::cli::{self, Run, SourceKind};
use crate::export::{
    Environment, Events, EventsOf, JsonLines, Output, Protocol, Traces, TracesSettings, TracesWish,
};
use crate::failure::Failure;
use crate::log;
use crate::pipeline::live::{self, Shared, Sinks};
use crate::service::{self, Service};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the command. What can be refused is asked for before capture starts.
pub(super) fn run(arguments: &Run) -> Result<ExitCode, Failure> {
    log::start(arguments.log_format, arguments.log_level);
    if arguments.source == SourceKind::Packets {
        let what = "packet capture is not part of this build yet; use `--source ebpf`".to_owned();
        return Err(Failure::Unavailable { what });
    }
    let traces = traces_settings(&arguments.otlp)?;
    let listener = service::listen(arguments.listen)?;
    let address = listener.local_addr().unwrap_or(arguments.listen);
    let events = match &arguments.events {
        Some(path) => Some(open_events(path, arguments.events_of)?),
        None => None,
    };
    let traces = match traces {
        Some(settings) => Some(open_traces(settings)?),
        None => None,
    };
    let shared = Shared::new();
    let service = Service::start(listener, Arc::clone(&shared))?;
    tracing::info!(%address, "listening");
    let ended = capture(arguments, &shared, Sinks { events, traces });
    service.stop();
    ended.map(|()| ExitCode::SUCCESS)
}

fn capture(arguments: &Run, shared: &Shared, sinks: Sinks) -> Result<(), Failure> {
    let source = open_live(&LiveArguments {
        include: &arguments.include,
        exclude: &arguments.exclude,
        ring_bytes: arguments.ring_bytes,
        record: arguments.record.as_deref(),
    })?;
    tracing::info!(source = source.name(), "capturing");
    live::run(source, shared, arguments.length, sinks)
}

fn open_events(path: &Path, of: cli::EventsOf) -> Result<Events, Failure> {
    let output = Output::open((path.as_os_str() != "-").then_some(path))?;
    Events::start(JsonLines::new(output), events_of(of))
        .map_err(|source| Failure::Start { what: "the events' writer", source })
}

fn events_of(of: cli::EventsOf) -> EventsOf {
    match of {
        cli::EventsOf::Misdirected => EventsOf::Misdirected,
        cli::EventsOf::Mismatched => EventsOf::Mismatched,
        cli::EventsOf::All => EventsOf::All,
    }
}

/// Where traces go, if anywhere: options go before variables.
fn traces_settings(typed: &cli::Otlp) -> Result<Option<TracesSettings>, Failure> {
    let wish = TracesWish {
        endpoint: typed.otlp_endpoint.as_deref(),
        protocol: typed.otlp_protocol.map(|protocol| match protocol {
            cli::OtlpProtocol::Grpc => Protocol::Grpc,
            cli::OtlpProtocol::HttpProtobuf => Protocol::HttpProtobuf,
        }),
        of: events_of(typed.otlp_of),
    };
    TracesSettings::resolve(&wish, &Environment::new(&|name| std::env::var(name).ok()))
}

fn open_traces(settings: TracesSettings) -> Result<Traces, Failure> {
    tracing::info!(endpoint = %settings.endpoint(), "traces are sent");
    Traces::start(settings).map_err(|source| Failure::Start { what: "the traces' sender", source })
}
