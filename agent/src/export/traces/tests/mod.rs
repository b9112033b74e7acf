mod collector;

use super::backoff::Patience;
use super::*;
use crate::config::EventsOf;
use crate::enrich::ClusterEnds;
use crate::export::ConnectionNumber;
use crate::testing::{ended, ruled};
use collector::{CollectorRecord, Habit};
use std::net::{SocketAddr, TcpListener};
use std::time::Instant;
use wrongdoor_core::observation::Exchange;

const TIMEOUT: Duration = Duration::from_secs(5);
/// What is offered in one go is one batch, on a busy machine too.
const PACE: SendPace = SendPace {
    gather: Duration::from_millis(200),
    timeout: Patience {
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(40),
        give_up_after: Duration::from_millis(400),
    },
};

fn traces_to(address: SocketAddr, room: usize, variables: &[(&str, &str)]) -> Traces {
    let look_up = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let endpoint = format!("http://{address}");
    let wish = TracesWish { endpoint: Some(&endpoint), protocol: None, of: EventsOf::Mismatched };
    let settings = TracesSettings::resolve(&wish, &Environment::new(&look_up)).unwrap().unwrap();
    Traces::with_pace(settings, room, PACE).unwrap()
}

/// Connections with one exchange that is answered with 421, and their ends: two spans each.
fn offer(traces: &mut Traces, connections: std::ops::Range<u64>) {
    let mut found =
        ruled("coalescing").into_iter().filter(|(exchange, _)| exchange.is_misdirected());
    let (exchange, classification) = found.next().unwrap();
    let connection = ended("coalescing");
    for number in connections.map(ConnectionNumber) {
        // Connections differ in their ids, and what they say is the same.
        let exchange = Exchange { stream: number.0 * 2 + 1, ..exchange.clone() };
        traces.offer(&Record::Exchange {
            number,
            exchange,
            classification: classification.clone(),
            place: ClusterEnds::default(),
        });
        traces.offer(&Record::Connection {
            number,
            connection: connection.clone(),
            place: ClusterEnds::default(),
        });
    }
}

