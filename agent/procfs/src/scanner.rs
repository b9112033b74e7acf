//! All processes, again and again, at little cost.
//!
//! Reading the maps of a process costs more than all else, so it is not done each time: twice while the
//! process is young, for its linker maps the libraries only after it has begun, and then seldom, for
//! libraries that are loaded late. The kernel tells of new programs sooner: [`Scanner::scan_one`].

use super::read::{Cost, LookResult, ProcessReader};
use super::{ProcessKey, ProcessSeen};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::time::{Duration, Instant};

/// The most processes that are followed; the rest is counted.
pub(crate) const MAX_PROCESSES: usize = 65_536;
/// What one scan may take, or little more; what is left over is first in the next one. Reading so many bytes
/// takes the kernel half a second; 500 ordinary processes have a tenth of it.
pub(crate) const MAX_READ_BYTES: u64 = 128 << 20;
/// The most bytes of paths that one scan brings.
pub(crate) const MAX_PATH_BYTES: usize = 32 << 20;
/// The most files that one scan brings.
pub(crate) const MAX_FILES: usize = 262_144;
/// A process older than that has loaded what it is linked with.
const YOUTH: Duration = Duration::from_secs(3);
/// How long a library may go unseen that a process loads later.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Follows the processes of the machine.
#[derive(Debug)]
pub struct Scanner {
    reader: ProcessReader,
    known: HashMap<u32, Known>,
    /// Ended, and their number is another's already.
    replaced: Vec<ProcessKey>,
    /// Those that were last looked at before this are to be looked at again.
    renewed: Option<Instant>,
}

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scan {
    /// Processes that are new, or were looked at again.
    pub seen: Vec<ProcessSeen>,
    /// Processes that have ended, of those that were seen.
    pub gone: Vec<ProcessKey>,
    /// How many run, but for kernel threads and ourselves.
    pub running: usize,
    /// How many the kernel does not let us look at.
    pub forbidden: usize,
    /// How many are beyond [`MAX_PROCESSES`].
    pub beyond: usize,
    /// How many wait for the next scan, because this one has brought enough.
    pub deferred: usize,
}

/// What is remembered of a process.
#[derive(Debug)]
struct Known {
    start_time: u64,
    /// A hash of its program's path and its command: they change when it begins another program.
    program: u64,
    first_read: Instant,
    last_read: Instant,
}

/// A process whose maps are to be read.
struct Due {
    last_read: Option<Instant>,
    pid: u32,
}

// === impl Scanner ===

impl Scanner {
    /// Of the processes in this `/proc`.
    pub fn new(proc: &Path) -> Self {
        Self {
            reader: ProcessReader::new(proc),
            known: HashMap::new(),
            replaced: Vec::new(),
            renewed: None,
        }
    }

    /// Looks at all processes.
    pub fn scan_all(&mut self, now: Instant) -> Scan {
        let mut scan = Scan { gone: std::mem::take(&mut self.replaced), ..Scan::default() };
        let mut alive = HashMap::new();
        let mut due = Vec::new();
        for pid in self.reader.pids().into_iter().flatten() {
            let LookResult::Seen(stat) = self.reader.stat(pid) else { continue };
            scan.running += 1;
            if alive.len() >= MAX_PROCESSES {
                scan.beyond += 1;
                continue;
            }
            alive.insert(pid, stat.start_time);
            match self.reader.program(pid) {
                LookResult::Seen(program) => {
                    let program = hash(&program, &stat.command);
                    if self.is_due(pid, stat.start_time, program, now) {
                        let last_read = self.known.get(&pid).map(|known| known.last_read);
                        due.push(Due { last_read, pid });
                    }
                }
                LookResult::Forbidden => scan.forbidden += 1,
                LookResult::Nothing => {}
            }
        }
        self.forget_all_but(&alive, &mut scan.gone);
        // New ones first, then those that have waited longest: a container with too much to read may
        // hold up the others, and no longer than until the next scan.
        due.sort_unstable_by_key(|due| (due.last_read, due.pid));
        self.read_all(&due, now, &mut scan);
        scan
    }

