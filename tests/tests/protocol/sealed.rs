use anyhow::Result;
use wrongdoor_core::side::Side::{Client, Server};
use wrongdoor_tests::wire::h2::{self, Hpack};
use wrongdoor_tests::wire::{Found, Names, Sealed, Talk, observe};

use super::asked;

const H2: Names<'_> = Names { sni: Some("a.test"), alpn: "h2", certificate: &["a.test", "b.test"] };
const H1: Names<'_> = Names { alpn: "http/1.1", ..H2 };

fn found(session: &Sealed) -> Found {
    observe(&session.talk.frames(), &session.keys_log(|_| true))
}

/// An HTTP/2 session that has begun.
fn h2(names: Names<'_>) -> Result<(Sealed, Hpack, Hpack)> {
    let mut session = Sealed::open(Talk::open(443), 1, names)?;
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[]);
    session.say(Client, [h2::PREFACE, &settings].concat())?.say(Server, &settings)?;
    Ok((session, Hpack::default(), Hpack::default()))
}

/// The verdict on one HTTP/2 request with these fields, answered with 200.
fn verdict_on(
    names: Names<'_>,
    origins: Option<&[&str]>,
    fields: &[(&str, &str)],
) -> Result<&'static str> {
    let (mut session, mut ask, mut answer) = h2(names)?;
    if let Some(origins) = origins {
        session.say(Server, h2::origin(origins))?;
    }
    session.say(Client, h2::headers(1, true, &ask.block(fields)))?;
    session.say(Server, h2::headers(1, true, &answer.response(200)))?;
    let found = found(&session);
    assert_eq!(found.only().tls_version, Some("1.3"));
    Ok(found.only().verdict)
}

/// A session, what the server says it serves, a request, and the verdict.
type Case<'a> = (Names<'a>, Option<&'a [&'a str]>, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn verdicts_on_http2() -> Result<()> {
    let get = (":method", "GET");
    let connect = (":method", "CONNECT");
    let authority = |name| (":authority", name);
    let none = Names { sni: None, ..H2 };
    let cases: [Case<'_>; 22] = [
        (H2, None, &[get, authority("a.test")], "match"),
        (H2, None, &[get, authority("A.Test:443")], "match"),
        (H2, None, &[get, authority("a.test.")], "match_dot"),
        (H2, None, &[get, ("host", "a.test")], "match"),
        (H2, None, &[get, (":path", "/")], "no_authority"),
        (H2, None, &[get, authority("a.test"), ("host", "b.test")], "authority_conflict"),
        (H2, None, &[get, authority("a.test"), ("host", "a.test:443")], "match"),
        (H2, None, &[get, authority("a.test"), authority("b.test")], "malformed"),
        (H2, None, &[get, authority("user@a.test")], "malformed"),
        (H2, None, &[get, authority("b.test")], "coalesced_unverified"),
        (H2, None, &[get, authority("c.test")], "misdirected_uncovered"),
        (H2, Some(&["https://b.test"]), &[get, authority("b.test")], "coalesced_legal"),
        (
            H2,
            Some(&["https://x.test"]),
            &[get, authority("b.test")],
            "coalesced_outside_origin_set",
        ),
        // The certificate is asked first.
        (H2, Some(&["https://c.test"]), &[get, authority("c.test")], "misdirected_uncovered"),
        (H2, None, &[connect, authority("b.test:443")], "proxy_request"),
        (H2, None, &[connect, (":protocol", "websocket"), authority("a.test")], "match"),
        (
            H2,
            None,
            &[connect, (":protocol", "websocket"), authority("c.test")],
            "misdirected_uncovered",
        ),
        (none, None, &[get, authority("a.test")], "no_sni"),
        (none, None, &[get, authority("192.0.2.2")], "no_sni_ip"),
        (none, None, &[connect, authority("a.test")], "proxy_request"),
        (
            Names { sni: Some("192.0.2.2"), ..H2 },
            None,
            &[get, authority("192.0.2.2")],
            "sni_invalid",
        ),
        (Names { sni: Some("a.test."), ..H2 }, None, &[get, authority("a.test")], "sni_invalid"),
    ];
    for (names, origins, fields, verdict) in cases {
        assert_eq!(
            verdict_on(names, origins, fields)?,
            verdict,
            "{names:?} {origins:?} {fields:?}"
        );
    }
    Ok(())
}

