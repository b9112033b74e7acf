use wrongdoor_core::side::Side;
use wrongdoor_tests::wire::Talk;
use wrongdoor_tests::wire::h2::{self, Hpack};

use super::{asked, of};

fn open() -> (Talk, Hpack, Hpack) {
    let mut talk = Talk::open(8080);
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
    talk.client([h2::PREFACE, &settings].concat()).server(&settings);
    (talk, Hpack::default(), Hpack::default())
}

#[test]
fn an_accepted_upgrade_is_one_exchange_of_http2() {
    let mut talk = Talk::open(80);
    talk.client("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n");
    talk.server("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    let (mut ask, mut answer) = (Hpack::default(), Hpack::default());
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
    talk.server([&settings[..], &h2::headers(1, true, &answer.response(421))].concat());
    talk.client([h2::PREFACE, &settings].concat());
    talk.client(h2::headers(3, true, &ask.request("GET", "b.test")));
    talk.server(h2::headers(3, true, &answer.response(200))).close();
    let found = of(&talk);
    assert_eq!(asked(&found), [(1, Some("a.test"), Some(421)), (3, Some("b.test"), Some(200))]);
    assert!(found.exchanges.iter().all(|told| told.http_version == "2"));
    let first: Vec<_> = found.exchanges.iter().map(|told| told.first_on_connection).collect();
    assert_eq!(first, [Some(true), Some(false)]);
    assert_eq!(found.connection().exchanges, 2);
}

#[test]
fn a_request_with_only_a_host_is_for_that_host() {
    let (mut talk, mut ask, mut answer) = open();
    talk.client(h2::headers(1, true, &ask.block(&[(":method", "GET"), ("host", "a.test")])));
    talk.client(h2::headers(3, true, &ask.block(&[(":method", "GET"), (":path", "/")])));
    talk.server(h2::headers(1, true, &answer.response(200))).close();
    let found = of(&talk);
    assert_eq!(asked(&found), [(1, Some("a.test"), Some(200)), (3, None, None)]);
    assert_eq!(found.exchanges.last().map(|told| told.authority_state), Some("absent"));
}

#[test]
fn interim_responses_and_trailers_are_not_the_answer() {
    let (mut talk, mut ask, mut answer) = open();
    talk.client(h2::headers(1, false, &ask.request("POST", "a.test")));
    talk.server(h2::headers(1, false, &answer.response(100)));
    talk.server(h2::headers(1, false, &answer.response(103)));
    talk.client(
        [h2::data(1, false, b"body"), h2::headers(1, true, &ask.block(&[("x", "y")]))].concat(),
    );
    talk.server(h2::headers(1, false, &answer.response(421)));
    talk.server(h2::headers(1, true, &answer.block(&[("x", "y")]))).close();
    assert_eq!(asked(&of(&talk)), [(1, Some("a.test"), Some(421))]);
}

#[test]
fn the_answer_may_come_before_the_question_in_the_capture() {
    let (mut talk, mut ask, mut answer) = open();
    talk.server(h2::headers(1, true, &answer.response(421)));
    talk.client(h2::headers(1, true, &ask.request("GET", "a.test"))).close();
    assert_eq!(asked(&of(&talk)), [(1, Some("a.test"), Some(421))]);
}

#[test]
fn either_half_makes_an_exchange() {
    let (mut talk, mut ask, mut answer) = open();
    talk.client(h2::headers(1, true, &ask.request("GET", "a.test"))).close();
    assert_eq!(asked(&of(&talk)), [(1, Some("a.test"), None)]);
    // The server's direction alone.
    let mut alone = Talk::open(8080);
    alone.server(h2::frame(h2::SETTINGS, 0, 0, &[])).server(h2::headers(
        1,
        true,
        &answer.response(421),
    ));
    alone.close();
    let found = of(&alone);
    assert_eq!(asked(&found), [(1, None, Some(421))]);
    assert_eq!(found.only().authority_state, "unreadable");
}

#[test]
fn a_push_is_an_exchange_and_its_reset_the_end_of_it() {
    let (mut talk, mut ask, mut answer) = open();
    talk.client(h2::headers(1, true, &ask.request("GET", "a.test")));
    talk.server(h2::push_promise(1, 2, &answer.request("GET", "b.test")));
    talk.server(h2::push_promise(1, 4, &answer.request("GET", "c.test")));
    talk.client(h2::frame(h2::RST_STREAM, 0, 4, &[0, 0, 0, 8]));
    talk.server(h2::headers(2, true, &answer.response(200)));
    talk.server(h2::headers(1, true, &answer.response(200))).close();
    let found = of(&talk);
    let expected =
        [(1, Some("a.test"), Some(200)), (2, Some("b.test"), Some(200)), (4, Some("c.test"), None)];
    let mut told = asked(&found);
    told.sort_unstable();
    assert_eq!(told, expected);
}

#[test]
fn a_gap_leaves_what_the_table_held_unreadable() {
    let (mut talk, mut ask, mut answer) = open();
    talk.client(h2::headers(1, true, &ask.request("GET", "a.test")));
    talk.server(h2::headers(1, true, &answer.response(200)));
    let lost = h2::headers(3, true, &ask.request("GET", "b.test"));
    talk.unseen(Side::Client, lost.len());
    talk.client(h2::headers(5, true, &ask.request("GET", "b.test")));
    talk.client(h2::headers(7, true, &ask.request("GET", "c.test")));
    talk.server(h2::headers(3, true, &answer.response(200)));
    talk.server(h2::headers(5, true, &answer.response(421)));
    talk.server(h2::headers(7, true, &answer.response(200))).close();
    let found = of(&talk);
    for told in &found.exchanges {
        let expected = match told.stream {
            1 => Some("a.test"),
            7 => told.authority.as_deref().and(Some("c.test")),
            _ => None,
        };
        assert_eq!(told.authority.as_deref(), expected, "{told:#?}");
    }
    assert!(asked(&found).contains(&(5, None, Some(421))), "{:#?}", asked(&found));
}
