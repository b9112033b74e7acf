//! The wiring of `run`, on one screen.
//!
//! ```text
//! source ──Input──▶ engine ──Observation──▶ correlator ──▶ enrich ──Record──┬──▶ metrics ◀── scrapes
//!                                                                       ├──queue──▶ events
//!                                                                       └──queue──▶ traces
//! ```
//!
//! One thread owns all but the ends: scrapes copy the metrics under a short lock, and events are written
//! and traces sent by threads of their own, behind bounded queues. Findings wait half a second for evidence from
//! other connections (`HOLD`); everything else is classified at once.

use crate::capture::CaptureError;
use crate::capture::source::LiveSource;
use crate::enrich::{Directory, View};
use crate::export::{CorrelateStats, EventsSink, OutputError, Record, Summary, Traces, TurnState};
use crate::ledger::SourceStats;
use crate::log;
use crate::state::{AgentState, RuntimeOverrides};
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use wrongdoor_core::engine::{Engine, EngineConfig};
use wrongdoor_core::explain::correlator::{self, Correlator};
use wrongdoor_core::explain::recovery::Windows;

/// So long a turn waits for news.
const TIMEOUT: Duration = Duration::from_millis(100);
/// More turns than this are not made for what is still in the buffers when the run ends.
const MAX_LAST_TURNS: usize = 64;

/// A source that is not ready after this time does not keep a run of limited length from its end.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How often it is asked what the log has left out.
const LOG_CHECKED_EVERY: Duration = Duration::from_secs(60);

/// Where records go beside the metrics.
#[derive(Default)]
pub(crate) struct Sinks {
    pub(crate) events: Option<EventsSink>,
    pub(crate) traces: Option<Traces>,
}

/// Why a run failed: its source, else its output.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LiveError {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// How long what takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The run; until somebody wants it to end where it is not said.
    pub(crate) length: Option<Duration>,
    /// Writing what is left when it ends, at most.
    pub(crate) drain: Duration,
    /// What clients have to come again after a 421.
    pub(crate) windows: Windows,
}

/// Captures until somebody wants it to end, or for so long; then writes what is left, within `drain`.
///
/// A source that fails ends the run too, and what it has told until then is written.
pub(crate) fn run(
    mut source: Box<dyn LiveSource>,
    shared: &AgentState,
    Times { length, drain, windows }: Times,
    sinks: Sinks,
) -> Result<(), LiveError> {
    shared.health.captures(source.name());
    let mut live = Live::new(shared, windows, sinks);
    // The length counts from readiness: before, what happens is not seen.
    let mut begin = shared.health.uptime() + READY_WITHIN;
    let mut is_ready = false;
    let mut captured = Ok(());
    while captured.is_ok() {
        if !is_ready && source.waits_for().is_none() {
            is_ready = true;
            begin = begin.min(shared.health.uptime());
        }
        let left = length.map(|length| (begin + length).saturating_sub(shared.health.uptime()));
        if shared.stop.load(Ordering::Relaxed) || left == Some(Duration::ZERO) {
            break;
        }
        let timeout = left.map_or(TIMEOUT, |left| left.min(TIMEOUT));
        captured = live.turn(&mut *source, timeout);
    }
    if captured.is_ok() {
        captured = live.drain(&mut *source);
    }
    shared.health.over();
    let tally = source.tally();
    tracing::info!(details = counts(tally.details.iter().copied()), "capture has ended");
    if live.has_attached == Some(false) {
        tracing::warn!(
            "no uprobe was attached to any TLS library: the counts say nothing about requests inside TLS; run longer, or see `wrongdoor doctor`"
        );
    }
    let written = live.finish(tally, drain);
    // Last: without `uprobe_multi` links it may take longer than a supervisor waits before it sends SIGKILL.
    drop(source);
    captured?;
    Ok(written?)
}

/// Counts as a log field: `processes=20 sockets=3`. Those that are 0 are left out.
fn counts(all: impl Iterator<Item = (impl Display, u64)>) -> String {
    let shown = all.filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name}={count}"));
    shown.collect::<Vec<_>>().join(" ")
}

/// What the capture thread owns.
struct Live<'a> {
    shared: &'a AgentState,
    engine: Engine,
    correlator: Correlator,
    sinks: Sinks,
    observations: u64,
    log_checked: Duration,
    /// Nothing more is captured: nothing waits any more.
    is_over: bool,
    /// Whether a TLS library was ever attached to; unknown to sources that attach to none.
    has_attached: Option<bool>,
}

