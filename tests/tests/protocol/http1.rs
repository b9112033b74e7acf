use wrongdoor_core::side::Side;
use wrongdoor_tests::wire::Talk;

use super::{asked, of};

const ASK: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn said(client: &str, server: &str) -> Talk {
    let mut talk = Talk::open(80);
    talk.client(client).server(server).close();
    talk
}

#[test]
fn interim_responses_are_not_the_answer() {
    let found =
        of(&said(ASK, &format!("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nlink: x\r\n\r\n{OK}")));
    assert_eq!(asked(&found), [(1, Some("a.test"), Some(200))]);
}

#[test]
fn responses_that_have_no_body_have_none() {
    let head = "HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let server = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nHTTP/1.1 204 N\r\nContent-Length: 9\r\n\r\n\
                  HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 421 M\r\nContent-Length: 0\r\n\r\n";
    let found = of(&said(&format!("{head}{ASK}{ASK}{ASK}"), server));
    let statuses: Vec<_> = found.exchanges.iter().map(|told| told.status).collect();
    assert_eq!(statuses, [Some(200), Some(204), Some(304), Some(421)]);
}

#[test]
fn chunks_and_trailers_are_passed_over() {
    let server = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n\
                  9\r\nHTTP/1.1 \r\n0\r\nHost: evil.test\r\n\r\nHTTP/1.1 421 M\r\n\r\n";
    let found = of(&said(&format!("{ASK}{ASK}"), server));
    assert_eq!(asked(&found), [(1, Some("a.test"), Some(200)), (2, Some("a.test"), Some(421))]);
}

#[test]
fn a_response_without_a_length_lasts_until_the_end() {
    let found = of(&said(&format!("{ASK}{ASK}"), &format!("HTTP/1.1 200 OK\r\n\r\n{OK}")));
    assert_eq!(asked(&found), [(1, Some("a.test"), Some(200)), (2, Some("a.test"), None)]);
    assert_eq!(found.exchanges.first().map(|told| told.responded), Some(true));
}

#[test]
fn requests_are_told_once_at_the_end_of_the_connection_or_its_reset() {
    let mut talk = Talk::open(80);
    talk.client(ASK).reset(Side::Server);
    assert_eq!(asked(&of(&talk)), [(1, Some("a.test"), None)]);
    let mut talk = Talk::open(80);
    talk.client(ASK);
    assert_eq!(asked(&of(&talk)), [(1, Some("a.test"), None)]);
    assert!(!of(&talk).connection().closed);
}

#[test]
fn the_authority_is_the_targets_then_the_hosts() {
    let cases = [
        ("GET / HTTP/1.0\r\n\r\n", None, "absent", "1.0"),
        ("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n", Some("a.test"), "known", "1.0"),
        ("GET / HTTP/1.1\r\n\r\n", None, "absent", "1.1"),
        ("GET / HTTP/1.1\r\nHost: \r\n\r\n", None, "absent", "1.1"),
        ("GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", None, "known", "1.1"),
        (
            "GET http://b.test:81/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n",
            Some("b.test"),
            "known",
            "1.1",
        ),
        ("OPTIONS * HTTP/1.1\r\nHost: A.Test:80\r\n\r\n", Some("a.test"), "known", "1.1"),
        ("GET / HTTP/1.1\r\nHost: user@a.test\r\n\r\n", Some("a.test"), "known", "1.1"),
        ("GET /?u=http://b.test/ HTTP/1.1\r\nhOST:a.test\r\n\r\n", Some("a.test"), "known", "1.1"),
    ];
    for (request, authority, state, version) in cases {
        let found = of(&said(request, OK));
        let told = found.only();
        assert_eq!(
            (told.authority.as_deref(), told.authority_state, told.http_version, told.verdict),
            (authority, state, version, "not_tls"),
            "{request}"
        );
    }
}

#[test]
fn a_websocket_is_a_final_101_and_nothing_behind_it_is_read() {
    let ask = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut talk = Talk::open(80);
    talk.client(ask);
    talk.server(
        "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 421 M\r\n\r\n",
    );
    talk.client(ASK).server(OK).close();
    assert_eq!(asked(&of(&talk)), [(1, Some("a.test"), Some(101))]);
}

#[test]
fn a_refused_upgrade_goes_on_as_before() {
    let ask = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
    let found = of(&said(&format!("{ask}{ASK}"), &format!("{OK}{OK}")));
    assert_eq!(asked(&found), [(1, Some("a.test"), Some(200)), (2, Some("a.test"), Some(200))]);
}

#[test]
fn a_tunnel_counts_on_and_a_refused_one_too() {
    let connect = "CONNECT t.test:80 HTTP/1.1\r\nHost: t.test:80\r\n\r\n";
    let mut talk = Talk::open(3128);
    talk.client(connect).server("HTTP/1.1 407 P\r\nContent-Length: 0\r\n\r\n");
    talk.client(connect).server("HTTP/1.1 200 OK\r\n\r\n");
    talk.client(ASK).server(OK).close();
    let found = of(&talk);
    let expected = [
        (1, Some("t.test"), Some(407)),
        (2, Some("t.test"), Some(200)),
        (3, Some("a.test"), Some(200)),
    ];
    assert_eq!(asked(&found), expected);
}

#[test]
fn the_answer_may_come_before_the_question_in_the_capture() {
    let mut talk = Talk::open(80);
    talk.server(OK).client(ASK).server("HTTP/1.1 421 M\r\n\r\n").client(ASK).close();
    let expected = [(1, Some("a.test"), Some(200)), (2, Some("a.test"), Some(421))];
    assert_eq!(asked(&of(&talk)), expected);
}

#[test]
fn answers_alone_are_counted_and_questions_alone_are_told() {
    let mut talk = Talk::open(80);
    talk.server(OK).server(OK).close();
    let found = of(&talk);
    assert!(found.exchanges.is_empty());
    assert_eq!(found.errors("http1", "response_without_request"), 1);
    assert_eq!(found.connection().exchanges, 0);
    let mut talk = Talk::open(80);
    talk.client(ASK).client(ASK).close();
    assert_eq!(asked(&of(&talk)), [(1, Some("a.test"), None), (2, Some("a.test"), None)]);
}

#[test]
fn behind_a_gap_that_may_hide_a_request_none_is_told() {
    let mut talk = Talk::open(80);
    talk.client(ASK).server(OK).unseen(Side::Client, 33).client(ASK).server(OK).close();
    assert_eq!(asked(&of(&talk)), [(1, Some("a.test"), Some(200))]);
    // Within a body whose length is known it can hide none.
    let mut talk = Talk::open(80);
    talk.client("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 50\r\n\r\n");
    talk.unseen(Side::Client, 30).client([b'x'; 20]).client(ASK).server(OK).server(OK).close();
    let expected = [(1, Some("a.test"), Some(200)), (2, Some("a.test"), Some(200))];
    assert_eq!(asked(&of(&talk)), expected);
}
