//! Pages of captures, and of what no capture would have.

use super::collect::{MAX_GROUPS, MAX_ROWS, ReportCollector};
use super::page;
use crate::enrich::ClusterEnds;
use crate::export::{ConnectionNumber, Record, Summary};
use crate::testing;
use std::time::Duration;
use wrongdoor_core::explain::cause::Confidence;
use wrongdoor_core::explain::classifier::{Classification, UpstreamHop};
use wrongdoor_core::explain::recovery::{Outcome, Recovery};
use wrongdoor_core::observation::{Exchange, Response};

/// The page of these records.
fn page_of(records: impl IntoIterator<Item = Record>) -> String {
    let (mut collector, mut summary) = (ReportCollector::default(), Summary::default());
    for record in records {
        if let Record::Exchange { exchange, .. } = &record {
            summary.exchanges += 1;
            summary.connections = summary.exchanges;
            summary.misdirected += u64::from(exchange.is_misdirected());
            summary.mismatched += u64::from(exchange.is_mismatched());
        }
        collector.record(&record);
    }
    page::render(&collector.finish(&summary, &["<b>.pcap".to_owned()], false))
}

fn record(number: u64, exchange: Exchange, classification: Classification) -> Record {
    Record::Exchange {
        number: ConnectionNumber(number),
        exchange,
        classification,
        place: ClusterEnds::default(),
    }
}

/// The exchanges of a capture, each on a connection of its own.
fn records(name: &str) -> Vec<Record> {
    let ruled = testing::ruled(name).into_iter();
    (1..)
        .zip(ruled)
        .map(|(number, (exchange, classification))| record(number, exchange, classification))
        .collect()
}

fn count(page: &str, what: &str) -> usize {
    page.matches(what).count()
}

#[test]
fn every_finding_has_its_evidence_its_advice_and_its_drawing() {
    let page = page_of(records("apache-two-hosts"));
    let findings = count(&page, "<article class=\"finding\"");
    assert!(findings > 0);
    assert_eq!(count(&page, "<svg class=\"drawn\""), findings);
    assert_eq!(count(&page, "<h4>Evidence</h4>"), findings);
    assert_eq!(count(&page, "<h4>What to do</h4>"), findings);
    assert_eq!(count(&page, "<p class=\"lead\">"), 1);
    assert!(page.contains("<code>&lt;b&gt;.pcap</code>") && !page.contains("<b>"));
}

#[test]
fn silent_misdirects_are_findings_of_their_own() {
    let page = page_of(records("nginx-client-certificates"));
    assert!(
        page.contains("silent: 2xx from a server that was not seen to serve that host"),
        "{page}"
    );
    assert!(page.contains("<g class=\"mark silent\">"));
}

#[test]
fn nothing_found_is_said_plainly() {
    let page = page_of([]);
    assert!(page.contains("There is no TLS and no HTTP in this capture."), "{page}");
    assert!(page.contains("There are no findings"), "{page}");
    assert!(!page.contains("id=\"list\""));
}

#[test]
fn both_hops_of_a_proxy_and_the_retry_are_drawn() {
    let (front, classification) = testing::ruled("apache-two-hosts")
        .into_iter()
        .find(|(exchange, _)| exchange.is_misdirected())
        .unwrap();
    let back = front.clone();
    let relayed = UpstreamHop { connection: 2, stream: back.stream, confidence: Confidence::High };
    let recovery = Recovery {
        outcome: Outcome::RecoveredNewConnection,
        connection: Some(3),
        status: Some(200),
        after: Some(Duration::from_millis(12)),
        handshakes: 1,
        is_expected: None,
    };
    let mut again = front.clone();
    again.started.0 += 10_000_000;
    again.response = Response::answered(200, again.started);
    let front_ruling = Classification {
        relayed_from: Some(relayed),
        recovery: Some(recovery),
        ..classification.clone()
    };
    let page = page_of([
        record(3, again, Classification::of(classification.verdict)),
        record(2, back, classification),
        record(1, front, front_ruling),
    ]);
    assert!(page.contains("c1 relayed the response of c2."), "{page}");
    assert!(
        page.contains("After the 421 on c1, the client retried on c3: response 12 ms later."),
        "{page}"
    );
    assert!(count(&page, "<path class=\"relayed\"") >= 2);
    assert_eq!(count(&page, "<path class=\"retried\""), 1);
}

/// The page of so many refused requests, whose authorities are no hosts.
fn page_of_flood(count: u64, name: impl Fn(u64) -> String) -> String {
    let (exchange, classification) = testing::ruled("apache-two-hosts")
        .into_iter()
        .find(|(exchange, _)| exchange.is_misdirected())
        .unwrap();
    page_of((1..=count).map(|nth| {
        let mut exchange = exchange.clone();
        let mut authority = (*exchange.authority).clone();
        authority.parsed = None;
        authority.raw = wrongdoor_core::seen::Seen::Known(name(nth).into());
        exchange.authority = authority.into();
        record(nth, exchange, classification.clone())
    }))
}

/// How many requests a page lists, and how many more it sums up.
fn listed_and_unlisted(page: &str) -> (u64, u64) {
    let (listed, rest) = page.split_once(" requests: findings first. ").unwrap();
    let (unlisted, _) = rest.split_once(" more requests are summed up below.").unwrap();
    let parse = |text: &str| text.replace(',', "").parse().unwrap();
    (parse(listed.rsplit('>').next().unwrap()), parse(unlisted))
}

#[test]
fn a_flood_is_summed_up_and_all_of_it_counted() {
    let page = page_of_flood(2 * MAX_ROWS as u64, |nth| format!("<q{nth}>"));
    assert!(page.len() < 6 * 1024 * 1024, "{} bytes", page.len());
    assert_eq!(listed_and_unlisted(&page), (MAX_ROWS as u64, MAX_ROWS as u64));
    assert!(count(&page, "<article") <= MAX_GROUPS && !page.contains("<q"));
    assert!(page.contains("other authorities"));
}

#[test]
fn names_that_take_much_room_are_counted_where_they_are_not_listed() {
    const FLOOD: u64 = 3_000;
    let page = page_of_flood(FLOOD, |nth| format!("{nth}{}", "\u{1}".repeat(250)));
    assert!(page.len() < 6 * 1024 * 1024, "{} bytes", page.len());
    let (listed, unlisted) = listed_and_unlisted(&page);
    assert!(listed < FLOOD && listed + unlisted == FLOOD, "{listed} and {unlisted}");
}
