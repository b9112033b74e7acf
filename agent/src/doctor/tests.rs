//! Reports of machines that there are not, and of this one.

use super::report::{Area, Check, ProgramReport, State};
use super::*;
use crate::capture::ebpf::LibraryReport;
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;
use wrongdoor_procfs::testing::FakeProc;
use wrongdoor_procfs::{Device, FileId};

const EVERYTHING: &str = "000001ffffffffff";

/// A machine where everything is as it should be, seen by a process with these capabilities.
struct Machine {
    proc: FakeProc,
    sys: TempDir,
}

impl Machine {
    fn new(capabilities: &str) -> Self {
        let proc = FakeProc::new();
        let sys = TempDir::new().unwrap();
        let write = |path: &str, text: &str| {
            let path = proc.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("sys/kernel/osrelease", "6.18.44\n");
        write("99/status", &format!("Name:\tx\nCapEff:\t{capabilities}\nSeccomp:\t0\n"));
        write("99/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        for (kind, number) in [("pid", 4_026_531_836_u64), ("cgroup", 4_026_531_835)] {
            let link = proc.path().join("99/ns").join(kind);
            drop(fs::remove_file(&link));
            symlink(format!("{kind}:[{number}]"), link).unwrap();
        }
        fs::create_dir_all(sys.path().join("kernel/btf")).unwrap();
        fs::write(sys.path().join("kernel/btf/vmlinux"), "").unwrap();
        Self { proc, sys }
    }

    fn report(&self, live: LoadedProbes) -> DoctorReport {
        let system = System { proc: self.proc.path().to_owned(), sys: self.sys.path().to_owned() };
        examine(&system, live, Instant::now())
    }
}

fn program(loaded: Result<(), String>) -> ProgramReport {
    ProgramReport {
        program: "tls_write".to_owned(),
        loaded,
        stand_in: None,
        attached: 3,
        purpose: "plaintext that programs send".to_owned(),
        remedy: Some("run a newer kernel".to_owned()),
    }
}

fn probes(programs: Vec<ProgramReport>) -> LoadedProbes {
    LoadedProbes { has_probes: true, programs, libraries: vec![] }
}

fn finding<'a>(report: &'a DoctorReport, name: &str) -> &'a Check {
    report.findings.iter().find(|finding| finding.name == name).unwrap()
}

#[test]
fn a_good_machine_works() {
    let report = Machine::new(EVERYTHING).report(probes(vec![program(Ok(()))]));
    assert_eq!(report.condition(), Condition::Works, "{report:?}");
}

#[test]
fn a_machine_whose_kernel_needs_a_stand_in_works() {
    let refused = program(Err("unknown type".to_owned()));
    let stood_in = ProgramReport { stand_in: Some("tcp_sends"), remedy: None, ..refused.clone() };
    let report = Machine::new(EVERYTHING).report(probes(vec![program(Ok(())), stood_in]));
    assert_eq!(report.condition(), Condition::Works, "{report:?}");
    let text = table(&report, false);
    assert!(text.contains("tcp_sends stands in") && !text.contains("refused"), "{text}");
    let report = Machine::new(EVERYTHING).report(probes(vec![program(Ok(())), refused]));
    assert_eq!(report.condition(), Condition::Partly, "{report:?}");
}

#[test]
fn a_build_without_probes_says_so() {
    let report = Machine::new(EVERYTHING).report(LoadedProbes::default());
    assert_eq!(report.condition(), Condition::Unavailable);
    let finding = finding(&report, "probes");
    assert_eq!((finding.area, finding.state), (Area::Build, State::Missing));
    assert!(finding.remedy.as_ref().unwrap().contains("cargo xtask setup"));
}

#[test]
fn privileges_alone_are_told_apart() {
    let machine = Machine::new("0000000000000000");
    assert_eq!(machine.report(probes(vec![])).condition(), Condition::Unprivileged);
    let refused = probes(vec![program(Err("Operation not permitted".to_owned()))]);
    assert_eq!(machine.report(refused).condition(), Condition::Unprivileged);
    // What the kernel did counts more than what was expected.
    assert_eq!(machine.report(probes(vec![program(Ok(()))])).condition(), Condition::Partly);
    fs::remove_file(machine.sys.path().join("kernel/btf/vmlinux")).unwrap();
    assert_eq!(machine.report(probes(vec![])).condition(), Condition::Unavailable);
}

#[test]
fn a_kernel_that_refuses_all_programs_is_not_enough() {
    let machine = Machine::new(EVERYTHING);
    let refused = probes(vec![program(Err("Invalid argument".to_owned()))]);
    assert_eq!(machine.report(refused).condition(), Condition::Unavailable);
    let some = probes(vec![program(Err("Invalid argument".to_owned())), program(Ok(()))]);
    assert_eq!(machine.report(some).condition(), Condition::Partly);
}

#[test]
fn java_is_told_as_unseen() {
    let machine = Machine::new(EVERYTHING);
    machine
        .proc
        .add(7, "java")
        .maps("1000-2000 r-xp 0 fe:00 9 /usr/lib/jvm/lib/server/libjvm.so\n");
    let report = machine.report(probes(vec![program(Ok(()))]));
    assert_eq!(report.condition(), Condition::Partly);
    assert!(
        table(&report, false).ends_with("except for the processes that the agent cannot read.\n")
    );
    let unseen: Vec<_> =
        report.unseen.iter().map(|user| (user.pid, user.command.as_str())).collect();
    assert_eq!(unseen, [(7, "java")]);
}

#[test]
fn tables_are_narrow_and_obey_nobody() {
    let machine = Machine::new("0000000000000000");
    let java = machine.proc.add(7, "java");
    java.stat("\u{1b}[31mjava", 100, 0);
    java.maps("1000-2000 r-xp 0 fe:00 9 /libjvm.so\n");
    let library = LibraryReport {
        path: format!("/{}/libssl.so.3\u{1b}[0m", "very-long".repeat(50)),
        kind: "openssl".to_owned(),
        version: Some("3.0.19".to_owned()),
        file: FileId { device: Device { major: 254, minor: 0 }, inode: 9 },
        users: vec![(7, "nginx\r".to_owned()); 9],
        attach_points: 12,
        missing: vec!["SSL_write_ex2".to_owned()],
        refused: None,
    };
    let mut live = probes(vec![program(Ok(())), program(Err("Invalid argument\n".repeat(99)))]);
    live.libraries.push(library);
    let report = machine.report(live);
    let text = table(&report, false);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
    for part in ["This machine", "CAP_BPF", "SSL_write_ex2", "and 6 more", "libssl.so.3", "JSSE"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let line = String::from_utf8(json(&report)).unwrap();
    assert!(line.starts_with(r#"{"type":"doctor","version":""#) && line.ends_with("}\n"));
    assert_eq!(line.lines().count(), 1);
    assert!(line.contains(r#""device":"254:0","inode":9,"users":[{"pid":7,"command":"nginx\r"}"#));
}

#[test]
fn this_machine_can_be_examined() {
    let report = examine(&System::here(), LoadedProbes::default(), Instant::now());
    assert_eq!(finding(&report, "release").state, State::Ok);
    assert!(!table(&report, true).is_empty() && !json(&report).is_empty());
}