impl<'a> Live<'a> {
    fn new(shared: &'a AgentState, windows: Windows, sinks: Sinks) -> Self {
        let config = EngineConfig {
            source: wrongdoor_core::observation::Source::Packets,
            ..EngineConfig::default()
        };
        Self {
            shared,
            engine: Engine::new(config, Arc::default()),
            correlator: Correlator::live(windows),
            sinks,
            observations: 0,
            log_checked: Duration::ZERO,
            is_over: false,
            has_attached: None,
        }
    }

    /// Takes what has come.
    fn turn(&mut self, source: &mut dyn LiveSource, timeout: Duration) -> Result<(), CaptureError> {
        self.heed();
        let polled = source.poll(&mut self.engine, timeout);
        let tally = source.tally();
        self.has_attached = self.has_attached.max(tally.has_attached_to_tls());
        self.hear(tally);
        self.shared.health.turned(source.waits_for());
        polled
    }

    /// Takes over what was changed, and tells what the log left out.
    fn heed(&mut self) {
        if let Some(RuntimeOverrides { label_limiter, events_of }) = self.shared.take_overrides() {
            self.shared.metrics().rename(label_limiter);
            if let Some(events) = &mut self.sinks.events {
                events.select(events_of);
            }
        }
        let now = self.shared.health.uptime();
        if now >= self.log_checked + LOG_CHECKED_EVERY {
            self.log_checked = now;
            let lines = log::left_out();
            if lines > 0 {
                tracing::warn!(lines, "similar messages were left out of this log");
            }
        }
    }

    /// Takes what is still in the source's buffers.
    fn drain(&mut self, source: &mut dyn LiveSource) -> Result<(), CaptureError> {
        for _ in 0..MAX_LAST_TURNS {
            let before = source.tally().capture_events;
            self.turn(source, Duration::ZERO)?;
            if source.tally().capture_events == before {
                break;
            }
        }
        Ok(())
    }

    /// Everything that is open ends here, and the last lines are written.
    fn finish(mut self, tally: SourceStats, drain: Duration) -> Result<(), OutputError> {
        self.engine.finish();
        self.is_over = true;
        self.hear(tally);
        let Self { shared, engine, correlator, sinks, .. } = self;
        let undecided = correlator.open_windows();
        if undecided > 0 {
            tracing::info!(undecided, "the agent cannot tell whether these clients retried");
        }
        let summary: Summary = correlator.summary(engine.counters());
        let lost = counts(shared.metrics().counted().events_lost.into_iter());
        tracing::info!(
            lost = if lost.is_empty() { "nothing" } else { &lost },
            connections = summary.connections,
            exchanges = summary.exchanges,
            misdirected = summary.misdirected,
            mismatched = summary.mismatched,
            "ended"
        );
        if let Some(traces) = sinks.traces {
            traces.finish(drain);
        }
        sinks.events.map_or(Ok(()), |events| events.finish(summary, drain))
    }

    /// Rules on what the engine has told, and hands it on.
    fn hear(&mut self, tally: SourceStats) {
        let observations = self.engine.drain();
        let now = self.shared.health.uptime();
        let mut metrics = self.shared.metrics();
        let mut recent = self.shared.recent();
        let view = self.shared.directory.as_deref().map(Directory::view);
        let mut told = |record: correlator::CorrelatedRecord| {
            let record = Record::new(record, view.as_ref());
            metrics.record(&record, now);
            recent.record(&record);
            if let Some(traces) = &mut self.sinks.traces {
                traces.offer(&record);
            }
            if let Some(events) = &mut self.sinks.events {
                events.offer(record);
            }
            true
        };
        for observation in observations {
            self.observations += 1;
            self.correlator.push(observation, now, &mut told);
        }
        self.correlator.tick(now, &mut told);
        if self.is_over {
            self.correlator.close(now, &mut told);
        }
        let Sinks { events, traces } = &self.sinks;
        let correlated = CorrelateStats {
            observations: self.observations,
            forgotten: self.correlator.forgotten(),
            pairs_forgotten: self.correlator.pairs_forgotten(),
            shed: self.correlator.shed(),
        };
        let written = events.as_ref().map(EventsSink::written).unwrap_or_default()
            + traces.as_ref().map(Traces::written).unwrap_or_default();
        let state = TurnState {
            tally,
            counters: self.engine.counters(),
            tracked: self.engine.connections(),
            cluster: view.as_ref().map(View::standing),
            correlated,
            written,
        };
        metrics.turn(state, now);
    }
}

#[cfg(test)]
mod tests;