#[test]
fn after_a_421_an_origin_is_out_of_the_set() -> Result<()> {
    let (mut session, mut ask, mut answer) = h2(H2)?;
    session.say(Server, h2::origin(&["https://b.test"]))?;
    for (stream, status) in [(1, 421), (3, 200)] {
        session.say(Client, h2::headers(stream, true, &ask.request("GET", "b.test")))?;
        session.say(Server, h2::headers(stream, true, &answer.response(status)))?;
    }
    let verdicts: Vec<_> = found(&session).exchanges.iter().map(|told| told.verdict).collect();
    assert_eq!(verdicts, ["coalesced_legal", "coalesced_outside_origin_set"]);
    Ok(())
}

#[test]
fn verdicts_on_http1() -> Result<()> {
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "match"),
        ("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n", "mismatch_h1"),
        ("GET / HTTP/1.1\r\nHost: c.test\r\n\r\n", "mismatch_h1_uncovered"),
        ("GET / HTTP/1.1\r\n\r\n", "malformed"),
        ("GET / HTTP/1.0\r\n\r\n", "no_authority"),
        ("GET / HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n", "malformed"),
        ("GET / HTTP/1.1\r\nHost: user@a.test\r\n\r\n", "malformed"),
        ("GET https://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n", "match"),
        ("CONNECT b.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n", "proxy_request"),
        ("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", "match"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "malformed"),
    ];
    for (request, verdict) in cases {
        let mut session = Sealed::open(Talk::open(443), 1, H1)?;
        session
            .say(Client, request)?
            .say(Server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        let found = found(&session);
        assert_eq!(found.only().verdict, verdict, "{request}");
        let mismatched = verdict.starts_with("mismatch");
        assert_eq!(found.only().silent_misdirect, mismatched, "{request}");
    }
    Ok(())
}

#[test]
fn inside_a_tunnel_the_inner_session_is_the_connections() -> Result<()> {
    let mut talk = Talk::open(3128);
    talk.client("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\n\r\n");
    let mut session = Sealed::open(talk, 1, H1)?;
    for host in ["a.test", "c.test"] {
        session.say(Client, format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))?;
        session.say(Server, "HTTP/1.1 421 M\r\nContent-Length: 0\r\n\r\n")?;
    }
    let found = found(&session);
    let expected = [
        (1, Some("a.test"), Some(200)),
        (2, Some("a.test"), Some(421)),
        (3, Some("c.test"), Some(421)),
    ];
    assert_eq!(asked(&found), expected);
    let verdicts: Vec<_> = found.exchanges.iter().map(|told| told.verdict).collect();
    assert_eq!(verdicts, ["not_tls", "match", "mismatch_h1_uncovered"]);
    assert_eq!(found.connection().sni.as_deref(), Some("a.test"));
    assert_eq!(found.connection().misdirected, 2);
    Ok(())
}

#[test]
fn new_keys_are_followed() -> Result<()> {
    let (mut session, mut ask, mut answer) = h2(H2)?;
    for stream in (1..40).step_by(2) {
        session.say(Client, h2::headers(stream, true, &ask.request("GET", "a.test")))?;
        session.update_keys(if stream % 4 == 1 { Client } else { Server })?;
        session.say(Server, h2::headers(stream, true, &answer.response(200)))?;
    }
    let found = found(&session);
    assert_eq!(found.exchanges.iter().filter(|told| told.status == Some(200)).count(), 20);
    assert!(found.counters.decode_errors.is_empty(), "{:?}", found.counters);
    Ok(())
}

