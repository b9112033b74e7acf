//! The thread that writes events.

use super::OutputState;
use super::outage::Outage;
use crate::export::{OutputError, Record, Sink, Summary};
use crate::text::chain;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// A line is at most this old when it reaches the output.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Writes what comes through the queue, and the sums when no more comes. Lines that the output does not take are
/// counted, and later ones are written when it takes them again; once its reader has closed it, all others are counted.
pub(super) fn write(
    sink: Box<dyn Sink + Send>,
    queue: &Receiver<Record>,
    summary: &Receiver<Summary>,
    output: &OutputState,
) -> Result<(), OutputError> {
    let mut writer = Writer { sink, output, outage: Outage::default() };
    let written = writer.write_all(queue);
    if let Err(failure) = &written {
        let why = chain(failure);
        tracing::warn!("the event output has ended; the agent continues without it: {why}");
        for _ in queue {
            output.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
    written?;
    match summary.try_recv() {
        Ok(summary) => writer.sink.finish(&summary),
        // The run has failed, and says so itself.
        Err(_) => Ok(()),
    }
}

struct Writer<'a> {
    sink: Box<dyn Sink + Send>,
    output: &'a OutputState,
    outage: Outage,
}

impl Writer<'_> {
    /// Until no more comes. An error where the reader has closed the output.
    fn write_all(&mut self, queue: &Receiver<Record>) -> Result<(), OutputError> {
        // Waits for a record while everything is flushed, and then takes what there is.
        while let Ok(record) = queue.recv() {
            self.record(&record)?;
            let mut flushed = Instant::now();
            while let Ok(record) = queue.try_recv() {
                self.record(&record)?;
                if flushed.elapsed() >= FLUSH_EVERY {
                    self.flush()?;
                    flushed = Instant::now();
                }
            }
            self.flush()?;
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), OutputError> {
        let written = self.sink.record(record);
        self.heed(written)
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        let flushed = self.sink.flush();
        if flushed.is_ok()
            && let Some(lost) = self.outage.end(self.sink.lost())
        {
            tracing::info!(lost, "events are written again");
        }
        self.heed(flushed)
    }

    /// Counts what was lost. Of the failures only that of a closed pipe stays one: a disk may have room again.
    fn heed(&mut self, written: Result<(), OutputError>) -> Result<(), OutputError> {
        let lost = self.sink.lost();
        self.output.lost.store(lost, Ordering::Relaxed);
        match written {
            Err(failure) if !failure.is_closed_pipe() => {
                if let Some(lost) = self.outage.goes_on(lost, Instant::now()) {
                    let why = chain(&failure);
                    tracing::error!(lost, "events are lost; the agent tries again: {why}");
                }
                Ok(())
            }
            written => written,
        }
    }
}
