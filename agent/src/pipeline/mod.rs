//! The wiring of `analyze`, on one screen.
//!
//! ```text
//! reader ──Job──▶ worker 1 … n (an engine each) ──Batch──▶ merge by packet number ──▶ rule ──Record──▶ sink
//! ```
//!
//! Every worker goes over every packet and follows the flows of its own shard. The batches of one window
//! are merged by packet number, so that the output is the same whatever the number of workers. All
//! channels are bounded, so that memory is too.

pub(crate) mod live;

use crate::export::{Record, Summary};
use crate::progress::Progress;
use crate::text;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use wrongdoor_core::counters::Counters;
use wrongdoor_core::engine::{Engine, EngineConfig, Observation, Shard};
use wrongdoor_core::explain::correlator::Correlator;
use wrongdoor_core::wire::tls::keylog::KeyLog;
use wrongdoor_pcap::{CaptureFile, PacketWindow, ReadError};

/// Windows that may be read ahead of the slowest worker.
const JOBS_AHEAD: usize = 4;
/// Batches that a worker may be ahead of the merge.
const BATCHES_AHEAD: usize = 4;
/// More workers than this only go over the same packet headers again.
const MAX_WORKERS: usize = 8;

/// One window for all workers.
#[derive(Clone)]
struct Job {
    window: Arc<PacketWindow>,
    /// The number of its first packet in this run, from 1 on.
    first: u64,
    /// Secrets may be found in later windows.
    keys_may_come: bool,
}

/// What one worker found in one window.
struct Batch {
    observations: Vec<Observation>,
    /// With the last one: what was counted.
    counters: Option<Counters>,
}

/// Reads the captures as one and hands every record to `each`, until it says false.
///
/// The summary covers what was read, also where a capture could not be.
pub(crate) fn run(
    mut captures: Vec<CaptureFile>,
    mut keys: KeyLog,
    progress: &Progress,
    each: impl FnMut(&Record) -> bool,
) -> (Summary, Result<(), ReadError>) {
    if let Err(error) = secrets_ahead(&mut captures, &mut keys) {
        return (Summary::default(), Err(error));
    }
    let keys = Arc::new(keys);
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    let count = u32::try_from(workers).unwrap_or(1);
    thread::scope(|scope| {
        let (mut jobs, mut batches) = (Vec::new(), Vec::new());
        for index in 0..count {
            let (job_sender, job_receiver) = sync_channel(JOBS_AHEAD);
            let (batch_sender, batch_receiver) = sync_channel(BATCHES_AHEAD);
            let config = EngineConfig::for_shard(Shard { index, count });
            let engine = Engine::new(config, Arc::clone(&keys));
            scope.spawn(move || work(engine, &job_receiver, &batch_sender));
            jobs.push(job_sender);
            batches.push(batch_receiver);
        }
        let reader = scope.spawn(move || read(captures, jobs, progress));
        let summary = merge(batches, each);
        let read = match reader.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        (summary, read)
    })
}

/// Secrets that stand in the captures themselves, behind the packets that they open.
fn secrets_ahead(captures: &mut [CaptureFile], keys: &mut KeyLog) -> Result<(), ReadError> {
    for capture in captures {
        for text in capture.secrets_ahead()? {
            keys.add(&text);
        }
    }
    Ok(())
}

/// Windows of all captures, in order, to every worker. Ends early where no worker listens any more.
fn read(
    captures: Vec<CaptureFile>,
    jobs: Vec<SyncSender<Job>>,
    progress: &Progress,
) -> Result<(), ReadError> {
    let (mut first, mut before) = (1, 0);
    let mut unread = Ok(());
    for mut capture in captures {
        loop {
            let window = match capture.next_window() {
                Ok(Some(window)) => window,
                Ok(None) => break,
                // The other captures are still worth reading.
                Err(error) => {
                    unread = unread.and(Err(error));
                    break;
                }
            };
            let packets = window.len() as u64;
            let job =
                Job { window: Arc::new(window), first, keys_may_come: capture.may_bring_secrets() };
            first += packets;
            if jobs.iter().any(|worker| worker.send(job.clone()).is_err()) {
                return unread;
            }
            progress.at(before + capture.position());
        }
        before += capture.position();
        for warning in capture.warnings() {
            text::warn(&format!("wrongdoor: warning: `{}`: {warning}", capture.name()));
        }
    }
    unread
}

fn work(mut engine: Engine, jobs: &Receiver<Job>, batches: &SyncSender<Batch>) {
    for Job { window, first, keys_may_come } in jobs {
        window.secrets().for_each(|text| engine.add_secrets(text));
        engine.expect_secrets(keys_may_come);
        for (number, packet) in (first..).zip(window.packets()) {
            let wire_len = usize::try_from(packet.original_len).unwrap_or(usize::MAX);
            engine.handle_packet(number, packet.at, packet.link, packet.bytes, wire_len);
        }
        drop(window);
        if batches.send(Batch { observations: engine.drain(), counters: None }).is_err() {
            return;
        }
    }
    engine.finish();
    let last = Batch { observations: engine.drain(), counters: Some(engine.counters().clone()) };
    // Where nobody listens any more, the output has failed, and that was told.
    drop(batches.send(last));
}

/// Batches of all workers, window by window, put in order and ruled on.
fn merge(workers: Vec<Receiver<Batch>>, mut each: impl FnMut(&Record) -> bool) -> Summary {
    let mut correlator = Correlator::offline();
    let mut counters = Counters::default();
    let mut observations = Vec::new();
    loop {
        let mut at_end = false;
        for worker in &workers {
            // A worker ends only after its last batch.
            let Ok(batch) = worker.recv() else { return correlator.summary(&counters) };
            observations.extend(batch.observations);
            if let Some(last) = &batch.counters {
                counters.merge(last);
                at_end = true;
            }
        }
        observations
            .sort_by_key(|observation: &Observation| (observation.packet, observation.connection));
        for observation in observations.drain(..) {
            if !correlator
                .push(observation, Duration::ZERO, &mut |record| each(&Record::new(record, None)))
            {
                return correlator.summary(&counters);
            }
        }
        if at_end {
            correlator.close(Duration::ZERO, &mut |record| each(&Record::new(record, None)));
            return correlator.summary(&counters);
        }
    }
}
