//! What a few reports say, and what is missing from them.

use anyhow::Result;
use wrongdoor_core::counters::Loss;
use wrongdoor_core::engine::EngineConfig;
use wrongdoor_core::observation::probe_event::{Direction, SessionId, Silence, SocketId};
use wrongdoor_core::side::Side;
use wrongdoor_tests::wire::h2::{self, Hpack};
use wrongdoor_tests::wire::live::{
    Forwarded, Report, Watched, observe_reports, observe_reports_with,
};
use wrongdoor_tests::wire::{Dice, Found, Talk, certificate, tls};

/// An HTTP/2 session with one answered request.
fn one_request() -> Vec<(Side, Vec<u8>)> {
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
    let ask = h2::headers(1, true, &Hpack::default().request("GET", "a.test"));
    let answer = h2::headers(1, true, &Hpack::default().response(421));
    vec![
        (Side::Client, [h2::PREFACE, &settings, &ask].concat()),
        (Side::Server, [settings, answer].concat()),
    ]
}

fn watched() -> (Watched, Vec<Report>) {
    let mut talk = Talk::open(443);
    talk.client(tls::record(22, &tls::client_hello_13([1; 32], Some("a.test"))));
    talk.server(tls::record(22, &tls::server_hello_13([2; 32])));
    talk.server(tls::record(23, &[7; 900]));
    let watched = Watched::new(1, Side::Client, &talk.segments);
    (watched, watched.handshake(&talk.segments))
}

fn plaintext(watched: &Watched) -> Vec<Report> {
    watched.plaintext(true, &one_request(), &mut Dice::new(1))
}

#[test]
fn a_handshake_alone_is_a_connection() {
    let (watched, mut reports) = watched();
    reports.push(Report::SocketClosed(watched.socket.id));
    let found = observe_reports(&reports);
    let connection = found.connection();
    assert_eq!(
        (connection.sni.as_deref(), connection.visibility),
        (Some("a.test"), "handshake_only")
    );
    assert_eq!((connection.tls_version, connection.closed), (Some("1.3"), true));
    assert_eq!((connection.decryption, connection.role), ("none", Some("client")));
    assert!(found.counters.decode_errors.is_empty(), "{:?}", found.counters);
}

#[test]
fn a_socket_without_tls_is_nothing() {
    let (watched, _) = watched();
    let bytes = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n".to_vec();
    let found = observe_reports(&[
        Report::Handshake(watched.socket, Direction::Sent, 0, bytes),
        Report::Handshake(watched.socket, Direction::Received, 0, b"HTTP/1.1 200 OK\r\n".to_vec()),
    ]);
    assert!(found.connections.is_empty() && found.exchanges.is_empty(), "{found:?}");
    assert!(found.counters.decode_errors.is_empty(), "{:?}", found.counters);
}

#[test]
fn without_a_handshake_the_verdict_is_unknown_and_not_that_there_is_no_tls() {
    let (watched, _) = watched();
    for (socket, visibility) in [(Some(watched.socket), "plaintext"), (None, "unresolved")] {
        // Nobody tells the role but the preface.
        let mut reports = vec![Report::Session(watched.session, socket, None, false)];
        reports.extend(plaintext(&watched));
        let found = observe_reports(&reports);
        let told = found.only();
        assert_eq!((told.verdict, told.sni_state, told.status), ("unknown", "unseen", Some(421)));
        assert_eq!((told.alpn.as_deref(), told.first_on_connection), (Some("h2"), Some(true)));
        assert_eq!(told.client.is_some(), socket.is_some());
        let connection = found.connection();
        assert_eq!((connection.visibility, connection.role), (visibility, Some("client")));
    }
}

#[test]
fn an_older_session_is_counted_and_nothing_else() {
    let (watched, _) = watched();
    let mut reports = vec![Report::Session(watched.session, Some(watched.socket), None, true)];
    reports.extend(plaintext(&watched));
    let found = observe_reports(&reports);
    assert!(found.exchanges.is_empty());
    assert_eq!(found.connection().visibility, "older_than_agent");
}

