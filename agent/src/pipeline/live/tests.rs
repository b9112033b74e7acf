use super::*;
use crate::config::EventsOf;
use crate::export::{Dialect, JsonLines, Output};
use crate::testing::Replay;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;
use std::{fs, io};

fn times(length: Option<Duration>) -> Times {
    Times { length, drain: Duration::from_secs(5), windows: Windows::default() }
}

struct Outcome {
    lines: Vec<String>,
    shared: Arc<AgentState>,
    packets: u64,
}

impl Outcome {
    fn count(&self, kind: &str) -> usize {
        let start = format!("{{\"type\":\"{kind}\"");
        self.lines.iter().filter(|line| line.starts_with(&start)).count()
    }
}

fn events(path: &Path, of: EventsOf) -> EventsSink {
    EventsSink::start(Box::new(JsonLines::new(Output::open(Some(path)).unwrap())), of).unwrap()
}

fn only(events: EventsSink) -> Sinks {
    Sinks { events: Some(events), ..Sinks::default() }
}

fn run_on(capture: &str, of: EventsOf, change: impl FnOnce(&mut Replay)) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let shared = AgentState::new(None);
    let mut replay = Replay::new(capture, &shared);
    change(&mut replay);
    let packets = replay.len() as u64;
    run(Box::new(replay), &shared, times(None), only(events(&path, of))).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    Outcome { lines: text.lines().map(str::to_owned).collect(), shared, packets }
}

#[test]
fn all_of_a_capture_is_told_once() {
    let outcome = run_on("coalescing", EventsOf::All, |_| {});
    assert_eq!((outcome.count("exchange"), outcome.count("connection")), (3, 1));
    assert_eq!(outcome.count("summary"), 1);
    let last = outcome.lines.last().unwrap();
    let sums =
        r#""connections":1,"exchanges":3,"misdirected":1,"mismatched":1,"unreadable":0,"lost":0"#;
    assert!(last.starts_with(r#"{"type":"summary""#) && last.contains(sums), "{last}");
    assert_eq!(outcome.shared.metrics().totals(), (3, 1, 1));
}

#[test]
fn events_are_what_was_asked_for_with_its_connections() {
    // One exchange of the two captures is mismatched and answered with 200.
    for (of, exchanges, connections) in
        [(EventsOf::Mismatched, 4, 4), (EventsOf::Misdirected, 2, 2)]
    {
        let outcome = run_on("nginx-client-certificates", of, |_| {});
        assert_eq!(outcome.count("exchange"), exchanges, "{of:?}");
        assert_eq!(outcome.count("connection"), connections, "{of:?}");
        assert_eq!(outcome.count("summary"), 1);
        assert_eq!(outcome.shared.metrics().totals(), (6, 2, 6));
    }
}

#[test]
fn the_ledger_adds_up() {
    let outcome = run_on("apache-two-hosts", EventsOf::All, |_| {});
    let metrics = outcome.shared.metrics();
    // What the kernel handed over was read, and of that all but one record reached the engine.
    assert_eq!(metrics.left("kernel"), outcome.packets + 1);
    assert_eq!(metrics.left("capture"), outcome.packets);
    assert_eq!(metrics.left("decode"), outcome.packets);
    let (exchanges, _, connections) = metrics.totals();
    let text = metrics.snapshot().encode(Dialect::Text).unwrap();
    // What is left are connections that were opened, and proofs of what is served on them.
    let others = metrics.left("correlate") - exchanges - connections;
    assert!((connections..=2 * connections).contains(&others), "{text}");
    let recoveries = outcome.count("recovery") as u64;
    assert_eq!(metrics.left("export"), exchanges + connections + recoveries);
    assert_eq!(
        metrics.left("export") as usize,
        outcome.count("exchange") + outcome.count("connection") + outcome.count("recovery")
    );
    for expected in [
        "wrongdoor_events_total{stage=\"capture\"} 112",
        "wrongdoor_events_lost_total{stage=\"kernel\",reason=\"ring_full\"} 55",
        "wrongdoor_events_lost_total{stage=\"capture\",reason=\"unresolved\"} 1",
        "wrongdoor_probe_attached{program=\"ssl_read\"} 2",
        "wrongdoor_probe_failures_total{program=\"ssl_write\",reason=\"refused\"} 1",
        "wrongdoor_connections_tracked 0",
        "wrongdoor_connection_authorities_count 6",
    ] {
        assert!(text.lines().any(|line| line == expected), "no {expected} in\n{text}");
    }
}

#[test]
fn what_is_in_the_buffers_when_the_run_is_stopped_is_told_still() {
    let outcome = run_on("coalescing", EventsOf::All, |replay| replay.stop_after = 4);
    assert_eq!((outcome.count("exchange"), outcome.count("summary")), (3, 1));
    assert_eq!(outcome.shared.health.alive(), Err("capture has ended"));
}

#[test]
fn a_run_has_an_end_without_anybody_stopping_it() {
    let shared = AgentState::new(None);
    let mut replay = Replay::new("coalescing", &shared);
    replay.stop_after = usize::MAX;
    let started = Instant::now();
    run(Box::new(replay), &shared, times(Some(Duration::from_millis(300))), Sinks::default())
        .unwrap();
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!(shared.metrics().totals(), (3, 1, 1));
}

#[test]
fn a_disk_that_is_full_costs_events_and_not_the_run() {
    let shared = AgentState::new(None);
    let replay = Replay::new("apache-two-hosts", &shared);
    let events = events(Path::new("/dev/full"), EventsOf::All);
    let failure = run(Box::new(replay), &shared, times(None), only(events)).unwrap_err();
    // The last line cannot be written either.
    assert!(matches!(failure, LiveError::Output(OutputError::Failed { .. })), "{failure}");
    assert_eq!(shared.metrics().totals(), (6, 2, 6));
}

#[test]
fn a_reader_that_goes_away_ends_the_events_and_not_the_run() {
    let (reader, writer) = io::pipe().unwrap();
    let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
    let events = events(Path::new(&path), EventsOf::All);
    drop((reader, writer));
    let shared = AgentState::new(None);
    let replay = Replay::new("apache-two-hosts", &shared);
    let failure = run(Box::new(replay), &shared, times(None), only(events)).unwrap_err();
    assert!(matches!(&failure, LiveError::Output(error) if error.is_closed_pipe()), "{failure}");
    assert_eq!(shared.metrics().totals(), (6, 2, 6));
}

#[test]
fn without_events_there_are_metrics_only() {
    let shared = AgentState::new(None);
    run(Box::new(Replay::new("apache-two-hosts", &shared)), &shared, times(None), Sinks::default())
        .unwrap();
    assert_eq!(shared.metrics().totals(), (6, 2, 6));
    assert_eq!(shared.metrics().left("export"), 0);
}

/// A source that looks, when it is detached, at what has been written by then.
struct Detached {
    replay: Replay,
    events: PathBuf,
    written: Arc<Mutex<String>>,
}

impl LiveSource for Detached {
    fn name(&self) -> &'static str {
        self.replay.name()
    }

    fn poll(&mut self, engine: &mut Engine, timeout: Duration) -> Result<(), CaptureError> {
        self.replay.poll(engine, timeout)
    }

    fn waits_for(&self) -> Option<&'static str> {
        self.replay.waits_for()
    }

    fn tally(&mut self) -> SourceStats {
        self.replay.tally()
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        *self.written.lock().unwrap() = fs::read_to_string(&self.events).unwrap();
    }
}

