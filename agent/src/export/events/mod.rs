//! Events: the records that are of interest, as JSON lines, written beside the capture.
//!
//! Records go through a bounded queue to a thread that writes them, so that an output that takes its time
//! never holds up capture: what does not fit in is dropped and counted.

mod outage;
mod selection;
mod writer;

use super::{OutputError, Record, Sink, SinkStats, Summary};
use crate::config::EventsOf;
use crate::privileges;
use selection::Selection;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel,
};
use std::time::Duration;
use std::{io, thread};

/// Records that may wait to be written.
const MAX_QUEUED: usize = 4096;

/// The events of a run.
pub(crate) struct EventsSink {
    selection: Selection,
    queue: SyncSender<Record>,
    last: Sender<Summary>,
    /// How writing ended.
    outcome: Receiver<Result<(), OutputError>>,
    output: Arc<OutputState>,
    written: SinkStats,
}

/// What the writer reports.
#[derive(Default)]
struct OutputState {
    /// Records that did not reach the output.
    lost: AtomicU64,
}

impl EventsSink {
    /// Starts the thread that writes.
    pub(crate) fn start(sink: Box<dyn Sink + Send>, of: EventsOf) -> io::Result<Self> {
        Self::with_room_for(MAX_QUEUED, sink, of)
    }

    fn with_room_for(records: usize, sink: Box<dyn Sink + Send>, of: EventsOf) -> io::Result<Self> {
        let (queue, queued) = sync_channel(records);
        let (last, summary) = channel();
        let (ended, outcome) = channel();
        let output = Arc::<OutputState>::default();
        let state = Arc::clone(&output);
        thread::Builder::new().name("events".to_owned()).spawn(move || {
            privileges::keep(privileges::NOTHING, "events");
            // Where nobody waits for it any more, the run is over.
            drop(ended.send(writer::write(sink, &queued, &summary, &state)));
        })?;
        let selection = Selection::new(of);
        Ok(Self { selection, queue, last, outcome, output, written: SinkStats::default() })
    }

    /// A record, which is written if it is of interest. Never waits.
    pub(crate) fn offer(&mut self, record: Record) {
        let wanted = self.selection.wants(&record);
        self.written.over_limit = self.selection.over_limit();
        if !wanted {
            return;
        }
        self.written.wanted += 1;
        match self.queue.try_send(record) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => self.written.queue_full += 1,
            Err(TrySendError::Disconnected(_)) => self.written.failed += 1,
        }
    }

    /// What the events are of from now on.
    pub(crate) fn select(&mut self, of: EventsOf) {
        self.selection.select(of);
    }

    /// What became of the records so far.
    pub(crate) fn written(&self) -> SinkStats {
        let over_limit = self.written.over_limit;
        SinkStats {
            wanted: self.written.wanted + over_limit,
            failed: self.written.failed + self.output.lost.load(Ordering::Relaxed),
            ..self.written
        }
    }

    /// Writes what is left and the sums, and ends. Gives up on an output that takes nothing
    /// after `patience`.
    pub(crate) fn finish(self, summary: Summary, timeout: Duration) -> Result<(), OutputError> {
        let Self { queue, last, outcome, .. } = self;
        // A writer that does not listen any more tells why below.
        drop(last.send(summary));
        drop(queue);
        match outcome.recv_timeout(timeout) {
            Ok(written) => written,
            Err(RecvTimeoutError::Timeout) => Err(OutputError::Stalled),
            Err(RecvTimeoutError::Disconnected) => Err(OutputError::WriterDied),
        }
    }
}

#[cfg(test)]
mod tests;