/// One request and its answer, and what is told of them with part of the key log.
fn with_keys(wanted: impl Fn(&str) -> bool) -> Result<Found> {
    let (mut session, mut ask, mut answer) = h2(H2)?;
    session.say(Client, h2::headers(1, true, &ask.request("GET", "b.test")))?;
    session.say(Server, h2::headers(1, true, &answer.response(421)))?;
    session.talk.close();
    Ok(observe(&session.talk.frames(), &session.keys_log(wanted)))
}

#[test]
fn traffic_secrets_alone_open_the_traffic() -> Result<()> {
    let found = with_keys(|label| label.contains("_TRAFFIC_SECRET_0"))?;
    let told = found.only();
    assert_eq!((told.status, told.authority.as_deref()), (Some(421), Some("b.test")));
    // The certificate stays hidden, and so does the protocol.
    assert_eq!((told.verdict, &told.alpn), ("coalesced_unverified", &None));
    assert_eq!(found.connection().certificate_names, None);
    Ok(())
}

#[test]
fn handshake_secrets_alone_open_the_handshake() -> Result<()> {
    let found = with_keys(|label| label.contains("HANDSHAKE"))?;
    assert!(found.exchanges.is_empty());
    assert_eq!(found.connection().alpn.as_deref(), Some("h2"));
    assert!(found.connection().certificate_names.is_some());
    Ok(())
}

#[test]
fn secrets_of_one_side_tell_its_half_and_claim_nothing_of_the_other() -> Result<()> {
    for (side, authority, status) in [("CLIENT", Some("b.test"), None), ("SERVER", None, Some(421))]
    {
        let found = with_keys(|label| label.starts_with(side))?;
        let told = found.only();
        assert_eq!((told.authority.as_deref(), told.status), (authority, status), "{told:#?}");
        assert_eq!(found.connection().sni.as_deref(), Some("a.test"));
        assert_eq!(found.errors("tls", "no_keys"), 1);
    }
    Ok(())
}

#[test]
fn wrong_keys_open_nothing_and_are_counted() -> Result<()> {
    let (mut session, mut ask, _) = h2(H2)?;
    session.say(Client, h2::headers(1, true, &ask.request("GET", "b.test")))?;
    // The secrets of another session under this one's random.
    let other = Sealed::open(Talk::open(443), 99, H2)?;
    let keys = String::from_utf8(other.keys_log(|_| true))?;
    let keys = keys.replace(&"63".repeat(32), &"01".repeat(32));
    let found = observe(&session.talk.frames(), keys.as_bytes());
    assert!(found.exchanges.is_empty(), "{:?}", found.exchanges);
    assert!(found.errors("tls", "wrong_keys") > 0, "{:?}", found.counters);
    assert_eq!(found.connection().sni.as_deref(), Some("a.test"));
    assert_eq!(found.connection().decryption, "none");
    Ok(())
}

#[test]
fn requests_behind_a_lost_one_are_told_with_their_answers() -> Result<()> {
    let (mut session, mut ask, mut answer) = h2(H2)?;
    session.say(Client, h2::headers(1, true, &ask.request("GET", "a.test")))?;
    session.say(Server, h2::headers(1, true, &answer.response(200)))?;
    let lost = session.talk.frames().len();
    session.say(Client, h2::headers(3, true, &ask.request("GET", "lost.test")))?;
    session.say(Server, h2::headers(3, true, &answer.response(421)))?;
    for (stream, host) in [(5, "b.test"), (7, "c.test")] {
        // A fresh table: what refers to the lost block could not be read.
        session.say(Client, h2::headers(stream, true, &Hpack::default().request("GET", host)))?;
        session.say(Server, h2::headers(stream, true, &answer.response(200)))?;
    }
    session.talk.close();
    let mut frames = session.talk.frames();
    frames.remove(lost);
    let found = observe(&frames, &session.keys_log(|_| true));
    let told: Vec<_> = found
        .exchanges
        .iter()
        .map(|told| (told.stream, told.authority.as_deref(), told.status))
        .collect();
    let expected = [
        (1, Some("a.test"), Some(200)),
        (3, None, Some(421)),
        (5, Some("b.test"), Some(200)),
        (7, Some("c.test"), Some(200)),
    ];
    assert_eq!(told, expected);
    Ok(())
}
