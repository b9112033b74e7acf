//! Traces: connections of interest and their exchanges, as OpenTelemetry's spans, sent to a collector beside
//! the capture.
//!
//! Spans go through a bounded queue to a thread that sends them, so that a collector that is slow or away never
//! holds up capture: what does not fit in is dropped and counted.
//!
//! Of OpenTelemetry's crates these are used: the spans (`opentelemetry_sdk`), what they are on the wire
//! (`opentelemetry_proto`), and its gRPC client. Not its exporter: that reads variables of the environment
//! itself, tells failures apart only in words, and drops what a collector rejects without a count.

mod attributes;
mod backoff;
mod before;
mod client;
mod environment;
mod error;
mod ids;
mod resource;
mod selection;
mod sender;
mod settings;
mod spans;
mod tls;

pub(crate) use environment::Environment;
pub(crate) use error::TracesError;
pub(crate) use settings::{TracesProtocol, TracesSettings, TracesWish};

use super::{Record, SinkStats};
use crate::privileges;
use client::CollectorClient;
use ids::MachineId;
use selection::SpanSelection;
use sender::{DeliveryCounts, SendPace, SpanSender};
use spans::{OtelSpan, Spans};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use std::{io, thread};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;

/// Spans that may wait to be sent.
const MAX_QUEUED: usize = 4096;
/// So much longer the thread may take to notice that it is over.
const GRACE_PERIOD: Duration = Duration::from_secs(1);

/// The traces of a run.
pub(crate) struct Traces {
    selection: SpanSelection,
    queue: Queue,
    /// Told how long the last of the sending may take.
    last: oneshot::Sender<Duration>,
    /// Its other end is dropped when the thread ends.
    ended: Receiver<()>,
    delivered: Arc<DeliveryCounts>,
}

/// The way to the thread.
struct Queue {
    spans: Spans,
    queue: mpsc::Sender<OtelSpan>,
    wanted: u64,
    full: u64,
    failed: u64,
}

impl Traces {
    /// Starts the thread that sends.
    pub(crate) fn start(settings: TracesSettings) -> io::Result<Self> {
        Self::with_pace(settings, MAX_QUEUED, SendPace::default())
    }

    fn with_pace(settings: TracesSettings, room: usize, pace: SendPace) -> io::Result<Self> {
        // Names are looked up by a thread of the runtime's: one, for there is one collector.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .thread_name("traces")
            .build()?;
        let (queue, queued) = mpsc::channel(room);
        let (last, over) = oneshot::channel();
        let (alive, ended) = channel();
        let delivered = Arc::<DeliveryCounts>::default();
        let (selection, counts) = (SpanSelection::new(settings.of), Arc::clone(&delivered));
        thread::Builder::new().name("traces".to_owned()).spawn(move || {
            privileges::keep(privileges::NOTHING, "traces");
            runtime.block_on(async {
                let sender = SpanSender::new(CollectorClient::new(settings), pace, &counts);
                tokio::select! {
                    () = sender.send_all(queued) => {}
                    () = deadline(over) => {}
                }
            });
            // A look-up that hangs is nobody's concern any more.
            runtime.shutdown_background();
            drop(alive);
        })?;
        let spans = Spans::new(MachineId::here());
        let queue = Queue { spans, queue, wanted: 0, full: 0, failed: 0 };
        Ok(Self { selection, queue, last, ended, delivered })
    }

    /// A record, which becomes a span if it is of interest. Never waits.
    pub(crate) fn offer(&mut self, record: &Record) {
        let Self { selection, queue, .. } = self;
        match record {
            Record::Exchange { number, exchange, classification, place } => {
                let ruled = (exchange, classification, place);
                selection.exchange(number.0, ruled, &mut |trace, ruled| {
                    queue.offer(|spans| spans.exchange(trace, ruled));
                });
            }
            Record::Connection { number, connection, place } => {
                if let Some(trace) = selection.connection(number.0, connection) {
                    queue
                        .offer(|spans| spans.connection(trace.id, connection, place, trace.latest));
                }
            }
            Record::Recovery { .. } => {}
        }
    }

    /// What became of the spans so far.
    pub(crate) fn written(&self) -> SinkStats {
        let over_limit = self.selection.over_limit();
        SinkStats {
            wanted: self.queue.wanted + over_limit,
            queue_full: self.queue.full,
            failed: self.queue.failed + self.delivered.failed.load(Ordering::Relaxed),
            over_limit,
        }
    }

    /// Sends what is left, and ends. Gives up on a collector that does not take it within `timeout`.
    pub(crate) fn finish(self, timeout: Duration) -> SinkStats {
        let so_far = self.written();
        let Self { queue, last, ended, delivered, .. } = self;
        drop(queue.queue);
        // Where nobody listens any more, it has ended.
        let _is_over = last.send(timeout);
        if ended.recv_timeout(timeout + GRACE_PERIOD) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the thread that sends traces does not stop");
        }
        let sent = delivered.sent.load(Ordering::Relaxed);
        let failed = queue.wanted.saturating_sub(queue.full + sent);
        let lost = failed + so_far.queue_full + so_far.over_limit;
        tracing::info!(spans = so_far.wanted, sent, lost, "sending of traces has ended");
        SinkStats { failed, ..so_far }
    }
}

impl Queue {
    fn offer(&mut self, span: impl FnOnce(&Spans) -> OtelSpan) {
        self.wanted += 1;
        // A span is not made where there is no room for it.
        match self.queue.try_reserve() {
            Ok(room) => room.send(span(&self.spans)),
            Err(TrySendError::Full(())) => self.full += 1,
            Err(TrySendError::Closed(())) => self.failed += 1,
        }
    }
}

/// Some time after the run is over.
async fn deadline(over: oneshot::Receiver<Duration>) {
    tokio::time::sleep(over.await.unwrap_or_default()).await;
}

#[cfg(test)]
mod tests;
