//! Live capture by packet sockets.
//!
//! ```text
//! kernel ──filter──▶ rings ──▶ blocks ──▶ duplicates ──▶ engine
//!                      ▲ new ones                          ▲
//!          watcher (a thread in the namespace)          key logs
//! ```

mod block;
mod duplicates;
mod error;
mod filter;
mod keylogs;
mod link;
mod opener;
mod reader;
mod ring;
mod sys;
mod watcher;

pub(crate) use error::PacketsError;

use super::source::LiveSource;
use crate::capture::CaptureError;
use crate::ledger::{LossReason, SourceStats};
use filter::{WantedPackets, WantedTls};
use keylogs::KeyLogs;
use opener::{FanoutGroup, Opener};
use reader::RingReader;
use ring::Totals;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use watcher::Watcher;
use wrongdoor_core::engine::{Engine, TlsInPackets};

/// Of these ports everything is read, unless the command line says otherwise.
pub(crate) const CLEARTEXT_PORTS: [u16; 2] = [80, 8080];
/// The kernel hands over a block that is not full after less than this: what was captured before the end of the run is
/// waited for so long.
const LAST_BLOCKS: Duration = Duration::from_millis(30);
/// So long an ended connection waits for its secrets, at least.
const WAIT_FOR_SECRETS: Duration = Duration::from_secs(5);
/// How often the kernel's counts are read.
const COUNT_EVERY: Duration = Duration::from_millis(250);
/// The most blocks of all rings in one turn.
const MAX_BLOCKS: usize = 256;

/// What is captured.
#[derive(Clone, Debug)]
pub(crate) struct PacketOptions {
    /// The interfaces, or all.
    pub(crate) interfaces: Vec<String>,
    /// In which network namespace, or in that of this process.
    pub(crate) netns: Option<PathBuf>,
    /// Of which ports everything is read.
    pub(crate) cleartext: Vec<u16>,
    /// Key logs.
    pub(crate) keylogs: Vec<PathBuf>,
    /// TLS and QUIC are told by probes.
    pub(crate) only_cleartext: bool,
    /// The size of all rings together.
    pub(crate) ring_bytes: u32,
}

/// The open sockets.
pub(crate) struct PacketCapture {
    groups: Vec<FanoutGroup>,
    watcher: Option<Watcher>,
    keylogs: KeyLogs,
    reader: RingReader,
    shown: TlsInPackets,
    cleartext: Vec<u16>,
    is_begun: bool,
    /// Of rings that are closed.
    gone: Totals,
    totals: Totals,
    counted: Instant,
    /// Until when the last blocks are read, once the run ends.
    end: Option<Instant>,
    /// A moment, and the engine's turn then: connections that ended before have waited long enough.
    waiting: (Instant, u64),
}

/// Ports as a log field.
fn ports(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" ")
}

impl PacketOptions {
    fn wanted(&self) -> WantedPackets {
        let tls = match (self.only_cleartext, self.keylogs.is_empty()) {
            (true, _) => WantedTls::Nothing,
            (false, true) => WantedTls::Handshakes,
            (false, false) => WantedTls::Everything,
        };
        let mut cleartext = self.cleartext.clone();
        cleartext.sort_unstable();
        cleartext.dedup();
        WantedPackets { tls, cleartext }
    }
}

impl PacketCapture {
    /// Opens the sockets. Afterwards nothing needs a privilege but the thread that looks after named interfaces.
    pub(crate) fn open(options: &PacketOptions) -> Result<Self, CaptureError> {
        let wanted = options.wanted();
        let keylogs = if options.only_cleartext { &[][..] } else { &options.keylogs };
        let keylogs = KeyLogs::open(keylogs)?;
        let (groups, watcher) = if options.interfaces.is_empty() && options.netns.is_none() {
            let opener = Opener::new(&wanted, 0, options.ring_bytes)?;
            (vec![opener.open(0, None)?], None)
        } else {
            let (groups, watcher) = Watcher::start(options.clone(), wanted.clone())?;
            (groups, Some(watcher))
        };
        let shown = match wanted.tls {
            WantedTls::Nothing => TlsInPackets::ToldByProbes,
            WantedTls::Handshakes => TlsInPackets::Handshakes,
            WantedTls::Everything => TlsInPackets::Whole,
        };
        if wanted.tls == WantedTls::Handshakes {
            tracing::info!(
                cleartext = ports(&wanted.cleartext),
                "packets show requests inside TLS and QUIC only with `--keylog`: without it the agent reports SNI, and requests on cleartext ports"
            );
        }
        Ok(Self {
            groups,
            watcher,
            keylogs,
            reader: RingReader::new(),
            shown,
            cleartext: wanted.cleartext,
            is_begun: false,
            gone: Totals::default(),
            totals: Totals::default(),
            counted: Instant::now(),
            end: None,
            waiting: (Instant::now(), 0),
        })
    }