#[test]
fn the_last_lines_are_written_before_the_source_detaches() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let shared = AgentState::new(None);
    let written = Arc::default();
    let source = Detached {
        replay: Replay::new("coalescing", &shared),
        events: path.clone(),
        written: Arc::clone(&written),
    };
    run(Box::new(source), &shared, times(None), only(events(&path, EventsOf::All))).unwrap();
    let written = written.lock().unwrap();
    assert!(written.contains(r#"{"type":"summary""#), "{written}");
}

/// A source that is ready after some turns, and counts those that wait for news.
struct Slow {
    left: usize,
    waited: Arc<AtomicUsize>,
}

impl LiveSource for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn poll(&mut self, _engine: &mut Engine, timeout: Duration) -> Result<(), CaptureError> {
        self.left = self.left.saturating_sub(1);
        self.waited.fetch_add(usize::from(!timeout.is_zero()), Ordering::Relaxed);
        Ok(())
    }

    fn waits_for(&self) -> Option<&'static str> {
        (self.left > 0).then_some("itself")
    }

    fn tally(&mut self) -> SourceStats {
        SourceStats::default()
    }
}

#[test]
fn the_length_of_a_run_counts_from_readiness() {
    let shared = AgentState::new(None);
    let waited = Arc::default();
    let source = Slow { left: 3, waited: Arc::clone(&waited) };
    run(Box::new(source), &shared, times(Some(Duration::ZERO)), Sinks::default()).unwrap();
    assert_eq!(waited.load(Ordering::Relaxed), 3);
}
