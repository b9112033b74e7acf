//! Processes that there are not, for tests.

use super::{Device, FileId, Mapped, Namespaces, ProcessSeen};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A process with a program of a long name and one library.
pub(crate) fn process(pid: u32, command: &str) -> ProcessSeen {
    let mapped = |inode, path: &str, is_program| Mapped {
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
        namespaces: Namespaces::default(),
        mapped: vec![
            mapped(7, "/usr/bin/a-program-with-a-long-name", true),
            mapped(8, "/usr/lib/libssl.so.3", false),
        ],
        is_cut: false,
    }
}

/// A `/proc` in a temporary folder. Its own process is 99.
pub(crate) struct FakeProc {
    folder: TempDir,
}

impl FakeProc {
    pub(crate) fn new() -> Self {
        let fake = Self { folder: TempDir::new().unwrap() };
        symlink("99", fake.path().join("self")).unwrap();
        fake.add(1, "init").namespaces(1, "/init.scope");
        fake.add(99, "wrongdoor").namespaces(1, "/system.slice/wrongdoor.service");
        fake
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A process with `/usr/bin/COMMAND` as its program, of inode PID.
    pub(crate) fn add(&self, pid: u32, command: &str) -> FakeProcess {
        let folder = self.path().join(pid.to_string());
        fs::create_dir_all(folder.join("ns")).unwrap();
        let process = FakeProcess { folder, pid };
        process.stat(command, 100, 0);
        process.link("exe", &format!("/usr/bin/{command}"));
        process.maps(&format!("1000-2000 r-xp 0 fe:00 {pid} /usr/bin/{command}\n"));
        process.namespaces(1, "/user.slice")
    }

    pub(crate) fn remove(&self, pid: u32) {
        fs::remove_dir_all(self.path().join(pid.to_string())).unwrap();
    }
}

pub(crate) struct FakeProcess {
    folder: PathBuf,
    pid: u32,
}

impl FakeProcess {
    pub(crate) fn stat(&self, command: &str, start_time: u64, flags: u64) {
        let pid = self.pid;
        let line = format!(
            "{pid} ({command}) S 1 7 7 0 -1 {flags} 98 0 0 0 0 0 0 0 20 0 1 0 {start_time} 1 2\n"
        );
        self.write("stat", &line);
    }

    pub(crate) fn maps(&self, text: &str) {
        self.write("maps", text);
    }

    /// With these numbers of namespaces, in this group.
    pub(crate) fn namespaces(self, number: u64, cgroup: &str) -> Self {
        for kind in ["net", "mnt", "pid"] {
            self.link(&format!("ns/{kind}"), &format!("{kind}:[{number}]"));
        }
        self.write("cgroup", &format!("0::{cgroup}\n"));
        self
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    pub(crate) fn link(&self, name: &str, to: &str) {
        let link = self.folder.join(name);
        drop(fs::remove_file(&link));
        symlink(to, link).unwrap();
    }
}
