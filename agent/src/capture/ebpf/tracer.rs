//! Follows the machine's processes, and sees to it that the TLS libraries that they use are trapped.
//!
//! A thread of its own: looking at files takes its time, and the ring must not wait for it.

use super::clock;
use super::libraries::Libraries;
use super::library_report::LibraryReport;
use super::owners::FoundProcesses;
use super::programs::{KernelPrograms, LoadedProgram};
use super::search::{Found, Pace, Search, SearchResult};
use super::unseen::UnseenTls;
use crate::capture::scope::ProcessScope;
use crate::kernel_release::KernelRelease;
use crate::time_histogram::TimeHistogram;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use wrongdoor_attach::Abilities;
use wrongdoor_core::bounded_map::BoundedMap;
use wrongdoor_ebpf_common::table;
use wrongdoor_procfs::{FileId, LIBRARY_NAMES, ProcessKey, ProcessSeen, Scanner};

/// How often all processes are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// After a program began, it is looked at so much later: its libraries are mapped by then.
const AFTER_EXEC: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(60)];
/// The most programs that wait to be looked at; the rest is found with all others.
const MAX_DUE: usize = 1_024;
/// The most files that are remembered to have been searched for TLS without symbols; beyond it the oldest is searched again.
const MAX_SEARCHED: usize = 65_536;
/// The most looks at single processes a second: where programs begin faster, their libraries are those of
/// the ones before.
const MAX_LOOKS: usize = 100;

/// What the tracer tells about itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct TracerStatus {
    /// The first look at all processes is done.
    pub(crate) is_ready: bool,
    /// How many places each program is attached to.
    pub(crate) attached: Vec<(&'static str, u64)>,
    /// Program, reason, how often.
    pub(crate) failures: Vec<(&'static str, &'static str, u64)>,
    /// Processes that use TLS, by whether it is looked into and by library.
    pub(crate) tls_processes: Vec<(&'static str, &'static str, u64)>,
    /// How long it took to attach to programs that started.
    pub(crate) attach_times: TimeHistogram,
    /// Facts for people.
    pub(crate) details: Vec<(&'static str, u64)>,
    /// For `doctor`; empty where no reports were asked for.
    pub(crate) libraries: Vec<LibraryReport>,
}

/// A process that runs another program.
#[derive(Clone, Copy)]
struct BegunProgram {
    pid: u32,
    /// When, by the kernel side's clock.
    at: u64,
}

/// What the tracer is to do.
pub(super) struct TracerSettings {
    /// Which processes are traced.
    pub(super) scope: ProcessScope,
    /// A file that is mapped no more keeps its uprobes for this time.
    pub(super) detach_delay: Duration,
    /// The status holds a report on each TLS library.
    pub(super) reports_libraries: bool,
}

/// The running thread. It ends, and everything is detached, when this is dropped.
pub(crate) struct ProcessTracer {
    begun: Option<SyncSender<BegunProgram>>,
    thread: Option<JoinHandle<()>>,
    status: Arc<Mutex<TracerStatus>>,
}

impl ProcessTracer {
    pub(super) fn start(
        programs: KernelPrograms,
        settings: TracerSettings,
        found: FoundProcesses,
    ) -> io::Result<Self> {
        let (begun, receiver) = sync_channel(MAX_DUE);
        let status = Arc::new(Mutex::new(TracerStatus::default()));
        let shared = Arc::clone(&status);
        let thread = std::thread::Builder::new()
            .name("tracer".to_owned())
            .spawn(move || Work::new(programs, settings, found, shared).run(&receiver))?;
        Ok(Self { begun: Some(begun), thread: Some(thread), status })
    }

    /// A process runs another program.
    pub(super) fn began(&self, pid: u32, at: u64) {
        if let Some(begun) = &self.begun {
            // Where the queue is full, the next look at all processes finds it.
            let _is_queued = begun.try_send(BegunProgram { pid, at }).is_ok();
        }
    }

    /// How it stands.
    pub(crate) fn status(&self) -> TracerStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first look at all processes is done.
    pub(super) fn is_ready(&self) -> bool {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).is_ready
    }
}

impl Drop for ProcessTracer {
    fn drop(&mut self) {
        self.begun = None;
        if let Some(thread) = self.thread.take() {
            // It has panicked, and said so.
            drop(thread.join());
        }
    }
}

