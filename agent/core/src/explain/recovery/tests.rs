use super::*;
use crate::http::HttpVersion;
use crate::side::Side;
use crate::testing::{Said, at, end, said};
use crate::wire::net::Endpoint;

/// Everything that was judged, as the connection and stream of the 421 and how it went.
fn told(said: &[(u64, Said)], until: i64) -> Vec<(u64, u64, Outcome)> {
    let mut recoveries = Recoveries::default();
    let mut told = Vec::new();
    let mut judged =
        |one: RecoveryReport| told.push((one.connection, one.stream, one.recovery.outcome));
    for (number, said) in said {
        recoveries.exchange(*number, &said.exchange(), &mut judged);
    }
    recoveries.expire(at(until), &mut judged);
    told
}

fn again(then: Said) -> Vec<(u64, u64, Outcome)> {
    let number = if then.client == said().client { 1 } else { 2 };
    told(&[(1, said()), (number, then)], 0)
}

/// The same request, later, on another connection.
fn elsewhere() -> Said {
    Said { client: end(1, 1001), times: (20, 30), status: 200, ..said() }
}

#[test]
fn the_same_request_again_says_how_it_went() {
    let here = Said { stream: 3, times: (20, 30), ..said() };
    assert_eq!(again(elsewhere()), [(1, 1, Outcome::RecoveredNewConnection)]);
    assert_eq!(again(Said { status: 421, ..elsewhere() }), [(1, 1, Outcome::RetriedStill421)]);
    assert_eq!(again(Said { status: 404, ..here }), [(1, 1, Outcome::RecoveredSameConnection)]);
    assert_eq!(again(here), [(1, 1, Outcome::RetriedSameConnection421)]);
    let older = Said { version: HttpVersion::Http11, ..elsewhere() };
    assert_eq!(again(older), [(1, 1, Outcome::ProtocolFallback)]);
}

#[test]
fn what_another_asks_or_asked_before_is_no_retry() {
    for other in [
        Said { client: end(9, 1001), ..elsewhere() },
        Said { authority: "b.test", sni: Some("b.test"), ..elsewhere() },
        Said { path: 2, ..elsewhere() },
        Said { server: end(2, 8443), ..elsewhere() },
        Said { times: (5, 30), ..elsewhere() },
        Said { times: (61_000, 61_010), ..elsewhere() },
        Said { process: Some((Side::Client, 1, "curl")), ..elsewhere() },
    ] {
        assert_eq!(again(other), [], "{other:?}");
    }
}

#[test]
fn a_window_ends_with_nothing_or_with_a_connection_that_was_not_read() {
    assert_eq!(told(&[(1, said())], 60_009), []);
    assert_eq!(told(&[(1, said())], 60_010), [(1, 1, Outcome::NotRetried)]);

    let mut recoveries = Recoveries::default();
    let mut told = Vec::new();
    recoveries.exchange(1, &said().exchange(), &mut |one| told.push(one));
    recoveries.hello(2, &elsewhere().facts());
    recoveries.finish(&mut |one| told.push(one));
    let [judged] = &told[..] else { panic!("{told:?}") };
    assert_eq!(judged.recovery.outcome, Outcome::OtherConnectionOpened);
    assert_eq!((judged.recovery.connection, judged.recovery.handshakes), (Some(2), 1));

    // What was read there was something else.
    let other = Said { path: 2, ..elsewhere() };
    told.clear();
    recoveries.exchange(1, &said().exchange(), &mut |one| told.push(one));
    recoveries.hello(2, &other.facts());
    recoveries.exchange(2, &other.exchange(), &mut |one| told.push(one));
    recoveries.finish(&mut |one| told.push(one));
    let [judged] = &told[..] else { panic!("{told:?}") };
    assert_eq!(judged.recovery.outcome, Outcome::NotRetried);
}

#[test]
fn what_is_told_before_its_421_is_the_answer_to_it_all_the_same() {
    for (then, outcome) in [
        (elsewhere(), Outcome::RecoveredNewConnection),
        (Said { status: 421, ..elsewhere() }, Outcome::RetriedStill421),
    ] {
        let told = told(&[(2, then), (1, said())], 0);
        assert_eq!(told, [(1, 1, outcome)]);
    }
    for other in [
        Said { times: (5, 30), ..elsewhere() },
        Said { path: 2, ..elsewhere() },
        Said { client: end(9, 1001), ..elsewhere() },
        Said { authority: "b.test", sni: Some("b.test"), ..elsewhere() },
    ] {
        assert_eq!(told(&[(2, other), (1, said())], 0), []);
    }
    // A connection that was opened in the meantime, and what was asked for on it: told before, both of them.
    let other = Said { path: 2, ..elsewhere() };
    let mut recoveries = Recoveries::default();
    let mut told = Vec::new();
    recoveries.hello(2, &other.facts());
    recoveries.exchange(2, &other.exchange(), &mut |one| told.push(one));
    recoveries.exchange(1, &said().exchange(), &mut |one| told.push(one));
    recoveries.finish(&mut |one| told.push(one));
    let [judged] = &told[..] else { panic!("{told:?}") };
    assert_eq!(judged.recovery.outcome, Outcome::NotRetried);
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut recoveries = Recoveries::default();
    for number in 0..2 * MAX_ANSWERS as u64 {
        recoveries.exchange(number, &elsewhere().exchange(), &mut |_| {});
    }
    assert_eq!(recoveries.answers.len(), MAX_ANSWERS);
}

#[test]
fn time_and_handshakes_are_counted_to_the_answer() {
    let mut recoveries = Recoveries::default();
    let mut told = Vec::new();
    recoveries.exchange(1, &said().exchange(), &mut |one| told.push(one));
    recoveries.hello(2, &elsewhere().facts());
    recoveries.exchange(2, &elsewhere().exchange(), &mut |one| told.push(one));
    let [RecoveryReport { recovery, .. }] = told[..] else { panic!("{told:?}") };
    assert_eq!(recovery.after, Some(Duration::from_millis(20)));
    assert_eq!(
        (recovery.connection, recovery.status, recovery.handshakes),
        (Some(2), Some(200), 1)
    );
    assert_eq!(recoveries.open_windows(), 0);
}

#[test]
fn browsers_have_less_time() {
    let mut exchange = said().exchange();
    exchange.hints.agent = Seen::Known(AgentClass::Browser);
    let mut recoveries = Recoveries::default();
    let mut told = Vec::new();
    recoveries.exchange(1, &exchange, &mut |one| told.push(one));
    recoveries.expire(at(10_010), &mut |one| told.push(one));
    assert_eq!(told[0].recovery.is_expected, Some(true));
}

#[test]
fn windows_are_bounded_and_what_is_given_up_is_counted() {
    let mut recoveries = Recoveries::default();
    let mut told = Vec::new();
    let many = MAX_WINDOWS + 10;
    for number in 0..many {
        let client = Endpoint::v4(u32::try_from(number).unwrap().to_be_bytes(), 1);
        let asked = Said { client, ..said() };
        recoveries.exchange(number as u64, &asked.exchange(), &mut |one| told.push(one));
    }
    assert_eq!((recoveries.open_windows(), recoveries.shed, told.len()), (MAX_WINDOWS, 10, 0));
    // One client that asks for ever new paths takes no room from the others.
    let mut recoveries = Recoveries::default();
    for path in 0..2 * MAX_FOR_ONE as u64 {
        recoveries.exchange(1, &Said { path, ..said() }.exchange(), &mut |one| told.push(one));
    }
    assert_eq!((recoveries.open_windows(), recoveries.shed), (MAX_FOR_ONE, MAX_FOR_ONE as u64));
}