    /// From now on, [`scan_all`](Self::scan_all) looks at every process once more, however lately it was looked at.
    pub fn renew(&mut self, now: Instant) {
        self.renewed = Some(now);
    }

    /// Looks at one process, now: it has begun a program.
    pub fn scan_one(&mut self, pid: u32, now: Instant) -> Option<ProcessSeen> {
        match self.read(pid, now) {
            LookResult::Seen((process, _)) => Some(process),
            LookResult::Nothing | LookResult::Forbidden => None,
        }
    }

    fn is_due(&self, pid: u32, start_time: u64, program: u64, now: Instant) -> bool {
        let Some(known) = self.known.get(&pid) else { return true };
        if known.start_time != start_time || known.program != program {
            return true;
        }
        if self.renewed.is_some_and(|renewed| known.last_read < renewed) {
            return true;
        }
        let was_young = known.last_read.saturating_duration_since(known.first_read) < YOUTH;
        was_young || now.saturating_duration_since(known.last_read) >= TIMEOUT
    }

    fn read_all(&mut self, due: &[Due], now: Instant, scan: &mut Scan) {
        let mut cost = Cost::default();
        for (done, Due { pid, .. }) in due.iter().enumerate() {
            if cost.is_too_much() {
                scan.deferred = due.len() - done;
                return;
            }
            match self.read(*pid, now) {
                LookResult::Seen((process, more)) => {
                    cost.add(more);
                    scan.seen.push(process);
                }
                LookResult::Forbidden => scan.forbidden += 1,
                LookResult::Nothing => {}
            }
        }
    }

    fn read(&mut self, pid: u32, now: Instant) -> LookResult<(ProcessSeen, Cost)> {
        let stat = match self.reader.stat(pid) {
            LookResult::Seen(stat) => stat,
            LookResult::Nothing => return LookResult::Nothing,
            LookResult::Forbidden => return LookResult::Forbidden,
        };
        let program = match self.reader.program(pid) {
            LookResult::Seen(program) => program,
            LookResult::Nothing => return LookResult::Nothing,
            LookResult::Forbidden => return LookResult::Forbidden,
        };
        let hash = hash(&program, &stat.command);
        let look = self.reader.process(pid, stat, &program);
        if let LookResult::Seen((process, _)) = &look {
            self.remember(process.key(), hash, now);
        }
        look
    }

    fn remember(&mut self, key: ProcessKey, program: u64, now: Instant) {
        let fresh = Known { start_time: key.start_time, program, first_read: now, last_read: now };
        let has_room = self.known.len() < MAX_PROCESSES;
        match self.known.get_mut(&key.pid) {
            Some(known) if known.start_time == key.start_time && known.program == program => {
                known.last_read = now;
            }
            Some(known) => {
                if known.start_time != key.start_time && self.replaced.len() < MAX_PROCESSES {
                    let start_time = known.start_time;
                    self.replaced.push(ProcessKey { start_time, ..key });
                }
                *known = fresh;
            }
            // What is not remembered is found again by the next scan.
            None if !has_room => {}
            None => drop(self.known.insert(key.pid, fresh)),
        }
    }

    fn forget_all_but(&mut self, alive: &HashMap<u32, u64>, gone: &mut Vec<ProcessKey>) {
        self.known.retain(|pid, known| {
            let stays = alive.get(pid) == Some(&known.start_time);
            if !stays {
                gone.push(ProcessKey { pid: *pid, start_time: known.start_time });
            }
            stays
        });
    }
}

// === impl Cost ===

impl Cost {
    fn add(&mut self, more: Self) {
        self.files += more.files;
        self.path_bytes += more.path_bytes;
        self.read_bytes += more.read_bytes;
    }

    fn is_too_much(&self) -> bool {
        self.files >= MAX_FILES
            || self.path_bytes >= MAX_PATH_BYTES
            || self.read_bytes >= MAX_READ_BYTES
    }
}

fn hash(program: &[u8], command: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (program, command).hash(&mut hasher);
    hasher.finish()
}