struct Work {
    programs: KernelPrograms,
    libraries: Libraries,
    scanner: Scanner,
    scope: ProcessScope,
    reports_libraries: bool,
    found: FoundProcesses,
    proc: PathBuf,
    /// Programs that began, and when they are to be looked at.
    due: VecDeque<(Instant, BegunProgram)>,
    attach_times: TimeHistogram,
    unseen: UnseenTls,
    search: Option<Search>,
    /// Files that were searched, or will be.
    searched: BoundedMap<FileId, ()>,
    running: u64,
    forbidden: u64,
    looks: usize,
    status: Arc<Mutex<TracerStatus>>,
}

impl Work {
    fn new(
        mut programs: KernelPrograms,
        settings: TracerSettings,
        found: FoundProcesses,
        status: Arc<Mutex<TracerStatus>>,
    ) -> Self {
        let TracerSettings { scope, detach_delay, reports_libraries } = settings;
        let proc = Path::new("/proc");
        // Where the release is not known, the worst is assumed.
        let release = KernelRelease::read(proc);
        let uretprobe = release.is_some_and(|release| !release.has_deadly_uretprobes());
        let abilities = Abilities { uretprobe };
        let places = programs.take(table::RANDOM_PLACES);
        let pace = if reports_libraries { Pace::Hurries } else { Pace::Rests };
        let search = Search::start(proc, abilities, pace).map_err(|error| {
            tracing::warn!("files are not searched for TLS without symbols: {error}");
        });
        Self {
            libraries: Libraries::new(abilities, detach_delay, places),
            programs,
            scanner: Scanner::new(proc),
            scope,
            reports_libraries,
            found,
            proc: proc.to_owned(),
            due: VecDeque::new(),
            attach_times: TimeHistogram::default(),
            unseen: UnseenTls::new(),
            search: search.ok(),
            searched: BoundedMap::new(MAX_SEARCHED),
            running: 0,
            forbidden: 0,
            looks: 0,
            status,
        }
    }

