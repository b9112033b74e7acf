use super::*;
use crate::export::output::testing::Disk;
use crate::export::{JsonLines, Output};
use crate::testing::misdirected;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::time::Instant;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Events that go to an open descriptor.
fn events_to(descriptor: RawFd, room: usize) -> EventsSink {
    let path = format!("/proc/self/fd/{descriptor}");
    let output = Output::open(Some(Path::new(&path))).unwrap();
    EventsSink::with_room_for(room, Box::new(JsonLines::new(output)), EventsOf::Misdirected)
        .unwrap()
}

#[test]
fn an_output_that_takes_nothing_costs_records_and_no_time() {
    let (mut reader, mut writer) = io::pipe().unwrap();
    // As much as fits in, so that the first line blocks its writer.
    writer.write_all(&[b'\n'; 64 * 1024]).unwrap();
    let mut events = events_to(writer.as_raw_fd(), 2);
    drop(writer);
    let started = Instant::now();
    for _ in 0..100 {
        events.offer(misdirected());
    }
    assert!(started.elapsed() < Duration::from_secs(60));
    let written = events.written();
    assert!(written.wanted == 100 && written.queue_full > 0, "{written:?}");
    assert_eq!((written.failed, written.over_limit), (0, 0));

    let reading = thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    events.finish(Summary::default(), TIMEOUT).unwrap();
    let text = reading.join().unwrap();
    let lines = text.lines().filter(|line| line.starts_with(r#"{"type":"exchange""#)).count();
    assert_eq!(lines as u64, written.wanted - written.queue_full);
    assert_eq!(text.lines().filter(|line| line.starts_with(r#"{"type":"summary""#)).count(), 1);
}

/// Events that go to this disk.
fn events_on(disk: &Disk) -> EventsSink {
    let lines = Box::new(JsonLines::new(Output::to_disk(disk.clone())));
    EventsSink::with_room_for(64, lines, EventsOf::Misdirected).unwrap()
}

/// Waits until the writer has taken all that was offered, and returns how many records were lost.
fn settled(events: &EventsSink, disk: &Disk, lines: usize) -> u64 {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let written = events.written();
        let arrived = disk.text().lines().count();
        if written.failed + lines as u64 == written.wanted && arrived == lines {
            return written.failed;
        }
        assert!(Instant::now() < deadline, "{written:?}, {arrived} lines");
        thread::yield_now();
    }
}

#[test]
fn events_that_do_not_fit_on_a_full_disk_are_counted_and_later_ones_are_written() {
    let disk = Disk::file(100);
    let mut events = events_on(&disk);
    for _ in 0..5 {
        events.offer(misdirected());
    }
    assert_eq!(settled(&events, &disk, 0), 5);
    disk.grow(1 << 20);
    events.offer(misdirected());
    assert_eq!(settled(&events, &disk, 1), 5);
    events.finish(Summary::default(), TIMEOUT).unwrap();
    let text = disk.text();
    let kinds: Vec<_> = text.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(kinds, [r#"{"type":"exchange""#, r#"{"type":"summary""#]);
}

#[test]
fn a_disk_that_is_full_at_the_end_is_an_error() {
    let mut events = events_on(&Disk::file(100));
    events.offer(misdirected());
    let failure = events.finish(Summary::default(), TIMEOUT).unwrap_err();
    assert!(matches!(failure, OutputError::Failed { .. }), "{failure}");
}

#[test]
fn events_behind_a_closed_pipe_are_counted() {
    let (reader, writer) = io::pipe().unwrap();
    let mut events = events_to(writer.as_raw_fd(), 64);
    drop((reader, writer));
    for _ in 0..5 {
        events.offer(misdirected());
    }
    let output = Arc::clone(&events.output);
    let failure = events.finish(Summary::default(), TIMEOUT).unwrap_err();
    assert!(failure.is_closed_pipe(), "{failure}");
    assert_eq!(output.lost.load(Ordering::Relaxed), 5);
}

#[test]
fn what_is_written_arrives_while_the_run_goes_on() {
    let (mut reader, writer) = io::pipe().unwrap();
    let mut events = events_to(writer.as_raw_fd(), 8);
    drop(writer);
    events.offer(misdirected());
    let mut byte = [0];
    reader.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"{");
    events.finish(Summary::default(), TIMEOUT).unwrap();
}
