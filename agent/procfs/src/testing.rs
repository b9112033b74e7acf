//! Made-up processes, for tests.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot make its folder fails"
)]

use super::{Device, FileId, MappedFile, ProcessNamespaces, ProcessSeen};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A process with a program of a long name and one library.
pub fn process(pid: u32, command: &str) -> ProcessSeen {
    let mapped = |inode, path: &str, is_program| MappedFile {
        file: FileId { device: Device { major: 254, minor: 0 }, inode },
        path: PathBuf::from(path),
        range: 0x1000..0x2000,
        is_deleted: false,
        is_program,
    };
    ProcessSeen {
        pid,
        start_time: 100,
        command: command.to_owned(),
        cgroup: "/".to_owned(),
        container: None,
        pod: None,
        namespaces: ProcessNamespaces::default(),
        mapped: vec![
            mapped(7, "/usr/bin/a-program-with-a-long-name", true),
            mapped(8, "/usr/lib/libssl.so.3", false),
        ],
        is_cut: false,
    }
}

/// A `/proc` in a temporary folder. Its own process is 99.
#[derive(Debug)]
pub struct FakeProc {
    folder: TempDir,
}

impl FakeProc {
    /// With `init` (1) and the agent itself (99).
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let fake = Self { folder: TempDir::new().unwrap() };
        symlink("99", fake.path().join("self")).unwrap();
        fake.add(1, "init").namespaces(1, "/init.scope");
        fake.add(99, "wrongdoor").namespaces(1, "/system.slice/wrongdoor.service");
        fake
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A process with `/usr/bin/COMMAND` as its program, of inode PID.
    pub fn add(&self, pid: u32, command: &str) -> FakeProcess {
        let folder = self.path().join(pid.to_string());
        fs::create_dir_all(folder.join("ns")).unwrap();
        let process = FakeProcess { folder, pid };
        process.stat(command, 100, 0);
        process.link("exe", &format!("/usr/bin/{command}"));
        process.maps(&format!("1000-2000 r-xp 0 fe:00 {pid} /usr/bin/{command}\n"));
        process.namespaces(1, "/user.slice")
    }

    /// Ends a process.
    pub fn remove(&self, pid: u32) {
        fs::remove_dir_all(self.path().join(pid.to_string())).unwrap();
    }
}

/// One process of a [`FakeProc`].
#[derive(Debug)]
pub struct FakeProcess {
    folder: PathBuf,
    pid: u32,
}

impl FakeProcess {
    /// Writes `stat`.
    pub fn stat(&self, command: &str, start_time: u64, flags: u64) {
        let pid = self.pid;
        let line = format!(
            "{pid} ({command}) S 1 7 7 0 -1 {flags} 98 0 0 0 0 0 0 0 20 0 1 0 {start_time} 1 2\n"
        );
        self.write("stat", &line);
    }

    /// Writes `maps`.
    pub fn maps(&self, text: &str) {
        self.write("maps", text);
    }

    /// With these numbers of namespaces, in this group.
    pub fn namespaces(self, number: u64, cgroup: &str) -> Self {
        for kind in ["net", "mnt", "pid"] {
            self.link(&format!("ns/{kind}"), &format!("{kind}:[{number}]"));
        }
        self.write("cgroup", &format!("0::{cgroup}\n"));
        self
    }

    /// Writes one of its files.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// Makes one of its links.
    pub fn link(&self, name: &str, to: &str) {
        let link = self.folder.join(name);
        drop(fs::remove_file(&link));
        symlink(to, link).unwrap();
    }
}
