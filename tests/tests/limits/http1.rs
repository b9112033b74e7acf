use wrongdoor_core::counters::Loss;
use wrongdoor_tests::wire::Talk;

use super::{HELD, bounded, lost};

#[test]
fn an_endless_request_head_is_given_up() {
    for endless in ["GET / HTTP/1.1\r\nx: ", "GET /", "GET / HTTP/1.1\r\nx: y\r\nx: y\r\n"] {
        let mut talk = Talk::open(80);
        talk.client(endless);
        for _ in 0..300 {
            talk.client(endless.repeat(600 / endless.len()));
        }
        let found = bounded(&talk.frames(), false);
        assert!(found.peak_held <= 128 * 1024, "{} held", found.peak_held);
        assert!(found.exchanges.is_empty(), "{:?}", found.exchanges);
        assert_eq!(lost(&found, Loss::Limit), 1, "{:?}", found.counters);
    }
}

#[test]
fn an_endless_response_head_leaves_its_request_unanswered() {
    let mut talk = Talk::open(80);
    talk.client("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").server("HTTP/1.1 200 OK\r\n");
    for _ in 0..200 {
        talk.server("x: y\r\n".repeat(100));
    }
    let found = bounded(&talk.frames(), false);
    assert_eq!((found.only().status, lost(&found, Loss::Limit)), (None, 1));
}

#[test]
fn requests_without_end_and_answer_are_told_up_to_a_bound() {
    let mut talk = Talk::open(80);
    for number in 0..5000 {
        talk.client(format!("GET / HTTP/1.1\r\nHost: n{number}.test\r\n\r\n"));
    }
    let found = bounded(&talk.frames(), false);
    assert_eq!(found.exchanges.len(), 1024);
    assert!(lost(&found, Loss::Limit) > 0);
    assert!(found.exchanges.iter().all(|told| told.status.is_none()));
    // What waits costs memory, and that is part of the sum.
    assert!(found.peak_held > 1024 * 40, "{} held", found.peak_held);
}

#[test]
fn responses_without_requests_are_counted_and_not_told() {
    let mut talk = Talk::open(80);
    let response = ["HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n", &"b".repeat(300)].concat();
    for _ in 0..2000 {
        talk.server(&response);
    }
    let found = bounded(&talk.frames(), false);
    assert!(found.exchanges.is_empty());
    assert_eq!(found.errors("http1", "response_without_request"), 1);
}

#[test]
fn what_follows_a_connect_without_answer_is_bounded() {
    let mut talk = Talk::open(80);
    talk.client("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    for _ in 0..1000 {
        talk.client([0; 1400]);
    }
    let found = bounded(&talk.frames(), false);
    assert_eq!(found.only().verdict, "not_tls");
    assert_eq!(lost(&found, Loss::Limit), 1);
}

#[test]
fn tunnels_in_tunnels_come_to_an_end() {
    let mut talk = Talk::open(80);
    for number in 0..50 {
        talk.client(format!("CONNECT n{number}.test:443 HTTP/1.1\r\nHost: n{number}.test\r\n\r\n"));
        talk.server("HTTP/1.1 200 OK\r\n\r\n");
    }
    let found = bounded(&talk.frames(), false);
    assert!((2..50).contains(&found.exchanges.len()), "{}", found.exchanges.len());
    let streams: Vec<_> = found.exchanges.iter().map(|told| told.stream).collect();
    assert_eq!(streams, (1..=u64::try_from(streams.len()).expect("few")).collect::<Vec<_>>());
}

#[test]
fn an_endless_chunk_line_and_an_endless_trailer_are_given_up() {
    for endless in ["5;", "0\r\nx: "] {
        let mut talk = Talk::open(80);
        talk.client("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
        talk.server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").server(endless);
        for _ in 0..100 {
            talk.server([b'x'; 1400]);
        }
        let found = bounded(&talk.frames(), false);
        assert_eq!((found.only().status, found.errors("http1", "chunk")), (Some(200), 1));
        assert!(found.peak_held < HELD / 10);
    }
}
