//! What the tests of live mode have in common: committed captures, as a live source and as records.

use crate::capture::CaptureError;
use crate::capture::source::LiveSource;
use crate::cli::{Cli, Command, Run};
use crate::enrich::ClusterEnds;
use crate::export::{ConnectionNumber, Record};
use crate::ledger::{LossReason, SourceStats};
use crate::state::AgentState;
use crate::time_histogram::TimeHistogram;
use clap::Parser;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use wrongdoor_core::engine::{ConnectionEnd, Engine, EngineConfig, Event};
use wrongdoor_core::explain::classifier::{Classification, Classifier};
use wrongdoor_core::observation::Exchange;
use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::LinkType;
use wrongdoor_pcap::CaptureFile;

/// A capture that comes a few packets at a time, as if it happened now.
pub(crate) struct Replay {
    keys: Vec<u8>,
    packets: Vec<(Timestamp, LinkType, Vec<u8>)>,
    next: usize,
    /// Packets a turn.
    pub(crate) pace: usize,
    /// After so many packets somebody wants the run to end.
    pub(crate) stop_after: usize,
    shared: Arc<AgentState>,
}

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures")
}

impl Replay {
    pub(crate) fn new(name: &str, shared: &Arc<AgentState>) -> Self {
        let keys = std::fs::read(captures().join(format!("{name}.keys"))).unwrap();
        let mut capture = CaptureFile::open(&captures().join(format!("{name}.pcap"))).unwrap();
        let mut packets = Vec::new();
        while let Some(window) = capture.next_window().unwrap() {
            packets.extend(
                window.packets().map(|packet| (packet.at, packet.link, packet.bytes.to_vec())),
            );
        }
        let stop_after = packets.len();
        Self { keys, packets, next: 0, pace: 3, stop_after, shared: Arc::clone(shared) }
    }

    pub(crate) fn len(&self) -> usize {
        self.packets.len()
    }
}

impl LiveSource for Replay {
    fn name(&self) -> &'static str {
        "replay"
    }

    fn poll(&mut self, engine: &mut Engine, timeout: Duration) -> Result<(), CaptureError> {
        if self.next == 0 {
            engine.add_secrets(&self.keys);
        }
        let (first, end) = (self.next, (self.next + self.pace).min(self.packets.len()));
        for (at, link, bytes) in &self.packets[first..end] {
            self.next += 1;
            engine.handle_packet(self.next as u64, *at, *link, bytes, bytes.len());
        }
        if self.next >= self.stop_after {
            self.shared.stop.store(true, Ordering::Relaxed);
        }
        if first == end {
            thread::sleep(timeout);
        }
        Ok(())
    }

    fn waits_for(&self) -> Option<&'static str> {
        (self.next == 0).then_some("the first packet")
    }

    /// As if the kernel had lost one record in three, and the agent one more in all.
    fn tally(&mut self) -> SourceStats {
        let read = self.next as u64;
        SourceStats {
            kernel_events: read + 1 + read / 2,
            kernel_lost: vec![(LossReason::RingFull, read / 2)],
            capture_events: read + 1,
            capture_lost: vec![(LossReason::Unresolved, 1)],
            attached: vec![("ssl_read", 2)],
            failures: vec![("ssl_write", "refused", 1)],
            tls_processes: vec![("traced", "openssl", 2), ("unseen", "rustls", 1)],
            attach_times: TimeHistogram::default(),
            older: vec![("nginx".into(), 1)],
            joins: vec![("confirmed", read)],
            details: vec![("turns", read)],
        }
    }
}

/// Everything that is told of a capture.
fn events(name: &str) -> impl Iterator<Item = Event> {
    let mut replay = Replay { pace: usize::MAX / 2, ..Replay::new(name, &AgentState::new(None)) };
    let mut engine = Engine::new(EngineConfig::default(), Arc::default());
    replay.poll(&mut engine, Duration::ZERO).unwrap();
    engine.finish();
    engine.drain().into_iter().map(|observation| observation.event)
}

/// The exchanges of a capture.
pub(crate) fn exchanges(name: &str) -> Vec<Exchange> {
    let exchanges = events(name).filter_map(|event| match event {
        Event::Exchange(exchange) => Some(exchange),
        Event::Connection(_) | Event::Serves { .. } | Event::Hello(_) => None,
    });
    exchanges.collect()
}

/// The first connection of a capture that ended.
pub(crate) fn ended(name: &str) -> ConnectionEnd {
    let mut ended = events(name).filter_map(|event| match event {
        Event::Connection(connection) => Some(connection),
        Event::Exchange(_) | Event::Serves { .. } | Event::Hello(_) => None,
    });
    ended.next().unwrap()
}

/// The exchanges of a capture, ruled on.
pub(crate) fn ruled(name: &str) -> Vec<(Exchange, Classification)> {
    let mut classifier = Classifier::default();
    let exchanges = exchanges(name).into_iter();
    exchanges.map(|exchange| (exchange.clone(), classifier.classify(&exchange))).collect()
}

/// Some record of an exchange answered with 421.
pub(crate) fn misdirected() -> Record {
    let found = exchanges("coalescing").into_iter().find(Exchange::is_misdirected);
    let exchange = found.unwrap();
    let classification = Classifier::default().classify(&exchange);
    Record::Exchange {
        number: ConnectionNumber(1),
        exchange,
        classification,
        place: ClusterEnds::default(),
    }
}

/// `wrongdoor run` with these arguments, as typed.
pub(crate) fn run_as_typed(arguments: &[&str]) -> Run {
    match Cli::try_parse_from([&["wrongdoor", "run"], arguments].concat()).unwrap().command {
        Command::Run(run) => *run,
        other => panic!("{other:?}"),
    }
}