    /// Waits until a block is handed over, or for so long.
    fn wait(&self, timeout: Duration) {
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        let rings = self.groups.iter().flat_map(|group| &group.rings);
        let mut sockets: Vec<PollFd<'_>> =
            rings.clone().map(|ring| PollFd::new(ring, PollFlags::IN)).collect();
        // Interrupted or timed out: the rings are looked into all the same.
        let _woken = poll(&mut sockets, Some(&timeout));
        for (ring, polled) in rings.zip(&sockets) {
            // An interface that was shut: as long as that is not asked for, the socket wakes everybody.
            if polled.revents().contains(PollFlags::ERR)
                && let Ok(Some(error)) = ring.socket().error()
            {
                tracing::debug!("a packet socket: {error}");
            }
        }
    }

    /// Reads the blocks that the kernel has handed over, the oldest first: between the rings, packets are out of order
    /// by no more than what a block covers.
    fn take(&mut self, engine: &mut Engine) {
        for _ in 0..MAX_BLOCKS {
            let rings = self.groups.iter_mut().flat_map(|group| &mut group.rings);
            let handed_over = rings.filter_map(|ring| Some((ring.next_at()?, ring)));
            let Some((_, oldest)) = handed_over.min_by_key(|(at, _)| *at) else { break };
            self.reader.block(oldest, engine);
        }
    }

    /// Reads until every block with packets from before the first call was handed over.
    fn take_last(&mut self, engine: &mut Engine) {
        let end = *self.end.get_or_insert_with(|| Instant::now() + LAST_BLOCKS);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            // Any ring that has a block ends the wait; others may be late.
            self.wait(left);
            self.take(engine);
        }
    }

    /// Rings of interfaces that have come back take the places of those that are closed now.
    fn renew(&mut self, engine: &mut Engine) {
        while let Some(new) = self.watcher.as_ref().and_then(Watcher::next) {
            let Some(group) = self.groups.iter_mut().find(|group| group.place == new.place) else {
                continue;
            };
            let mut old = std::mem::replace(group, new);
            for ring in &mut old.rings {
                while self.reader.block(ring, engine) {}
                self.gone.add(ring.totals());
            }
        }
    }

    fn count(&mut self) {
        let mut totals = self.gone;
        let rings = self.groups.iter_mut().flat_map(|group| &mut group.rings);
        rings.for_each(|ring| totals.add(ring.totals()));
        (self.totals, self.counted) = (totals, Instant::now());
    }

    /// Connections whose secrets did not come are told as they are.
    fn end_waiting(&mut self, engine: &mut Engine) {
        let (since, turn) = self.waiting;
        if !self.keylogs.is_empty() && since.elapsed() >= WAIT_FOR_SECRETS {
            engine.end_waiting(turn);
            self.waiting = (Instant::now(), engine.tick_count());
        }
    }
}

impl LiveSource for PacketCapture {
    fn name(&self) -> &'static str {
        "packets"
    }

    fn poll(&mut self, engine: &mut Engine, timeout: Duration) -> Result<(), CaptureError> {
        if !std::mem::replace(&mut self.is_begun, true) {
            engine.set_tls_in_packets(self.shown, &self.cleartext);
            engine.expect_secrets(!self.keylogs.is_empty());
        }
        self.renew(engine);
        let is_last = timeout.is_zero();
        if is_last {
            self.take_last(engine);
        } else {
            self.wait(timeout);
        }
        let mut has_secrets = false;
        self.keylogs.read(|lines| {
            engine.add_secrets(lines);
            has_secrets = true;
        });
        if has_secrets {
            engine.resume();
        }
        if !is_last {
            self.take(engine);
        }
        self.end_waiting(engine);
        if is_last || self.counted.elapsed() >= COUNT_EVERY {
            self.count();
        }
        Ok(())
    }

    fn waits_for(&self) -> Option<&'static str> {
        let is_whole = self.watcher.as_ref().is_none_or(Watcher::is_whole);
        (!is_whole).then_some("an interface of --interface does not exist")
    }

    fn tally(&mut self) -> SourceStats {
        let read = self.reader.counts();
        // Between two readings of the kernel's counts, what was read is the better knowledge. A packet that was seen
        // before is none.
        let packets = self.totals.packets.max(read.packets + self.totals.drops);
        SourceStats {
            kernel_events: packets - read.repeated(),
            kernel_lost: vec![(LossReason::RingFull, self.totals.drops)],
            capture_events: read.packets - read.repeated(),
            capture_lost: vec![(LossReason::Limit, read.damaged)],
            details: vec![
                ("packets", read.packets),
                ("packets_duplicate", read.duplicates),
                ("packets_forgotten", read.forgotten),
                ("packets_looped", read.looped),
                ("packets_truncated", read.truncated),
                ("rings_frozen", self.totals.freezes),
                ("rings", self.groups.iter().map(|group| group.rings.len() as u64).sum()),
            ],
            ..SourceStats::default()
        }
    }
}