#[test]
fn a_second_session_does_not_inherit_the_handshake() {
    let (watched, mut reports) = watched();
    reports.push(watched.session(None));
    reports.extend(plaintext(&watched));
    let second = Watched { session: SessionId(2), ..watched };
    reports.push(second.session(Some(Side::Client)));
    reports.extend(plaintext(&second));
    let found = observe_reports(&reports);
    let verdicts: Vec<_> = found.exchanges.iter().map(|told| told.verdict).collect();
    assert_eq!(verdicts, ["match", "unknown"]);
    assert_eq!((found.connections.len(), found.errors("live", "second_session")), (2, 1));
}

#[test]
fn a_session_at_the_wrong_end_is_not_this_sockets() {
    let (watched, handshake) = watched();
    let session = [watched.session(Some(Side::Server))];
    for reports in [[&handshake[..], &session].concat(), [&session[..], &handshake].concat()] {
        let wrong = Watched { role: Side::Server, ..watched };
        let reports = [&reports[..], &plaintext(&wrong)].concat();
        let found = observe_reports(&reports);
        assert_eq!((found.only().verdict, found.errors("live", "contradicted")), ("unknown", 1));
    }
}

#[test]
fn what_is_read_behind_the_close_of_the_socket_still_counts() {
    let (watched, mut reports) = watched();
    reports.push(watched.session(None));
    let (ask, answer) = plaintext(&watched).into_iter().partition::<Vec<_>, _>(|report| {
        matches!(report, Report::Plaintext(_, Direction::Sent, ..))
    });
    reports.extend(ask);
    reports.push(Report::SocketClosed(watched.socket.id));
    reports.extend(answer);
    reports.push(Report::SessionClosed(watched.session));
    let found = observe_reports(&reports);
    assert_eq!((found.only().status, found.connection().closed), (Some(421), true));
}

#[test]
fn what_the_decoder_sees_otherwise_is_a_gap() {
    let (watched, handshake) = watched();
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
    let mut ask = Hpack::default();
    let first = [h2::PREFACE, &settings, &h2::headers(1, true, &ask.request("GET", "a.test"))];
    let half = h2::headers(3, true, &ask.request("GET", "b.test"));
    let piece = |sequence, omitted, at_boundary, bytes: &[u8]| {
        let piece = Forwarded { omitted, at_boundary, bytes: bytes.to_vec() };
        Report::Plaintext(watched.session, Direction::Sent, sequence, piece)
    };
    let begun = [&handshake[..], &[watched.session(None), piece(0, 0, true, &first.concat())]];
    let contradictions = [
        // In the middle of a header block, nothing is left out.
        vec![piece(1, 0, true, &half[..half.len() - 3]), piece(2, 10, true, &settings)],
        // Nor is what was forwarded a whole frame.
        vec![piece(1, 0, true, &half[..half.len() - 3]), piece(2, 0, true, &settings)],
        // Behind a whole frame there is a boundary.
        vec![piece(1, 5, false, &half)],
    ];
    for reports in contradictions {
        let again = h2::headers(9, true, &Hpack::default().request("GET", "c.test"));
        let reports = [&begun.concat()[..], &reports, &[piece(9, 0, true, &again)]].concat();
        let found = observe_reports(&reports);
        assert_eq!(found.errors("live", "contradicted"), 1, "{:?}", found.counters);
        let hosts: Vec<_> = found.exchanges.iter().map(|told| told.authority.as_deref()).collect();
        // The last one says its names itself, so that it can be read from a proven place on.
        assert_eq!(hosts, [Some("a.test"), Some("c.test")], "{:?}", found.counters);
        assert!(found.connection().gaps >= 1);
    }
}

