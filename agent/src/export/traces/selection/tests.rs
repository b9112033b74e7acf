use super::*;
use crate::testing::{ended, ruled};
use wrongdoor_core::observation::Response;
use wrongdoor_core::observation::verdict::Verdict;

/// What was chosen: trace and stream.
type Sent = Vec<(TraceId, u64)>;

fn placed((exchange, classification): (Exchange, Classification)) -> Ruled {
    (exchange, classification, ClusterEnds::default())
}

/// One that agrees with its connection, and one answered with 421.
fn two() -> (Ruled, Ruled) {
    let (found, fine): (Vec<_>, Vec<_>) = ruled("coalescing")
        .into_iter()
        .map(placed)
        .partition(|(exchange, ..)| exchange.is_misdirected());
    let fine = fine.into_iter().find(|(exchange, ..)| exchange.verdict == Verdict::Match).unwrap();
    (fine, found.into_iter().next().unwrap())
}

fn offer(
    selection: &mut SpanSelection,
    number: u64,
    (exchange, classification, place): &Ruled,
    stream: u64,
) -> Sent {
    let mut sent = Vec::new();
    let exchange = Exchange { stream, ..exchange.clone() };
    selection.exchange(number, (&exchange, classification, place), &mut |trace, (exchange, ..)| {
        sent.push((trace, exchange.stream));
    });
    sent
}

fn streams(sent: &Sent) -> Vec<u64> {
    sent.iter().map(|(_, stream)| *stream).collect()
}

#[test]
fn what_came_before_is_sent_with_what_was_found_and_later_ones_as_they_come() {
    let (fine, found) = two();
    let mut selection = SpanSelection::new(EventsOf::Mismatched);
    for stream in [1, 3] {
        assert_eq!(offer(&mut selection, 1, &fine, stream), []);
    }
    assert_eq!(offer(&mut selection, 2, &fine, 1), []);
    let sent = offer(&mut selection, 1, &found, 5);
    assert_eq!(streams(&sent), [1, 3, 5]);
    let id = found.0.connection.trace_id();
    assert!(sent.iter().all(|(trace, _)| *trace == id));
    assert_eq!(offer(&mut selection, 1, &fine, 7), [(id, 7)]);
    assert_eq!(selection.over_limit(), 0);

    let connection = ended("coalescing");
    let trace = selection.connection(1, &connection).unwrap();
    assert_eq!(
        (trace.id, trace.latest),
        (id, fine.0.responded().max(found.0.responded()).unwrap())
    );
    assert!(selection.connection(1, &connection).is_none());
    assert!(selection.connection(2, &connection).is_none());
    assert!(selection.connections.is_empty());
}

#[test]
fn what_is_wanted_decides() {
    let (fine, found) = two();
    let mismatched = (
        Exchange { response: Response::answered(200, found.0.ended()), ..found.0.clone() },
        found.1.clone(),
        ClusterEnds::default(),
    );
    for (of, expected) in [
        (EventsOf::Misdirected, [false, false, true]),
        (EventsOf::Mismatched, [false, true, true]),
        (EventsOf::All, [true, true, true]),
    ] {
        let mut selection = SpanSelection::new(of);
        let mut chosen = [&fine, &mismatched, &found].into_iter().zip(1..);
        let chosen = std::array::from_fn(|_| {
            let (ruled, number) = chosen.next().unwrap();
            !offer(&mut selection, number, ruled, 1).is_empty()
        });
        assert_eq!(chosen, expected, "{of:?}");
        // Of a handshake alone there is a trace only where everything is wanted.
        let mut connection = ended("coalescing");
        connection.exchanges = 0;
        assert_eq!(selection.connection(9, &connection).is_some(), of == EventsOf::All);
    }
}

#[test]
fn what_was_forgotten_and_what_is_too_much_is_counted() {
    let (fine, found) = two();
    let mut selection = SpanSelection::new(EventsOf::Mismatched);
    for stream in 0..40 {
        offer(&mut selection, 1, &fine, stream);
    }
    let sent = streams(&offer(&mut selection, 1, &found, 40));
    assert_eq!(sent, (8..=40).collect::<Vec<_>>());
    assert_eq!(selection.over_limit(), 8);
    let later = (41..141).filter(|stream| !offer(&mut selection, 1, &fine, *stream).is_empty());
    assert_eq!(later.count() as u64, MAX_OTHER_EXCHANGES - 33);
    let findings =
        (141..341).filter(|stream| !offer(&mut selection, 1, &found, *stream).is_empty());
    assert_eq!(findings.count() as u64, MAX_EXCHANGES - MAX_OTHER_EXCHANGES);
    assert_eq!(selection.over_limit(), 8 + (100 - 31) + (200 - 64));
}

#[test]
fn without_a_memory_of_its_connection_a_finding_is_sent_alone() {
    let (fine, found) = two();
    let mut selection =
        SpanSelection { max_connections: 1, ..SpanSelection::new(EventsOf::Mismatched) };
    offer(&mut selection, 1, &fine, 1);
    offer(&mut selection, 2, &fine, 1);
    assert_eq!(streams(&offer(&mut selection, 2, &found, 3)), [3]);
    assert_eq!(selection.over_limit(), 1);
    assert!(selection.connection(2, &ended("coalescing")).is_none());
    assert_eq!(streams(&offer(&mut selection, 1, &found, 3)), [1, 3]);
}
