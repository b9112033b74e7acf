//! Searches files for TLS that has no symbols, in a thread of its own: reading a whole program takes its time, and neither
//! the ring nor the uprobes of other programs may wait for it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};
use wrongdoor_attach::{Abilities, Examined, Processor, SafeFile, examine_stripped};
use wrongdoor_procfs::{MappedFile, Unseen, linked_in, searchable};

/// The most files that wait to be searched; others are asked for again.
const MAX_WAITING: usize = 1_024;
/// After a search the thread rests so many times as long as it took: a tenth of a processor is enough for what is done once
/// for each file.
const REST: u32 = 9;
/// How much the thread steps back behind others; 19 is the most.
const NICENESS: i32 = 10;

/// The running thread. It ends when this is dropped; a search that goes on then is not waited for.
#[derive(Debug)]
pub(super) struct Search {
    questions: SyncSender<Question>,
    answers: Receiver<SearchResult>,
    /// How many questions have no answer yet.
    open: Arc<AtomicUsize>,
    /// Dropped with this: it wakes the thread from its rest.
    _running: Sender<()>,
}

/// How the thread goes about its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// It rests after each file, because others use the machine.
    Rests,
    /// Somebody waits for it.
    Hurries,
}

/// A file that a process has mapped.
struct Question {
    pid: u32,
    mapped: MappedFile,
}

/// What came of a search.
#[derive(Debug)]
pub(super) struct SearchResult {
    /// A process that has the file mapped.
    pub(super) pid: u32,
    /// Which file.
    pub(super) mapped: MappedFile,
    /// `Err` where the file could not be read: its process has ended, for example.
    pub(super) found: Result<Found, ()>,
}

/// What is in a file.
#[derive(Debug)]
pub(super) enum Found {
    /// No TLS that is known.
    Nothing,
    /// TLS whose functions were all found.
    Located(Unseen, Box<Examined>),
    /// TLS that cannot be read, and why its functions were not found, if they were looked for.
    Unreadable(Unseen, Option<String>),
}

impl Search {
    /// Starts the thread, which has the privileges of this one.
    pub(super) fn start(proc: &Path, abilities: Abilities, pace: Pace) -> io::Result<Self> {
        let (questions, asked) = sync_channel(MAX_WAITING);
        let (answered, answers) = channel();
        let (running, rest) = channel();
        let open = Arc::new(AtomicUsize::new(0));
        let proc = proc.to_owned();
        std::thread::Builder::new().name("search".to_owned()).spawn(move || {
            if pace == Pace::Rests {
                // Of this thread alone. Where it may not, it rests all the same.
                let _niceness = rustix::process::nice(NICENESS);
            }
            work(&proc, abilities, pace, &asked, &answered, &rest);
        })?;
        Ok(Self { questions, answers, open, _running: running })
    }

    /// Asks for a file of a process to be searched; false where too many wait.
    pub(super) fn ask(&self, pid: u32, mapped: &MappedFile) -> bool {
        let is_asked = self.questions.try_send(Question { pid, mapped: mapped.clone() }).is_ok();
        if is_asked {
            self.open.fetch_add(1, Ordering::Relaxed);
        }
        is_asked
    }

    /// The answers so far.
    pub(super) fn answers(&self) -> Vec<SearchResult> {
        let answers: Vec<_> = self.answers.try_iter().collect();
        self.open.fetch_sub(answers.len(), Ordering::Relaxed);
        answers
    }

    /// Everything that was asked for is answered, and the answers were taken.
    pub(super) fn is_idle(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0
    }
}

fn work(
    proc: &Path,
    abilities: Abilities,
    pace: Pace,
    asked: &Receiver<Question>,
    answered: &Sender<SearchResult>,
    running: &Receiver<()>,
) {
    while let Ok(Question { pid, mapped }) = asked.recv() {
        let begun = Instant::now();
        let found = search(proc, abilities, pid, &mapped);
        if answered.send(SearchResult { pid, mapped, found }).is_err() {
            return;
        }
        let rest = match pace {
            Pace::Rests => begun.elapsed().saturating_mul(REST),
            Pace::Hurries => Duration::ZERO,
        };
        if running.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

fn search(proc: &Path, abilities: Abilities, pid: u32, mapped: &MappedFile) -> Result<Found, ()> {
    let Some((file, _)) = searchable(proc, pid, mapped).map_err(drop)? else {
        return Ok(Found::Nothing);
    };
    let Some(unseen) = linked_in(&file).map_err(drop)? else { return Ok(Found::Nothing) };
    let name = mapped.path.display().to_string();
    let examined = SafeFile::from_file(file, name)
        .and_then(|file| examine_stripped(&file, Processor::native(), abilities));
    Ok(match examined {
        Ok(Some(examined)) => Found::Located(unseen, Box::new(examined)),
        Ok(None) => Found::Unreadable(unseen, None),
        Err(refusal) => Found::Unreadable(unseen, Some(refusal.reason.to_string())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};
    use wrongdoor_procfs::{ProcessSeen, Scanner};

    const ABILITIES: Abilities = Abilities { uretprobe: true };

    /// A process that does not outlive a test that fails.
    struct Child(std::process::Child);

    impl Drop for Child {
        fn drop(&mut self) {
            drop(self.0.kill());
            drop(self.0.wait());
        }
    }

    /// A copy of `sleep` with what stands in programs that have BoringSSL linked in, as large as those.
    fn stand_in(folder: &Path) -> PathBuf {
        let mut bytes = fs::read("/bin/sleep").unwrap();
        bytes.extend_from_slice(b"../../external/boringssl/src/ssl/ssl_lib.cc\0");
        bytes.resize(2 << 20, 0);
        let path = folder.join("edge");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_running_program_is_searched_and_one_that_is_gone_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let program = stand_in(folder.path());
        let mut child =
            Child(Command::new(program).arg("600").stdin(Stdio::null()).spawn().unwrap());
        let proc = Path::new("/proc");
        let program = loop {
            let seen = Scanner::new(proc).scan_one(child.0.id(), Instant::now());
            // Until its program is loaded, the process is this one, and then for a moment has no program mapped.
            let seen = seen.filter(|seen| seen.command == "edge");
            if let Some(program) = seen.as_ref().and_then(ProcessSeen::program) {
                break program.clone();
            }
        };
        let search = Search::start(proc, ABILITIES, Pace::Rests).unwrap();
        assert!(search.ask(child.0.id(), &program));
        let answer = search.answers.recv().unwrap();
        assert_eq!(answer.mapped, program);
        let Ok(Found::Unreadable(unseen, None)) = answer.found else { panic!("{answer:?}") };
        assert!(unseen.what.contains("BoringSSL"));
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        drop(folder);
        assert!(search.ask(child.0.id(), &program));
        let answer = search.answers.recv().unwrap();
        assert!(answer.found.is_err(), "{answer:?}");
    }

    #[test]
    fn more_than_wait_are_refused() {
        let (questions, _kept) = sync_channel(MAX_WAITING);
        let ((_, answers), (running, _)) = (channel(), channel());
        let open = Arc::default();
        let search = Search { questions, answers, open, _running: running };
        let process = wrongdoor_procfs::testing::process(1, "x");
        let program = process.program().unwrap();
        assert!((0..MAX_WAITING).all(|_| search.ask(1, program)));
        assert!(!search.ask(1, program));
    }
}