/// The place taken up behind a loss may be in the middle of a header block.
#[test]
fn behind_a_lost_beginning_of_a_header_block_the_rest_is_passed_over() {
    let (watched, mut reports) = watched();
    reports.push(watched.session(None));
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
    let last = h2::headers(3, true, &Hpack::default().request("GET", "b.test"));
    let block = [h2::frame(h2::CONTINUATION, h2::END_HEADERS, 1, b"\x82"), last].concat();
    for (sequence, bytes) in [(0, [h2::PREFACE, &settings].concat()), (2, block)] {
        let piece = Forwarded { omitted: 0, at_boundary: true, bytes };
        reports.push(Report::Plaintext(watched.session, Direction::Sent, sequence, piece));
    }
    let found = observe_reports(&reports);
    assert_eq!((found.only().stream, found.only().authority.as_deref()), (3, Some("b.test")));
}

#[test]
fn more_left_out_than_a_body_has_is_a_gap() {
    let (watched, mut reports) = watched();
    reports.push(watched.session(None));
    let post = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n";
    let get = b"GET / HTTP/1.1\r\nHost: b.test\r\n\r\n";
    for (omitted, told, wrong) in [(10, 2, 0), (9, 1, 1), (11, 1, 1)] {
        let mut reports = reports.clone();
        for (sequence, omitted, bytes) in [(0, 0, &post[..]), (1, omitted, get)] {
            let piece = Forwarded { omitted, at_boundary: true, bytes: bytes.to_vec() };
            reports.push(Report::Plaintext(watched.session, Direction::Sent, sequence, piece));
        }
        let found = observe_reports(&reports);
        assert_eq!(found.exchanges.len(), told, "{omitted}");
        assert_eq!(found.errors("live", "contradicted"), wrong, "{omitted}");
    }
}

#[test]
fn silence_ends_a_direction() {
    for (why, lost, told) in
        [(Silence::Foreign, 0, 1), (Silence::LostPlace, 1, 1), (Silence::Tunnel, 0, 1)]
    {
        let (watched, mut reports) = watched();
        reports.push(watched.session(None));
        let (ask, answer) = plaintext(&watched).into_iter().partition::<Vec<_>, _>(|report| {
            matches!(report, Report::Plaintext(_, Direction::Sent, ..))
        });
        reports.extend(ask);
        reports.push(Report::Silent(watched.session, Direction::Received, why));
        reports.extend(answer);
        let found = observe_reports(&reports);
        assert_eq!((found.exchanges.len(), found.only().status), (told, None), "{why:?}");
        assert_eq!(found.counters.lost.get(&Loss::Gap).copied().unwrap_or(0), lost, "{why:?}");
    }
}

#[test]
fn a_certificate_in_the_clear_and_an_answer_prove_what_the_endpoint_serves() -> Result<()> {
    let key = rcgen::generate_simple_self_signed(["a.test".to_owned(), "b.test".to_owned()])?;
    let mut talk = Talk::open(443);
    talk.client(tls::record(22, &tls::client_hello([1; 32], Some("a.test"))));
    talk.server(tls::record(22, &tls::server_hello([2; 32])));
    talk.server(tls::record(22, &tls::certificate(key.cert.der())));
    let at_b = Watched::new(1, Side::Client, &talk.segments);
    let mut reports = at_b.handshake(&talk.segments);
    reports.push(at_b.session(None));
    reports.extend(plaintext(&at_b));
    let found = observe_reports(&reports);
    assert_eq!((found.only().verdict, found.only().tls_version), ("match", Some("1.2")));
    assert_eq!(found.connection().certificate_names.as_ref().map(Vec::len), Some(2));
    assert_eq!(found.served, 1);
    Ok(())
}

