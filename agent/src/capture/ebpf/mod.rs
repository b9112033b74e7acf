//! Live capture by kernel probes.
//!
//! ```text
//! kernel ──ring──▶ records ──▶ sessions ──ProbeEvent──▶ engine
//!    ▲                │ a program begins
//!    └──attach points── libraries ◀── tracer (a thread) ◀── /proc
//! ```

mod attach;
mod attach_kind;
mod btf;
mod clock;
mod early;
mod early_messages;
mod libraries;
mod library_report;
mod load_error;
mod losses;
mod older;
mod owners;
mod permission;
mod programs;
mod records;
mod search;
mod sessions;
mod settings;
mod tracer;
mod unseen;
mod uprobe_multi;

pub(crate) use libraries::DETACH_DELAY;
pub(crate) use library_report::LibraryReport;
pub(crate) use load_error::LoadError;
pub(crate) use programs::{LoadedProgram, ProgramNeed, stand_in};
pub(crate) use tracer::TracerStatus;

use super::error::CaptureError;
use super::scope::ProcessScope;
use super::source::LiveSource;
use crate::build_info::has_probes;
use crate::files::{self, OutputPath};
use crate::ledger::{LossReason, SourceStats};
use crate::privileges;
use attach_kind::AttachKind;
use clock::BootClock;
use losses::Losses;
use owners::{FoundProcesses, ObjectOwners};
use programs::{KernelPrograms, Outlet};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sessions::{Sessions, Taken};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tracer::{ProcessTracer, TracerSettings};
use wrongdoor_core::engine::Engine;
use wrongdoor_ebpf_common::Counter;

/// How often the ring is looked into while things happen: the kernel side wakes nobody as long as the ring
/// has room.
const BUSY: Duration = Duration::from_millis(10);
/// How often while nothing does.
const IDLE: Duration = Duration::from_millis(50);
/// The most records of one turn: then others get theirs.
const MAX_RECORDS: usize = 50_000;
/// How often the kernel side's counts are read.
const COUNT_EVERY: Duration = Duration::from_millis(250);

/// How the probes are set up.
#[derive(Clone, Debug)]
pub(crate) struct EbpfOptions {
    /// Which processes are traced.
    pub(crate) scope: ProcessScope,
    /// The size of the ring: a power of two, and at least a page.
    pub(crate) ring_bytes: u32,
    /// A file that no process maps any more keeps its attach points for this time.
    pub(crate) detach_delay: Duration,
    /// Uprobes attach by perf events, as before kernel 6.6, also where there is something better.
    pub(crate) only_perf_events: bool,
    /// Every record of the ring is copied there, for tests.
    pub(crate) record: Option<PathBuf>,
    /// Privileges that only loading takes are given up after it.
    pub(crate) sheds_privileges: bool,
    /// The status holds a report on each TLS library, as `doctor` prints it.
    pub(crate) reports_libraries: bool,
}

/// The running probes. Dropping them detaches everything.
pub(crate) struct EbpfProbes {
    outlet: Outlet,
    losses: Losses,
    sessions: Sessions,
    owners: ObjectOwners,
    clock: BootClock,
    tracer: ProcessTracer,
    loaded: Vec<LoadedProgram>,
    record: Option<BufWriter<File>>,
    counts: Vec<u64>,
    counted: Instant,
    /// Records of the ledger: those of programs that begin, and of messages of handshakes, are none.
    received: u64,
    was_busy: bool,
}

impl EbpfProbes {
    /// Loads and attaches everything that the kernel lets.
    pub(crate) fn open(options: EbpfOptions) -> Result<Self, LoadError> {
        let cgroup = wrongdoor_procfs::mounts::cgroup2(Path::new("/proc/self/mountinfo"));
        if !has_probes() {
            return Err(LoadError::NoProbes);
        }
        let kind = if options.only_perf_events {
            AttachKind::perf_events()?
        } else {
            AttachKind::of_kernel()?
        };
        tracing::debug!(by = kind.as_str(), "uprobes attach");
        let (mut programs, outlet) =
            KernelPrograms::load(cgroup.as_deref(), options.ring_bytes, kind)?;
        for loaded in &programs.loaded {
            let Err(reason) = &loaded.result else { continue };
            let program = loaded.program;
            match stand_in(&programs.loaded, program) {
                Some(stand_in) => {
                    tracing::debug!(program, stand_in, "not in this kernel: {reason}")
                }
                None => tracing::warn!(program, "not loaded: {reason}"),
            }
        }
        let record = options
            .record
            .map(|path| OutputPath::of(&path)?.create(files::PRIVATE).map(BufWriter::new));
        let record = record.transpose().map_err(|error| {
            LoadError::Maps(format!("cannot write the records: {error}"), false)
        })?;
        let losses = Losses::new(&mut programs);
        let found = FoundProcesses::default();
        let loaded = programs.loaded.clone();
        if options.sheds_privileges {
            let kept = match kind {
                AttachKind::Multi => privileges::TRACING,
                AttachKind::PerfEvents => privileges::TRACING_BY_PERF_EVENTS,
            };
            privileges::keep(kept, "tracer");
        }
        let settings = TracerSettings {
            scope: options.scope.clone(),
            detach_delay: options.detach_delay,
            reports_libraries: options.reports_libraries,
        };
        let tracer = ProcessTracer::start(programs, settings, found.clone())
            .map_err(|error| LoadError::Maps(format!("cannot start a thread: {error}"), false))?;
        if options.sheds_privileges {
            privileges::keep_one_of(&privileges::READING, "reader");
        }
        Ok(Self {
            outlet,
            losses,
            sessions: Sessions::new(options.scope),
            owners: ObjectOwners::new(found),
            clock: BootClock::new(),
            tracer,
            loaded,
            record,
            counts: vec![0; Counter::COUNT as usize],
            counted: Instant::now(),
            received: 0,
            was_busy: false,
        })
    }

