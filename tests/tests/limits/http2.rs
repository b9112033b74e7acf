use wrongdoor_core::counters::Loss;
use wrongdoor_core::observation::MAX_AUTHORITIES;
use wrongdoor_tests::wire::Talk;
use wrongdoor_tests::wire::h2::{self, Hpack};

use super::{bounded, lost};

/// A connection at its start, with both prefaces said.
fn open() -> (Talk, Hpack, Hpack) {
    let mut talk = Talk::open(8080);
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
    talk.client([h2::PREFACE, &settings].concat()).server(&settings);
    (talk, Hpack::default(), Hpack::default())
}

#[test]
fn an_endless_header_block_costs_its_exchange_only() {
    for empty in [false, true] {
        let (mut talk, mut ask, _) = open();
        talk.client(h2::headers(1, true, &ask.request("GET", "a.test")));
        talk.client(h2::frame(h2::HEADERS, 1, 3, &[0x82]));
        let piece = if empty { Vec::new() } else { vec![0; 16_000] };
        for _ in 0..100 {
            talk.client(h2::frame(h2::CONTINUATION, 0, 3, &piece));
        }
        talk.client(h2::frame(h2::CONTINUATION, h2::END_HEADERS, 3, &[]));
        // What needs no table can still be read.
        talk.client(h2::headers(5, true, &Hpack::default().request("GET", "c.test")));
        let found = bounded(&talk.frames(), false);
        assert!(found.peak_held <= 160 * 1024, "{} held", found.peak_held);
        let authorities: Vec<_> =
            found.sorted().into_iter().map(|told| (told.stream, told.authority)).collect();
        let of = |stream, name: &str| (stream, Some(name.to_owned()));
        let stranger = authorities.iter().find(|(stream, _)| *stream == 3).cloned();
        let mut expected = vec![of(1, "a.test")];
        expected.extend(stranger);
        expected.push(of(5, "c.test"));
        assert_eq!(authorities, expected);
        assert_eq!(lost(&found, Loss::Limit), u64::from(!empty), "{:?}", found.counters);
    }
}

#[test]
fn a_frame_beyond_every_bound_is_passed_over() {
    let (mut talk, mut ask, _) = open();
    talk.client(h2::headers(1, true, &vec![0x82; 4 * 1024 * 1024]));
    talk.client(h2::headers(3, true, &ask.request("GET", "b.test")));
    let found = bounded(&talk.frames(), false);
    assert_eq!(found.sorted().last().expect("one").authority.as_deref(), Some("b.test"));
    assert_eq!(lost(&found, Loss::Limit), 1);
}

#[test]
fn a_hundred_thousand_authorities_on_one_connection_are_told_and_not_remembered() {
    const FLOOD: u32 = 100_000;
    let (mut talk, _, mut answer) = open();
    for nth in 0..FLOOD {
        let fields = [(":method", "GET"), (":authority", &*format!("n{nth}.test"))];
        // Without the table: 100,000 names would only pass through it.
        talk.client(h2::headers(2 * nth + 1, true, &Hpack::default().block(&fields)));
        talk.server(h2::headers(2 * nth + 1, true, &answer.response(421)));
    }
    let found = bounded(&talk.frames(), false);
    assert_eq!(found.exchanges.len(), usize::try_from(FLOOD).expect("a number"));
    for (nth, told) in found.exchanges.iter().enumerate() {
        assert_eq!(told.authority, Some(format!("n{nth}.test")));
    }
    assert_eq!(found.connection().authorities.len(), MAX_AUTHORITIES);
    assert_eq!(found.errors("connection", "authorities_limit"), u64::from(FLOOD) - 100);
    assert_eq!(found.connection().misdirected, u64::from(FLOOD));
}

#[test]
fn streams_that_nobody_answers_are_told_as_they_are() {
    const FLOOD: u32 = 20_000;
    let (mut talk, mut ask, _) = open();
    for nth in 0..FLOOD {
        talk.client(h2::headers(2 * nth + 1, false, &ask.request("POST", "a.test")));
    }
    let found = bounded(&talk.frames(), false);
    assert_eq!(found.exchanges.len(), usize::try_from(FLOOD).expect("a number"));
    assert!(lost(&found, Loss::Limit) >= u64::from(FLOOD) - 1024);
    assert!(found.peak_held > 1024 * 40, "what waits is part of the sum: {}", found.peak_held);
}

#[test]
fn responses_to_nothing_are_bounded() {
    let (mut talk, _, mut answer) = open();
    for nth in 0..20_000 {
        talk.server(h2::headers(2 * nth + 1, false, &answer.response(200)));
    }
    let found = bounded(&talk.frames(), false);
    assert!(found.exchanges.len() <= 20_000);
}

#[test]
fn a_table_without_bound_is_not_kept_without_bound() {
    let (mut talk, mut ask, _) = open();
    let update = ask.resize(1 << 30);
    let mut stream = 1;
    talk.client(h2::headers(1, true, &[update, ask.request("GET", "a.test")].concat()));
    for nth in 0..400 {
        stream += 2;
        let value = format!("{nth}").repeat(3000);
        // Names of interest, so that their values would be kept.
        let block = ask.block(&[(":method", "GET"), ("host", &value), (":authority", "a.test")]);
        talk.client(h2::headers_in_pieces(stream, true, &block, 16_000));
    }
    talk.client(h2::headers(stream + 2, true, &ask.request("GET", "a.test")));
    let found = bounded(&talk.frames(), false);
    for told in &found.exchanges {
        let name = told.authority.as_deref();
        assert!(matches!(name, None | Some("a.test")), "{told:?}");
    }
}

#[test]
fn an_origin_set_is_bounded() {
    let (mut talk, mut ask, mut answer) = open();
    for nth in 0..300 {
        let names: Vec<_> = (0..50).map(|at| format!("https://n{nth}-{at}.test")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        talk.server(h2::origin(&names));
    }
    talk.client(h2::headers(1, true, &ask.request("GET", "a.test")));
    talk.server(h2::headers(1, true, &answer.response(200)));
    assert_eq!(bounded(&talk.frames(), false).only().status, Some(200));
}
