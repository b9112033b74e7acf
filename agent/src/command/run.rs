//! `wrongdoor run`: this node's traffic in, metrics and events out.

use crate::capture::{LiveArguments, open_live};
use crate::cli::Run;
use crate::config::{self, Config};
use crate::error::Error;
use crate::export::{EventsSink, JsonLines, Limits, Output, Traces, TracesSettings};
use crate::pipeline::live::{self, Sinks, Times};
use crate::service::{self, Access, HttpService, Reload};
use crate::state::AgentState;
use crate::{enrich, log};
use std::process::ExitCode;
use std::sync::Arc;
use wrongdoor_core::explain::recovery::Windows;

/// Runs the command. What can be refused is asked for before capture starts.
pub(super) fn run(typed: &Run) -> Result<ExitCode, Error> {
    let config = service::load(typed)?;
    if typed.print_config {
        let mut output = Output::open(None)?;
        output.write(service::to_yaml(&config)?.as_bytes())?;
        output.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    log::start(&config.log);
    let access = Arc::new(Access::read(&service::files(&config))?);
    let traces = service::traces(&config)?;
    let listener = service::listen(config.listen)?;
    let address = listener.local_addr().unwrap_or(config.listen);
    let events = open_events(&config.events)?;
    let traces = traces.map(open_traces).transpose()?;
    let directory = enrich::open(&config.kubernetes)?;
    let shared = AgentState::new(directory);
    shared.override_with(service::overrides(&config)?);
    let reload =
        Reload::new(typed.clone(), config.clone(), Arc::clone(&access), Arc::clone(&shared));
    let service = HttpService::start(listener, Arc::clone(&shared), access, reload)?;
    tracing::info!(%address, "listening");
    let ended = capture(typed, &config, &shared, Sinks { events, traces });
    service.stop();
    ended.map(|()| ExitCode::SUCCESS)
}

fn capture(typed: &Run, config: &Config, shared: &AgentState, sinks: Sinks) -> Result<(), Error> {
    let source = open_live(&LiveArguments {
        source: config.source,
        include: &config.scope.include,
        exclude: &config.scope.exclude,
        ring_bytes: typed.ring_bytes,
        detach_delay: typed.detach_delay.map(|length| length.0),
        only_perf_events: typed.only_perf_events,
        record: typed.record.as_deref(),
        interfaces: &config.packets.interfaces,
        netns: config.packets.netns.as_deref(),
        cleartext_ports: &config.packets.cleartext_ports,
        keylogs: &config.packets.keylogs,
        packet_ring_bytes: typed.packet_ring_bytes,
    })?;
    tracing::info!(source = source.name(), "capturing");
    let times = Times {
        length: config.length.map(|length| length.0),
        drain: config.drain.0,
        windows: Windows { browser: config.recovery.browsers.0, other: config.recovery.others.0 },
    };
    Ok(live::run(source, shared, times, sinks)?)
}

fn open_events(config: &config::Events) -> Result<Option<EventsSink>, Error> {
    let Some(path) = &config.path else { return Ok(None) };
    let output = if path.as_os_str() == "-" {
        Output::open(None)?
    } else {
        let (max_bytes, keep) = (config.max_bytes, config.keep);
        Output::rotated(path, Limits { max_bytes, keep, mode: config.mode.0 })?
    };
    let events = EventsSink::start(Box::new(JsonLines::new(output)), config.of);
    events.map(Some).map_err(|source| Error::Start { what: "the events' writer", source })
}

fn open_traces(settings: TracesSettings) -> Result<Traces, Error> {
    tracing::info!(endpoint = %settings.endpoint(), "traces are sent");
    Traces::start(settings).map_err(|source| Error::Start { what: "the traces' sender", source })
}
