//! Which processes are found, and how often they are looked at.

use super::super::testing::FakeProc;
use super::super::{ProcessKey, Scan, Scanner};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn pids(scan: &Scan) -> Vec<u32> {
    let mut pids: Vec<u32> = scan.seen.iter().map(|process| process.pid).collect();
    pids.sort_unstable();
    pids
}

#[test]
fn processes_are_told_whole() {
    let proc = FakeProc::new();
    let id = "0123456789abcdef".repeat(4);
    let nginx = proc.add(7, "nginx").namespaces(5, &format!("/kubepods/pod1/{id}"));
    nginx.maps(
        "1000-2000 r-xp 0 fe:00 7 /usr/bin/nginx\n3000-4000 r-xp 0 fe:00 8 /lib/libssl.so.3 (deleted)\n",
    );
    let scan = Scanner::new(proc.path()).scan_all(Instant::now());
    let process = scan.seen.iter().find(|process| process.pid == 7).unwrap();
    assert_eq!(process.key(), ProcessKey { pid: 7, start_time: 100 });
    assert_eq!(process.command, "nginx");
    assert_eq!(process.container, Some(id));
    assert_eq!(process.namespaces.net, Some(5));
    assert_eq!(process.program().unwrap().file.inode, 7);
    let paths: Vec<_> = process.mapped.iter().map(|m| (m.path.as_path(), m.is_deleted)).collect();
    assert_eq!(
        paths,
        [(Path::new("/usr/bin/nginx"), false), (Path::new("/lib/libssl.so.3"), true)]
    );
}

#[test]
fn we_and_kernel_threads_are_left_out() {
    let proc = FakeProc::new();
    proc.add(2, "kthreadd").stat("kthreadd", 100, 0x0020_0000);
    let scan = Scanner::new(proc.path()).scan_all(Instant::now());
    assert_eq!((pids(&scan), scan.running), (vec![1], 1));
}

#[test]
fn only_who_lives_apart_is_in_a_nameless_container() {
    let proc = FakeProc::new();
    drop(proc.add(3, "plain").namespaces(9, "/plain-one"));
    drop(proc.add(4, "sandboxed").namespaces(9, "/system.slice/wrongdoor.service"));
    drop(proc.add(5, "private-tmp").namespaces(9, "/system.slice/nginx.service"));
    drop(proc.add(6, "user").namespaces(1, "/plain-two"));
    let scan = Scanner::new(proc.path()).scan_all(Instant::now());
    let mut containers: Vec<_> =
        scan.seen.iter().map(|process| (process.pid, process.container.as_deref())).collect();
    containers.sort_unstable();
    assert_eq!(containers, [(1, None), (3, Some("plain-one")), (4, None), (5, None), (6, None)]);
}

#[test]
fn maps_are_read_while_young_and_then_seldom() {
    let proc = FakeProc::new();
    let mut scanner = Scanner::new(proc.path());
    let start = Instant::now();
    for (second, expected) in [
        (0, true),
        (1, true),
        (2, true),
        (4, true),
        (5, false),
        (33, false),
        (34, true),
        (35, false),
    ] {
        let scan = scanner.scan_all(start + Duration::from_secs(second));
        assert_eq!(!scan.seen.is_empty(), expected, "after {second} s");
        assert_eq!(scan.running, 1);
    }
}

#[test]
fn another_program_in_the_same_process_is_seen_at_once() {
    let proc = FakeProc::new();
    let shell = proc.add(7, "sh");
    let mut scanner = Scanner::new(proc.path());
    let start = Instant::now();
    scanner.scan_all(start);
    scanner.scan_all(start + Duration::from_secs(5));
    shell.link("exe", "/usr/bin/nginx");
    shell.maps("1000-2000 r-xp 0 fe:00 9 /usr/bin/nginx\n");
    let scan = scanner.scan_all(start + Duration::from_secs(6));
    assert_eq!(pids(&scan), [7]);
    assert_eq!(scan.seen[0].program().unwrap().path, PathBuf::from("/usr/bin/nginx"));
    assert!(scan.gone.is_empty());
}

#[test]
fn ended_processes_are_told_and_numbers_are_used_again() {
    let proc = FakeProc::new();
    let seven = proc.add(7, "a");
    drop(proc.add(8, "b"));
    let mut scanner = Scanner::new(proc.path());
    let start = Instant::now();
    scanner.scan_all(start);
    seven.stat("a", 200, 0);
    assert_eq!(scanner.scan_one(7, start).unwrap().start_time, 200);
    proc.remove(8);
    assert!(scanner.scan_one(8, start).is_none());
    let scan = scanner.scan_all(start);
    let gone = [ProcessKey { pid: 7, start_time: 100 }, ProcessKey { pid: 8, start_time: 100 }];
    assert_eq!(scan.gone, gone);
    assert!(scanner.scan_all(start).gone.is_empty());
}

#[test]
fn processes_that_vanish_or_are_nonsense_are_no_errors() {
    let proc = FakeProc::new();
    let fake = proc.add(7, "half");
    std::fs::remove_file(proc.path().join("7/maps")).unwrap();
    proc.add(8, "empty").write("stat", "");
    let mut scanner = Scanner::new(proc.path());
    assert_eq!(pids(&scanner.scan_all(Instant::now())), [1]);
    assert!(scanner.scan_one(12345, Instant::now()).is_none());
    fake.maps("");
    assert!(scanner.scan_one(7, Instant::now()).unwrap().mapped.is_empty());
    let nowhere = Scanner::new(Path::new("/nonexistent")).scan_all(Instant::now());
    assert_eq!(nowhere.running, 0);
}

#[test]
fn one_scan_brings_only_so_much_and_the_rest_comes_first_in_the_next() {
    let proc = FakeProc::new();
    let folder = "x".repeat(4000);
    let maps: String =
        (1..=64).map(|inode| format!("1000-2000 r-xp 0 fe:00 {inode} /{folder}\n")).collect();
    for pid in 1000..1140 {
        proc.add(pid, "big").maps(&maps);
    }
    let mut scanner = Scanner::new(proc.path());
    let now = Instant::now();
    let first = scanner.scan_all(now);
    assert!(first.deferred > 0 && first.seen.len() + first.deferred == 141);
    let second = scanner.scan_all(now + Duration::from_secs(1));
    let (first, second) = (pids(&first), pids(&second));
    let mut both: Vec<u32> = first.into_iter().chain(second).collect();
    both.sort_unstable();
    both.dedup();
    assert_eq!(both.len(), 141);
}
