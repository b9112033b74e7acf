use super::*;
use crate::export::Output;
use crate::testing::misdirected;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::time::Instant;

const PATIENCE: Duration = Duration::from_secs(5);

/// Events that go to an open descriptor.
fn events_to(descriptor: RawFd, room: usize) -> Events {
    let path = format!("/proc/self/fd/{descriptor}");
    let output = Output::open(Some(Path::new(&path))).unwrap();
    Events::with_room_for(room, JsonLines::new(output), EventsOf::Misdirected).unwrap()
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
        assert!(events.offer(misdirected()));
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
    events.finish(Summary::default(), PATIENCE).unwrap();
    let text = reading.join().unwrap();
    let lines = text.lines().filter(|line| line.starts_with(r#"{"type":"exchange""#)).count();
    assert_eq!(lines as u64, written.wanted - written.queue_full);
    assert_eq!(text.lines().filter(|line| line.starts_with(r#"{"type":"summary""#)).count(), 1);
}

#[test]
fn an_output_that_fails_is_told_and_what_it_did_not_take_is_counted() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut events = events_to(full.as_raw_fd(), 8);
    while events.offer(misdirected()) {}
    for _ in 0..5 {
        assert!(!events.offer(misdirected()));
    }
    let output = Arc::clone(&events.output);
    let (wanted, queue_full) = (events.written.wanted, events.written.queue_full);
    let failure = events.finish(Summary::default(), PATIENCE).unwrap_err();
    assert_eq!(failure.exit_code(), crate::failure::OUTPUT);
    assert_eq!(output.lost.load(Ordering::Relaxed), wanted - queue_full);
}

#[test]
fn a_reader_that_goes_away_is_a_closed_pipe() {
    let (reader, writer) = io::pipe().unwrap();
    let mut events = events_to(writer.as_raw_fd(), 8);
    drop((reader, writer));
    while events.offer(misdirected()) {}
    let failure = events.finish(Summary::default(), PATIENCE).unwrap_err();
    let Failure::Output { source, .. } = failure else { panic!("{failure}") };
    assert_eq!(source.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn what_is_written_arrives_while_the_run_goes_on() {
    let (mut reader, writer) = io::pipe().unwrap();
    let mut events = events_to(writer.as_raw_fd(), 8);
    drop(writer);
    assert!(events.offer(misdirected()));
    let mut byte = [0];
    reader.read_exact(&mut byte).unwrap();
    assert_eq!(byte, *b"{");
    events.finish(Summary::default(), PATIENCE).unwrap();
}