/// Until nothing is on its way.
fn settled(traces: &Traces, spans: u64) {
    let began = Instant::now();
    loop {
        let SinkStats { queue_full, failed, over_limit, .. } = traces.written();
        let sent = traces.delivered.sent.load(Ordering::Relaxed);
        if sent + queue_full + failed + over_limit == spans {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{:?} {sent}", traces.written());
        thread::sleep(Duration::from_millis(2));
    }
}

/// Ends it, and requires that every span is accounted for: what was not lost is there.
fn accounted(traces: Traces, seen: &CollectorRecord, wanted: u64) -> SinkStats {
    let written = traces.finish(TIMEOUT);
    let lost = written.queue_full + written.failed + written.over_limit;
    assert_eq!(written.wanted, wanted);
    // The collector looks at what it got after it has answered.
    let began = Instant::now();
    while seen.spans().len() as u64 != wanted - lost {
        assert!(began.elapsed() < Duration::from_secs(60), "{written:?} {}", seen.spans().len());
        thread::sleep(Duration::from_millis(2));
    }
    written
}

#[test]
fn spans_arrive_while_the_run_goes_on() {
    let (address, seen) = collector::start(&[Habit::Take]);
    let headers = [("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x")];
    let mut traces = traces_to(address, 64, &headers);
    offer(&mut traces, 0..10);
    settled(&traces, 20);
    let heads = seen.heads();
    assert!(heads[0].starts_with("post /v1/traces http/1.1\r\n"), "{heads:?}");
    assert!(heads[0].contains("content-type: application/x-protobuf\r\n"), "{heads:?}");
    assert!(heads[0].contains("authorization: bearer x\r\n"), "{heads:?}");
    // Twenty spans at once are few requests.
    assert!(heads.len() <= 3, "{}", heads.len());
    accounted(traces, &seen, 20);
}

#[test]
fn spans_are_compressed_on_demand() {
    let (address, seen) = collector::start(&[Habit::Take]);
    let mut traces = traces_to(address, 64, &[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")]);
    offer(&mut traces, 0..10);
    accounted(traces, &seen, 20);
    assert!(seen.heads()[0].contains("content-encoding: gzip"), "{:?}", seen.heads());
}

#[test]
fn what_is_not_taken_now_is_sent_again_and_counted_once() {
    const FLAPPING: &[Habit] = &[
        Habit::Answer(503, ""),
        Habit::Close,
        Habit::Answer(429, "Retry-After: 0\r\n"),
        Habit::Take,
        Habit::Answer(502, ""),
        Habit::Take,
    ];
    let (address, seen) = collector::start(FLAPPING);
    let mut traces = traces_to(address, 64, &[]);
    offer(&mut traces, 0..3);
    settled(&traces, 6);
    offer(&mut traces, 3..6);
    settled(&traces, 12);
    let nothing_lost = SinkStats { wanted: 12, ..SinkStats::default() };
    assert_eq!(accounted(traces, &seen, 12), nothing_lost);
}

#[test]
fn what_is_refused_is_given_up_at_once_and_counted() {
    let (address, seen) =
        collector::start(&[Habit::Answer(400, ""), Habit::Reject(4), Habit::Take]);
    let mut traces = traces_to(address, 64, &[]);
    offer(&mut traces, 0..3);
    settled(&traces, 6);
    assert_eq!(traces.written().failed, 6);
    offer(&mut traces, 3..6);
    settled(&traces, 12);
    assert_eq!(traces.written().failed, 10);
    offer(&mut traces, 6..9);
    assert_eq!(accounted(traces, &seen, 18).failed, 10);
}

#[test]
fn a_collector_that_asks_for_too_long_a_pause_is_given_up() {
    let (address, seen) =
        collector::start(&[Habit::Answer(503, "Retry-After: 60\r\n"), Habit::Take]);
    let mut traces = traces_to(address, 64, &[]);
    offer(&mut traces, 0..3);
    settled(&traces, 6);
    assert_eq!(accounted(traces, &seen, 6).failed, 6);
}

#[test]
fn nobody_there_costs_spans_and_no_time_until_somebody_is() {
    // An address that no other test takes ports of.
    let listener = TcpListener::bind("127.94.21.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut traces = traces_to(address, 8, &[]);
    let began = Instant::now();
    offer(&mut traces, 0..500);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let written = traces.written();
    assert!(written.queue_full > 0 && written.wanted == 1000, "{written:?}");
    settled(&traces, 1000);
    assert_eq!(traces.delivered.sent.load(Ordering::Relaxed), 0);
    let listener = TcpListener::bind(address).unwrap();
    let seen = collector::serve(listener, &[Habit::Take]);
    offer(&mut traces, 500..504);
    let written = accounted(traces, &seen, 1008);
    assert_eq!(seen.spans().len(), 8, "{written:?}");
}

#[test]
fn a_slow_collector_is_waited_for_and_not_by_the_capture() {
    let (address, seen) =
        collector::start(const { &[Habit::Sleep(Duration::from_millis(800)), Habit::Take] });
    let mut traces = traces_to(address, 4, &[]);
    let began = Instant::now();
    offer(&mut traces, 0..2);
    thread::sleep(Duration::from_millis(400));
    offer(&mut traces, 2..50);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let written = accounted(traces, &seen, 100);
    assert!(written.queue_full > 0 && written.failed == 0, "{written:?}");
}

#[test]
fn a_collector_that_never_answers_holds_up_the_end_only_so_long() {
    let (address, seen) = collector::start(const { &[Habit::Sleep(Duration::from_secs(600))] });
    let mut traces = traces_to(address, 64, &[]);
    offer(&mut traces, 0..10);
    let began = Instant::now();
    let written = accounted(traces, &seen, 20);
    assert_eq!(written.failed, 20);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}