#[test]
fn under_attack_the_bounds_hold_and_losses_are_counted() {
    let config =
        EngineConfig { max_connections: 50, max_held_bytes: 200_000, ..EngineConfig::default() };
    for seed in 0..30 {
        let mut dice = Dice::new(seed);
        let (one, handshake) = watched();
        let mut reports = Vec::new();
        for _ in 0..3000 {
            let number = dice.bits() % 300;
            let mut socket = one.socket;
            socket.id = SocketId(number);
            let session = SessionId(number);
            let way = *dice.one_of(&[Direction::Sent, Direction::Received]);
            let len = dice.within(0..2000);
            let noise = dice.bytes(len);
            reports.push(match dice.within(0..11) {
                0 => Report::Session(
                    session,
                    dice.once_in(2).then_some(socket),
                    None,
                    dice.once_in(5),
                ),
                1 => Report::Handshake(socket, way, u32::try_from(len).unwrap_or(0), noise),
                2 => match dice.one_of(&handshake) {
                    Report::Handshake(_, way, offset, bytes) => {
                        Report::Handshake(socket, *way, *offset, bytes.clone())
                    }
                    other => other.clone(),
                },
                3 => Report::SocketClosed(socket.id),
                4 if dice.once_in(4) => Report::SessionClosed(session),
                5 => match dice.one_of(&plaintext(&one)) {
                    Report::Plaintext(_, way, sequence, piece) => {
                        Report::Plaintext(session, *way, *sequence, piece.clone())
                    }
                    other => other.clone(),
                },
                6 if dice.once_in(9) => Report::Silent(session, way, Silence::LostPlace),
                7 => Report::Certificate(session, noise),
                8 => Report::Extensions(session, noise),
                _ => {
                    let omitted =
                        if dice.once_in(2) { 0 } else { dice.bits() >> dice.within(0..64) };
                    let at_boundary = dice.once_in(2);
                    let piece = Forwarded { omitted, at_boundary, bytes: noise };
                    Report::Plaintext(
                        session,
                        way,
                        u32::try_from(dice.within(0..5)).unwrap_or(0),
                        piece,
                    )
                }
            });
        }
        let found = observe_reports_with(config, &reports);
        assert!(found.peak_held <= config.max_held_bytes, "{}", found.peak_held);
        assert!(found.peak_connections <= config.max_connections, "{}", found.peak_connections);
        assert!(found.counters.lost.contains_key(&Loss::Evicted), "{:?}", found.counters);
        assert_eq!(found.counters.reports, 3000);
    }
}

/// TLS 1.3 encrypts them on the wire.
#[test]
fn protocol_and_certificate_are_taken_from_inside_the_library() -> Result<()> {
    // A connection for b.test with a request for a.test, and a certificate with these names.
    let told = |names: &[&str]| -> Result<Found> {
        let mut talk = Talk::open(443);
        talk.client(tls::record(22, &tls::client_hello_13([1; 32], Some("b.test"))));
        talk.server(tls::record(22, &tls::server_hello_13([2; 32])));
        let watched = Watched::new(1, Side::Client, &talk.segments);
        let mut reports = watched.handshake(&talk.segments);
        let extensions = tls::encrypted_extensions("h2").split_off(4);
        let certificate = certificate(names)?.der().to_vec();
        reports.push(watched.session(Some(Side::Client)));
        reports.push(Report::Extensions(watched.session, extensions));
        reports.push(Report::Certificate(watched.session, certificate));
        reports.extend(plaintext(&watched));
        Ok(observe_reports(&reports))
    };
    for (names, verdict) in [
        (&["b.test"][..], "misdirected_uncovered"),
        (&["a.test", "b.test"], "coalesced_unverified"),
        (&["spiffe://cluster.local/ns/shop/sa/web"], "mesh"),
    ] {
        let found = told(names)?;
        assert_eq!((found.only().verdict, found.only().alpn.as_deref()), (verdict, Some("h2")));
        let hosts: Vec<_> = names.iter().filter(|name| !name.contains(':')).collect();
        let seen = found.connection().certificate_names.as_deref().unwrap_or_default();
        assert!(seen.iter().eq(hosts), "{seen:?}");
    }
    Ok(())
}

#[test]
fn what_is_no_certificate_is_counted_and_changes_nothing() {
    let (watched, mut reports) = watched();
    reports.push(watched.session(Some(Side::Client)));
    reports.push(Report::Certificate(watched.session, b"no DER".to_vec()));
    reports.push(Report::Extensions(watched.session, vec![0, 9, 1]));
    reports.extend(plaintext(&watched));
    let found = observe_reports(&reports);
    assert_eq!(found.only().verdict, "match");
    assert_eq!(found.connection().certificate_names, None);
    assert_eq!(found.errors("live", "certificate"), 1);
    assert_eq!(found.errors("live", "encrypted_extensions"), 1);
}