    fn run(mut self, begun: &Receiver<BegunProgram>) {
        let mut next = Instant::now();
        loop {
            let now = Instant::now();
            if now >= next {
                self.look_at_all(now);
                next = now + EVERY;
                self.looks = 0;
            }
            self.look_at_due();
            let until = self.due.front().map_or(next, |(at, _)| (*at).min(next));
            match begun.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(begun) => self.begin(begun),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return self.libraries.end(&mut self.programs);
                }
            }
        }
    }

    fn begin(&mut self, begun: BegunProgram) {
        let now = Instant::now();
        if self.due.len() < MAX_DUE {
            self.due.push_back((now + AFTER_EXEC[0], begun));
        }
    }

    fn look_at_due(&mut self) {
        if self.due.front().is_none_or(|(at, _)| *at > Instant::now()) {
            return;
        }
        while let Some((at, begun)) = self.due.front().copied()
            && at <= Instant::now()
        {
            self.due.pop_front();
            self.looks += 1;
            if self.looks > MAX_LOOKS * usize::try_from(EVERY.as_secs()).unwrap_or(1) {
                continue;
            }
            if let Some(process) = self.scanner.scan_one(begun.pid, Instant::now()) {
                let libraries = process.mapped.len();
                if self.look_at(&process) {
                    let nanoseconds = clock::now().saturating_sub(begun.at);
                    self.attach_times.add(Duration::from_nanos(nanoseconds));
                }
                // Nothing but the program and its loader: the libraries are still to come.
                if libraries <= 2 && self.due.len() < MAX_DUE {
                    self.due.push_back((Instant::now() + AFTER_EXEC[1], begun));
                }
            }
        }
        self.tell(false);
    }

    fn look_at_all(&mut self, now: Instant) {
        let scan = self.scanner.scan_all(now);
        self.running = u64::try_from(scan.running).unwrap_or(u64::MAX);
        self.forbidden = u64::try_from(scan.forbidden).unwrap_or(u64::MAX);
        for process in &scan.gone {
            self.libraries.gone(&mut self.programs, *process);
            self.found.gone(*process);
            self.unseen.gone(process.pid);
        }
        for process in &scan.seen {
            self.look_at(process);
        }
        self.take_answers();
        self.unseen.turn(|file| {
            self.searched.remove(file);
        });
        self.libraries.turn(&mut self.programs);
        let is_searched = self.search.as_ref().is_none_or(Search::is_idle);
        self.tell(scan.deferred == 0 && (is_searched || !self.reports_libraries));
    }

    /// What the search has found since.
    fn take_answers(&mut self) {
        for answer in self.search.as_ref().map(Search::answers).unwrap_or_default() {
            let SearchResult { pid, mapped, found } = answer;
            let unseen = match found {
                Err(()) => {
                    self.searched.remove(&mapped.file);
                    continue;
                }
                Ok(Found::Nothing) => None,
                Ok(Found::Located(unseen, examined)) => {
                    self.libraries.located(mapped.file, examined);
                    self.scanner.renew(Instant::now());
                    if let Some(process) = self.scanner.scan_one(pid, Instant::now()) {
                        self.look_at(&process);
                    }
                    // Where it cannot be attached to.
                    (!self.libraries.is_traced(&mapped.file)).then_some(unseen)
                }
                Ok(Found::Unreadable(unseen, why)) => {
                    if let Some(why) = why {
                        self.libraries.not_located(pid, &mapped, why);
                    }
                    self.scanner.renew(Instant::now());
                    Some(unseen)
                }
            };
            self.unseen.found(&mapped, unseen);
        }
    }

    /// Has the files of a process searched that have no symbols of TLS, each once.
    fn search(&mut self, process: &ProcessSeen) {
        let Some(search) = &self.search else { return };
        for mapped in &process.mapped {
            let file = &mapped.file;
            let is_due = self.libraries.has_no_symbols(file) && self.searched.get(file).is_none();
            if is_due && search.ask(process.pid, mapped) {
                self.searched.insert(*file, ());
            }
        }
    }

    /// True where it was attached to something that it was not attached to before.
    fn look_at(&mut self, process: &ProcessSeen) -> bool {
        self.found.seen(process);
        if !self.scope.chooses(process) {
            self.libraries.gone(&mut self.programs, process.key());
            self.unseen.gone(process.pid);
            return false;
        }
        let only = !self.scope.is_everything();
        let is_new = self.libraries.trace(&mut self.programs, &self.proc, process, only);
        let program = process.program().map(|program| program.file);
        let is_traced = program.is_some_and(|program| self.libraries.is_traced(&program));
        self.unseen.seen(process, is_traced);
        self.search(process);
        is_new
    }

    fn tell(&mut self, is_ready: bool) {
        let mut attached: Vec<(&'static str, u64)> =
            self.programs.loaded.iter().map(|loaded| (loaded.program, loaded.attached)).collect();
        let mut attach_points = HashMap::new();
        let mut users: HashMap<&str, HashSet<ProcessKey>> = HashMap::new();
        for (_, traced) in self.libraries.traced() {
            users.entry(traced.examined.kind.as_str()).or_default().extend(traced.users.keys());
            for (program, count) in traced.attach_points_by_program() {
                *attach_points.entry(program).or_insert(0) += count;
            }
        }
        for (program, places) in &mut attached {
            *places += attach_points.get(*program).copied().unwrap_or(0);
        }
        let refused =
            |loaded: &LoadedProgram| loaded.result.is_err().then_some((loaded.program, "load", 1));
        let mut failures: Vec<_> = self.programs.loaded.iter().filter_map(refused).collect();
        let of_libraries = self.libraries.failures.iter();
        failures.extend(of_libraries.map(|((program, reason), count)| (*program, *reason, *count)));
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let details = vec![
            ("processes", self.running),
            ("processes_forbidden", self.forbidden),
            ("libraries", number(self.libraries.traced().count())),
            ("libraries_refused", number(self.libraries.refused().count())),
            ("programs_not_searched", self.unseen.beyond()),
        ];
        let unseen = self.unseen.counts();
        let tls_processes = LIBRARY_NAMES.into_iter().flat_map(|library| {
            let traced = users.get(library).map_or(0, |users| number(users.len()));
            let unseen = unseen.get(library).copied().unwrap_or(0);
            [("traced", library, traced), ("unseen", library, unseen)]
        });
        let tls_processes = tls_processes.collect();
        let libraries = if self.reports_libraries { self.libraries.reports() } else { Vec::new() };
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ready = status.is_ready || is_ready;
        *status = TracerStatus {
            is_ready,
            attached,
            failures,
            tls_processes,
            attach_times: self.attach_times.clone(),
            details,
            libraries,
        };
    }
}