    /// What became of each program.
    pub(crate) fn loaded(&self) -> &[LoadedProgram] {
        &self.loaded
    }

    /// How the tracer stands.
    pub(crate) fn status(&self) -> TracerStatus {
        self.tracer.status()
    }

    /// Takes what is in the ring. How many records there were.
    fn take(&mut self, engine: &mut Engine) -> Result<usize, CaptureError> {
        let mut taken = 0;
        while taken < MAX_RECORDS
            && let Some(item) = self.outlet.ring.next()
        {
            taken += 1;
            if let Some(record) = &mut self.record {
                record.write_all(&item).map_err(CaptureError::Copy)?;
            }
            match self.sessions.record(&item, &self.clock, &mut self.owners, engine) {
                Taken::Exec { pid, at } => {
                    self.owners.began(pid);
                    self.tracer.began(pid, at);
                }
                Taken::Message => {}
                Taken::Record => self.received += 1,
            }
        }
        Ok(taken)
    }

    /// Tells the engine of connections with lost records, where the ring was read to its end since `begin`.
    fn take_losses(&mut self, begin: u64, engine: &mut Engine) {
        for (owner, lost) in self.losses.take(self.counter(Counter::RingFull), begin) {
            self.sessions.lost_unseen(&owner, &lost, &self.clock, engine);
        }
    }

    /// Waits until the ring asks to be looked into, or for so long.
    fn wait(&self, timeout: Duration) {
        let nanoseconds = i64::from(timeout.subsec_nanos());
        let seconds = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
        let timeout = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        let mut ring = [PollFd::new(&self.outlet.ring, PollFlags::IN)];
        // Interrupted or timed out: the ring is looked into all the same.
        let _woken = poll(&mut ring, Some(&timeout));
    }

    fn count(&mut self) {
        for (place, count) in (0..).zip(&mut self.counts) {
            if let Ok(values) = self.outlet.counters.get(&place, 0) {
                *count = values.iter().sum();
            }
        }
    }

    fn counter(&self, counter: Counter) -> u64 {
        self.counts.get(counter as usize).copied().unwrap_or(0)
    }
}

impl LiveSource for EbpfProbes {
    fn name(&self) -> &'static str {
        "ebpf"
    }

    fn poll(&mut self, engine: &mut Engine, timeout: Duration) -> Result<(), CaptureError> {
        if !timeout.is_zero() {
            self.wait(timeout.min(if self.was_busy { BUSY } else { IDLE }));
        }
        let is_last = timeout.is_zero();
        if self.counted.elapsed() >= COUNT_EVERY || is_last {
            self.count();
            self.counted = Instant::now();
        }
        let begin = Losses::begin();
        let taken = self.take(engine)?;
        self.was_busy = taken > 0;
        if taken < MAX_RECORDS {
            self.take_losses(begin, engine);
        }
        self.clock.turn();
        self.sessions.turn();
        Ok(())
    }

    fn waits_for(&self) -> Option<&'static str> {
        (!self.tracer.is_ready()).then_some("the first scan of all processes has not ended")
    }

    fn tally(&mut self) -> SourceStats {
        let status = self.tracer.status();
        let mut details = status.details;
        details.extend([
            ("calls", self.counter(Counter::Calls)),
            ("calls_unmatched", self.counter(Counter::Unmatched)),
            ("older_than_agent", self.counter(Counter::OlderThanAgent)),
            ("foreign", self.counter(Counter::Foreign)),
            ("lost_place", self.counter(Counter::LostPlace)),
            ("execs_lost", self.counter(Counter::ExecsLost)),
            ("owners_lost", self.counter(Counter::OwnersLost)),
            ("messages_lost", self.counter(Counter::MessagesLost)),
            ("messages_dropped", self.sessions.counts().messages_dropped),
            ("ring_bytes", self.counter(Counter::RingBytes)),
            ("handshake_segments", self.counter(Counter::Segments)),
        ]);
        // Between two readings of the counts, what was received is the better knowledge.
        let ring_full = self.counter(Counter::RingFull);
        let records = self.counter(Counter::Records).max(self.received + ring_full);
        let counts = self.sessions.counts();
        // What a record held is known when it is read.
        let events = records + counts.news.saturating_sub(self.received);
        // Calls that never became a record.
        let map_full = self.counter(Counter::MapFull);
        let no_scratch = self.counter(Counter::ScratchBusy);
        let unreadable = self.counter(Counter::Unreadable);
        SourceStats {
            kernel_events: events + map_full + no_scratch + unreadable,
            kernel_lost: vec![
                (LossReason::RingFull, ring_full),
                (LossReason::MapFull, map_full),
                (LossReason::Limit, no_scratch),
                (LossReason::Unreadable, unreadable),
            ],
            capture_events: counts.news,
            capture_lost: vec![
                (LossReason::Unresolved, counts.unknown),
                (LossReason::Limit, counts.dropped),
                (LossReason::Repeated, counts.repeated),
            ],
            attached: status.attached,
            failures: status.failures,
            tls_processes: status.tls_processes,
            attach_times: status.attach_times,
            older: self.sessions.older(),
            joins: vec![
                ("confirmed", self.counter(Counter::Confirmed)),
                ("contradicted", self.counter(Counter::Contradicted)),
            ],
            details,
        }
    }
}
