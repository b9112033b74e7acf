//! Searches programs for TLS that is linked in, in a thread of its own: reading a whole program takes its time, and neither
//! the ring nor the traps of other programs may wait for it.

use super::unseen::{linked_in, searchable};
use super::{FileId, MappedFile, Unseen};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Instant;

/// The most programs that wait to be searched; others are asked for again.
const MAX_WAITING: usize = 256;
/// After a search the thread rests so many times as long as it took: a tenth of a processor is enough for what is done once
/// for each program.
const REST: u32 = 9;

/// The running thread. It ends when this is dropped; a search that goes on then is not waited for.
#[derive(Debug)]
pub struct Search {
    questions: SyncSender<Question>,
    answers: Receiver<SearchResult>,
    /// Dropped with this: it wakes the thread from its rest.
    _running: Sender<()>,
}

/// A program that a process runs.
struct Question {
    pid: u32,
    program: MappedFile,
}

/// What came of a search.
#[derive(Debug, PartialEq, Eq)]
pub struct SearchResult {
    /// Of which program.
    pub program: FileId,
    /// What is linked in, if anything. `Err` where the program could not be read: its process has ended, for example.
    pub found: Result<Option<Unseen>, ()>,
}

impl Search {
    /// Starts the thread, which has the privileges of this one.
    pub fn start(proc: &Path) -> io::Result<Self> {
        let (questions, asked) = sync_channel(MAX_WAITING);
        let (answered, answers) = channel();
        let (running, rest) = channel();
        let proc = proc.to_owned();
        std::thread::Builder::new()
            .name("search".to_owned())
            .spawn(move || work(&proc, &asked, &answered, &rest))?;
        Ok(Self { questions, answers, _running: running })
    }

    /// Asks for the program of a process to be searched; false where too many wait.
    pub fn ask(&self, pid: u32, program: &MappedFile) -> bool {
        self.questions.try_send(Question { pid, program: program.clone() }).is_ok()
    }

    /// The answers so far.
    pub fn answers(&self) -> impl Iterator<Item = SearchResult> {
        self.answers.try_iter()
    }
}

fn work(
    proc: &Path,
    asked: &Receiver<Question>,
    answered: &Sender<SearchResult>,
    running: &Receiver<()>,
) {
    while let Ok(Question { pid, program }) = asked.recv() {
        let begun = Instant::now();
        let opened = searchable(proc, pid, &program).map_err(drop);
        let found = opened.and_then(|opened| match opened {
            Some((file, _)) => linked_in(file).map_err(drop),
            None => Ok(None),
        });
        if answered.send(SearchResult { program: program.file, found }).is_err() {
            return;
        }
        let rest = begun.elapsed().saturating_mul(REST);
        if running.recv_timeout(rest) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ProcessSeen, Scanner};
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

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
        let search = Search::start(proc).unwrap();
        assert!(search.ask(child.0.id(), &program));
        let answer = search.answers.recv().unwrap();
        assert_eq!(answer.program, program.file);
        assert!(answer.found.unwrap().unwrap().what.contains("BoringSSL"));
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        drop(folder);
        assert!(search.ask(child.0.id(), &program));
        assert_eq!(
            search.answers.recv().unwrap(),
            SearchResult { program: program.file, found: Err(()) }
        );
    }

    #[test]
    fn more_than_wait_are_refused() {
        let (questions, _kept) = sync_channel(MAX_WAITING);
        let ((_, answers), (running, _)) = (channel(), channel());
        let search = Search { questions, answers, _running: running };
        let process = super::super::testing::process(1, "x");
        let program = process.program().unwrap();
        assert!((0..MAX_WAITING).all(|_| search.ask(1, program)));
        assert!(!search.ask(1, program));
    }
}
