//! `wrongdoor run`: this node's traffic in, metrics and events out.

use crate::capture::{LiveArguments, Wish, open_live};
use crate::cli::{self, Run, SourceKind};
use crate::export::{Events, EventsOf, JsonLines, Output};
use crate::failure::Failure;
use crate::log;
use crate::pipeline::live::{self, Shared};
use crate::service::{self, Service};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the command. What can be refused is asked for before capture starts.
pub(super) fn run(arguments: &Run) -> Result<ExitCode, Failure> {
    log::start(arguments.log_format, arguments.log_level);
    let listener = service::listen(arguments.listen)?;
    let address = listener.local_addr().unwrap_or(arguments.listen);
    let events = match &arguments.events {
        Some(path) => Some(open_events(path, arguments.events_of)?),
        None => None,
    };
    let shared = Shared::new();
    let service = Service::start(listener, Arc::clone(&shared))?;
    tracing::info!(%address, "listening");
    let ended = capture(arguments, &shared, events);
    service.stop();
    ended.map(|()| ExitCode::SUCCESS)
}

fn capture(arguments: &Run, shared: &Shared, events: Option<Events>) -> Result<(), Failure> {
    let source = open_live(&LiveArguments {
        source: match arguments.source {
            SourceKind::Auto => Wish::Auto,
            SourceKind::Ebpf => Wish::Ebpf,
            SourceKind::Packets => Wish::Packets,
        },
        include: &arguments.include,
        exclude: &arguments.exclude,
        ring_bytes: arguments.ring_bytes,
        record: arguments.record.as_deref(),
        interfaces: &arguments.interface,
        netns: arguments.netns.as_deref(),
        cleartext_ports: &arguments.cleartext_port,
        keylogs: &arguments.keylog,
        packet_ring_bytes: arguments.packet_ring_bytes,
    })?;
    tracing::info!(source = source.name(), "capturing");
    live::run(source, shared, arguments.length, events)
}

fn open_events(path: &Path, of: cli::EventsOf) -> Result<Events, Failure> {
    let output = Output::open((path.as_os_str() != "-").then_some(path))?;
    let of = match of {
        cli::EventsOf::Misdirected => EventsOf::Misdirected,
        cli::EventsOf::Mismatched => EventsOf::Mismatched,
        cli::EventsOf::All => EventsOf::All,
    };
    Events::start(JsonLines::new(output), of)
        .map_err(|source| Failure::Start { what: "the events' writer", source })
}
