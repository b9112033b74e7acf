//! The thread that writes events.

use super::OutputState;
use crate::export::{JsonLines, Record, Sink, Summary};
use crate::failure::Failure;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// A line is at most this old when it reaches the output.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Writes what comes through the queue, and the sums when no more comes. Once the output has failed, what
/// still comes is counted.
pub(super) fn write(
    lines: JsonLines,
    queue: &Receiver<Record>,
    summary: &Receiver<Summary>,
    output: &OutputState,
) -> Result<(), Failure> {
    let mut writer = Writer { lines, unflushed: 0 };
    let written = writer.write(queue, summary);
    if written.is_err() {
        output.lost.fetch_add(writer.unflushed, Ordering::Relaxed);
        output.has_failed.store(true, Ordering::Relaxed);
        for _ in queue {
            output.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
    written
}

struct Writer {
    lines: JsonLines,
    /// Lines that may not have reached the output.
    unflushed: u64,
}

impl Writer {
    fn write(
        &mut self,
        queue: &Receiver<Record>,
        summary: &Receiver<Summary>,
    ) -> Result<(), Failure> {
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
        match summary.try_recv() {
            Ok(summary) => self.lines.finish(&summary),
            // The run has failed, and says so itself.
            Err(_) => Ok(()),
        }
    }

    fn record(&mut self, record: &Record) -> Result<(), Failure> {
        self.unflushed += 1;
        self.lines.record(record)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.lines.flush()?;
        self.unflushed = 0;
        Ok(())
    }
}
