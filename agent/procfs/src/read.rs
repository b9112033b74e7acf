//! One process, as `/proc` shows it.

use super::stat::{self, Stat};
use super::{ProcessNamespaces, ProcessSeen, cgroup, maps};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The most of a small file in `/proc`; the largest, `cgroup`, has a path of 4 KiB for each hierarchy.
pub(super) const MAX_SMALL_FILE: u64 = 64 << 10;
const MAPS_BUFFER: usize = 64 << 10;

/// Reads processes.
#[derive(Debug)]
pub(super) struct ProcessReader {
    proc: PathBuf,
    /// Our own process: not a user of anything.
    own: Option<u32>,
    /// The first process, and ours: those that live like them are in no container of their own.
    home: [Home; 2],
}

/// Where a process that is in no container lives.
#[derive(Debug, Default)]
struct Home {
    namespaces: ProcessNamespaces,
    cgroup: String,
}

/// What looking at a process took: a bound on what one process may take of a scan.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Files that are told.
    pub(super) files: usize,
    /// The bytes of their paths.
    pub(super) path_bytes: usize,
    /// Bytes that the kernel wrote and we read for it.
    pub(super) read_bytes: u64,
}

/// What came of looking at a process.
#[derive(Debug)]
pub(super) enum LookResult<T> {
    Seen(T),
    /// It has ended, or has no program.
    Nothing,
    /// The kernel does not let us.
    Forbidden,
}

// === impl ProcessReader ===

impl ProcessReader {
    pub(super) fn new(proc: &Path) -> Self {
        let link = std::fs::read_link(proc.join("self")).ok();
        let own = link.and_then(|link| link.to_str()?.parse().ok());
        let mut reader =
            Self { proc: proc.to_owned(), own, home: [Home::default(), Home::default()] };
        reader.home = [reader.home_of("1"), reader.home_of("self")];
        reader
    }

    /// The numbers of all processes but our own.
    pub(super) fn pids(&self) -> io::Result<impl Iterator<Item = u32> + use<>> {
        let own = self.own;
        let entries = std::fs::read_dir(&self.proc)?;
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        Ok(pids.filter(move |pid| Some(*pid) != own))
    }

    /// What it is, at little cost.
    pub(super) fn stat(&self, pid: u32) -> LookResult<Stat> {
        if Some(pid) == self.own {
            return LookResult::Nothing;
        }
        match read_bounded(&self.folder(pid).join("stat"), MAX_SMALL_FILE) {
            Ok(bytes) => match stat::parse(&bytes).filter(|stat| stat.has_program) {
                Some(stat) => LookResult::Seen(stat),
                None => LookResult::Nothing,
            },
            Err(error) => LookResult::refused(&error),
        }
    }

    /// Where its program is, as the kernel shows it. The file itself is not touched: it may be on a file
    /// system that a container serves, and never answers.
    pub(super) fn program(&self, pid: u32) -> LookResult<Vec<u8>> {
        match std::fs::read_link(self.folder(pid).join("exe")) {
            Ok(path) => LookResult::Seen(path.into_os_string().into_vec()),
            Err(error) => LookResult::refused(&error),
        }
    }

    /// All of it, and what that took.
    pub(super) fn process(
        &self,
        pid: u32,
        stat: Stat,
        program: &[u8],
    ) -> LookResult<(ProcessSeen, Cost)> {
        let folder = self.folder(pid);
        let files = File::open(folder.join("maps"))
            .and_then(|maps| maps::read(BufReader::with_capacity(MAPS_BUFFER, maps), program));
        let files = match files {
            Ok(files) => files,
            Err(error) => return LookResult::refused(&error),
        };
        let cost = Cost {
            files: files.mapped.len(),
            path_bytes: files.path_bytes,
            read_bytes: files.read_bytes,
        };
        let namespaces = namespaces(&folder);
        let groups = groups(&folder);
        // The number may be another's by now, and half of what was read with it.
        match self.stat(pid) {
            LookResult::Seen(now) if now.start_time == stat.start_time => {}
            _ => return LookResult::Nothing,
        }
        let process = ProcessSeen {
            pid,
            start_time: stat.start_time,
            command: stat.command,
            cgroup: cgroup::path(&groups).to_owned(),
            container: self.container(&groups, namespaces),
            pod: cgroup::pod_uid(&groups),
            namespaces,
            mapped: files.mapped,
            is_cut: files.is_cut,
        };
        LookResult::Seen((process, cost))
    }

    /// The container's id; or the group's name, where nothing else than a container can be the reason
    /// that the process lives apart, in a group that is not ours.
    fn container(&self, groups: &str, namespaces: ProcessNamespaces) -> Option<String> {
        if let Some(id) = cgroup::container_id(groups) {
            return Some(id);
        }
        let path = cgroup::path(groups);
        let [first, ours] = &self.home;
        // The first process may be closed to us: then ours alone decides.
        let lives_apart = namespaces.apart(ours.namespaces)
            && (first.namespaces.mnt.is_none() || namespaces.apart(first.namespaces));
        let has_own_group = self.home.iter().all(|home| home.cgroup != path);
        (lives_apart && has_own_group).then(|| cgroup::container_name(path)).flatten()
    }

    fn home_of(&self, process: &str) -> Home {
        let folder = self.proc.join(process);
        Home { namespaces: namespaces(&folder), cgroup: cgroup::path(&groups(&folder)).to_owned() }
    }

    fn folder(&self, pid: u32) -> PathBuf {
        self.proc.join(pid.to_string())
    }
}

// === impl LookResult ===

impl<T> LookResult<T> {
    fn refused(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Forbidden,
            // It went away while we looked: `ENOENT` of its folder, `ESRCH` of what was open already.
            _ => Self::Nothing,
        }
    }
}

// === impl ProcessNamespaces ===

impl ProcessNamespaces {
    /// Known to be apart in what containers always have of their own.
    fn apart(self, other: Self) -> bool {
        let differ = |a: Option<u64>, b: Option<u64>| a.zip(b).is_some_and(|(a, b)| a != b);
        differ(self.mnt, other.mnt) || differ(self.pid, other.pid)
    }
}

fn namespaces(folder: &Path) -> ProcessNamespaces {
    let inode = |kind: &str| {
        let link = std::fs::read_link(folder.join("ns").join(kind)).ok()?;
        let digits = link.to_str()?.strip_prefix(kind)?.strip_prefix(":[")?.strip_suffix(']')?;
        digits.parse().ok()
    };
    ProcessNamespaces { net: inode("net"), mnt: inode("mnt"), pid: inode("pid") }
}

fn groups(folder: &Path) -> String {
    let bytes = read_bounded(&folder.join("cgroup"), MAX_SMALL_FILE).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The file, or as much of it as the limit allows.
pub(super) fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
