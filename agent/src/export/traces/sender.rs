//! The thread that sends spans.

use super::backoff::{Backoff, Patience};
use super::client::{CollectorClient, ExportOutcome};
use super::spans::{OtelSpan, size};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep, timeout_at};

/// The most spans that are sent at once.
const MAX_BATCH: usize = 512;
/// And the most bytes, nearly: collectors commonly take no more than 4 MiB, and names on the network may be
/// long on purpose.
const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// When spans are sent, and for how long it is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendPace {
    /// So long a batch waits to be filled.
    pub(super) gather: Duration,
    pub(super) timeout: Patience,
}

impl Default for SendPace {
    fn default() -> Self {
        Self {
            gather: Duration::from_secs(1),
            timeout: Patience {
                first_pause: Duration::from_millis(500),
                longest_pause: Duration::from_secs(5),
                give_up_after: Duration::from_secs(30),
            },
        }
    }
}

/// What became of spans.
#[derive(Debug, Default)]
pub(super) struct DeliveryCounts {
    pub(super) sent: AtomicU64,
    pub(super) failed: AtomicU64,
}

/// Sends what comes through a queue.
pub(super) struct SpanSender<'a> {
    client: CollectorClient,
    pace: SendPace,
    delivered: &'a DeliveryCounts,
    /// Why the latest attempt did not do, as long as it goes on: told once.
    trouble: Trouble,
}

/// Whether the collector takes spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    None,
    /// It takes some.
    Rejects,
    /// It will take them later, perhaps.
    NotNow,
    /// It does not take what it is sent.
    Refuses,
}

impl<'a> SpanSender<'a> {
    pub(super) fn new(
        client: CollectorClient,
        pace: SendPace,
        delivered: &'a DeliveryCounts,
    ) -> Self {
        Self { client, pace, delivered, trouble: Trouble::None }
    }

    /// Until no more comes.
    pub(super) async fn send_all(mut self, mut queue: Receiver<OtelSpan>) {
        while let Some(first) = queue.recv().await {
            let mut bytes = size(&first);
            let mut spans = vec![first];
            let until = Instant::now() + self.pace.gather;
            while spans.len() < MAX_BATCH && bytes < MAX_BATCH_BYTES {
                match timeout_at(until, queue.recv()).await {
                    Ok(Some(span)) => {
                        bytes += size(&span);
                        spans.push(span);
                    }
                    Ok(None) | Err(_) => break,
                }
            }
            self.deliver(spans).await;
        }
    }

    /// Sends a batch, or gives it up.
    async fn deliver(&mut self, spans: Vec<OtelSpan>) {
        let count = spans.len() as u64;
        let batch = self.client.batch(spans);
        let mut backoff = Backoff::new(self.pace.timeout);
        let (sent, failed) = loop {
            let began = Instant::now();
            match self.client.send(&batch).await {
                ExportOutcome::Taken { rejected, why } => {
                    let rejected = rejected.min(count);
                    let trouble = if rejected > 0 { Trouble::Rejects } else { Trouble::None };
                    self.told(trouble, &why);
                    break (count - rejected, rejected);
                }
                ExportOutcome::Never { why } => {
                    self.told(Trouble::Refuses, &why);
                    break (0, count);
                }
                ExportOutcome::NotNow { why, wait } => {
                    self.told(Trouble::NotNow, &why);
                    match backoff.pause(wait, began.elapsed()) {
                        Some(pause) => sleep(pause).await,
                        None => break (0, count),
                    }
                }
            }
        };
        self.delivered.sent.fetch_add(sent, Ordering::Relaxed);
        self.delivered.failed.fetch_add(failed, Ordering::Relaxed);
    }

    /// Says how it goes, where it goes otherwise than before.
    fn told(&mut self, trouble: Trouble, why: &str) {
        if std::mem::replace(&mut self.trouble, trouble) == trouble {
            return;
        }
        match trouble {
            Trouble::None => tracing::info!("the OTLP collector accepts spans again"),
            Trouble::Rejects => tracing::warn!(why, "the OTLP collector rejects some spans"),
            Trouble::NotNow => tracing::warn!(why, "the OTLP collector accepts no spans now"),
            Trouble::Refuses => tracing::warn!(why, "the OTLP collector refuses spans"),
        }
    }
}
