//! Opening what a process has mapped.

use super::super::testing::{FakeProc, FakeProcess};
use super::super::{
    Certainty, Device, FileId, MappedFile, MappedFileError, ProcessSeen, Scanner, open,
};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A container's root with a library in it, and a process that has it mapped.
struct Container {
    proc: FakeProc,
    process: FakeProcess,
    root: TempDir,
    mapped: MappedFile,
}

const LIBRARY: &str = "usr/lib/libssl.so.3";

impl Container {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        fs::create_dir_all(root.path().join("usr/lib")).unwrap();
        fs::write(root.path().join(LIBRARY), "library").unwrap();
        let proc = FakeProc::new();
        let process = proc.add(7, "nginx");
        process.link("root", root.path().to_str().unwrap());
        let mapped = MappedFile {
            file: identity(&root.path().join(LIBRARY)),
            path: Path::new("/").join(LIBRARY),
            range: 0x1000..0x2000,
            is_deleted: false,
            is_program: false,
        };
        Self { proc, process, root, mapped }
    }

    fn open(&self) -> Result<super::super::OpenedFile, MappedFileError> {
        open(self.proc.path(), 7, &self.mapped)
    }
}

fn identity(path: &Path) -> FileId {
    let metadata = fs::metadata(path).unwrap();
    let device = Device {
        major: rustix::fs::major(metadata.dev()),
        minor: rustix::fs::minor(metadata.dev()),
    };
    FileId { device, inode: metadata.ino() }
}

#[test]
fn the_file_is_found_below_the_root() {
    let container = Container::new();
    let opened = container.open().unwrap();
    assert_eq!(opened.certainty, Certainty::Sure);
    assert!(opened.found_at.ends_with(LIBRARY));
    // By then it may have another path, or none.
    fs::remove_file(container.root.path().join(LIBRARY)).unwrap();
    assert_eq!(fs::read(opened.path()).unwrap(), b"library");
}

#[test]
fn the_mapping_comes_before_the_path() {
    let container = Container::new();
    fs::create_dir(container.proc.path().join("7/map_files")).unwrap();
    let library = container.root.path().join(LIBRARY);
    let moved = container.root.path().join("moved");
    fs::rename(&library, &moved).unwrap();
    fs::write(&library, "another").unwrap();
    assert!(matches!(container.open(), Err(MappedFileError::Replaced)));
    container.process.link("map_files/1000-2000", moved.to_str().unwrap());
    let opened = container.open().unwrap();
    assert_eq!(opened.certainty, Certainty::Sure);
    assert_eq!(fs::read(opened.path()).unwrap(), b"library");
}

#[test]
fn another_device_with_the_same_inode_is_not_sure() {
    let mut container = Container::new();
    container.mapped.file.device.minor += 1;
    assert_eq!(container.open().unwrap().certainty, Certainty::Unsure);
}

#[test]
fn links_are_not_followed_out_of_the_container_or_in_it() {
    let container = Container::new();
    let library = container.root.path().join(LIBRARY);
    let moved = container.root.path().join("moved");
    fs::rename(&library, &moved).unwrap();
    symlink(&moved, &library).unwrap();
    assert!(matches!(container.open(), Err(MappedFileError::Refused(_))));
    let mut outside = Container::new();
    outside.mapped.path = Path::new("/../../../etc/passwd").to_owned();
    outside.mapped.file = identity(Path::new("/etc/passwd"));
    assert!(outside.open().is_err());
}

#[test]
fn only_regular_files_are_opened() {
    let mut container = Container::new();
    container.mapped.path = Path::new("/usr/lib").to_owned();
    container.mapped.file = identity(&container.root.path().join("usr/lib"));
    assert!(matches!(container.open(), Err(MappedFileError::NotRegular)));
}

#[test]
fn what_may_never_answer_is_not_touched() {
    let container = Container::new();
    let device = container.mapped.file.device;
    container.process.write("mountinfo", &format!("1 0 {device} / / rw - fuse.trap trap rw\n"));
    let error = container.open().unwrap_err();
    let expected = "it is on a fuse.trap file system, which may never answer";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn on_this_machine_a_child_is_found_and_its_program_opened() {
    let mut child = Command::new("/bin/sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
    let proc = Path::new("/proc");
    let mut scanner = Scanner::new(proc);
    let has_libc = |process: &ProcessSeen| {
        process.mapped.iter().any(|mapped| mapped.path.to_string_lossy().contains("libc.so"))
    };
    // Its linker needs a moment.
    let mut seen = None;
    for _ in 0..500 {
        seen = scanner.scan_one(child.id(), Instant::now()).filter(has_libc);
        if seen.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let opened = seen.as_ref().and_then(|process| process.program().cloned()).map(|program| {
        let opened = open(proc, child.id(), &program).unwrap();
        (program, opened)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let seen = seen.unwrap();
    assert!(seen.start_time > 0 && seen.namespaces.mnt.is_some() && !seen.cgroup.is_empty());
    let (program, opened) = opened.unwrap();
    assert_eq!(fs::metadata(opened.path()).unwrap().ino(), program.file.inode);
    assert!(fs::read(opened.path()).unwrap().starts_with(b"\x7fELF"));
}

#[test]
fn on_this_machine_we_are_not_among_the_processes() {
    let scan = Scanner::new(Path::new("/proc")).scan_all(Instant::now());
    assert!(scan.seen.iter().all(|process| process.pid != std::process::id()));
}
