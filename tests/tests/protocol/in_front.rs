use std::net::{SocketAddr, SocketAddrV4};

use wrongdoor_tests::golden::Golden;
use wrongdoor_tests::wire::{self, Script, Talk, observe, scripts, tls};

use super::of;

/// The first connection of a committed capture: TLS 1.3 and its keys.
fn real() -> (Script, Vec<u8>) {
    let golden = Golden::all().expect("captures").into_iter().find(|it| it.name() == "coalescing");
    let golden = golden.expect("it is there");
    let frames = wire::read(&golden.capture).expect("readable");
    (scripts(&frames).expect("whole").remove(0), golden.keys())
}

fn headers() -> [Vec<u8>; 2] {
    let client: SocketAddrV4 = "203.0.113.9:4711".parse().expect("an address");
    let server: SocketAddrV4 = "198.51.100.1:443".parse().expect("an address");
    let v1 = b"PROXY TCP4 203.0.113.9 198.51.100.1 4711 443\r\n";
    [v1.to_vec(), tls::proxy_v2(client, server)]
}

#[test]
fn a_proxy_header_is_seen_through() {
    let declared: Option<SocketAddr> = Some("203.0.113.9:4711".parse().expect("an address"));
    let (script, keys) = real();
    let whole = {
        let mut talk = Talk::open(443);
        talk.client(&script.said_by_client.bytes).server(&script.said_by_server.bytes).close();
        observe(&talk.frames(), &keys)
    };
    assert_eq!(whole.exchanges.len(), 3);
    for header in headers() {
        // In the same segment as what follows, and in one of its own, and in many.
        for mss in [1448, header.len(), 1] {
            let mut talk = Talk::open(443).with_mss(mss);
            talk.client([&header[..], &script.said_by_client.bytes].concat());
            talk.server(&script.said_by_server.bytes).close();
            let found = observe(&talk.frames(), &keys);
            let mut expected = whole.sorted();
            expected.iter_mut().for_each(|told| told.client_declared = declared);
            assert_eq!(found.sorted(), expected);
            assert_eq!(found.connection().client_declared, declared);
        }
        let mut talk = Talk::open(80);
        talk.client([&header[..], b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"].concat());
        talk.server("HTTP/1.1 200 OK\r\n\r\n").close();
        let found = of(&talk);
        let peer: SocketAddr = "192.0.2.1:50000".parse().expect("an address");
        assert_eq!((found.only().client, found.only().client_declared), (Some(peer), declared));
        assert_eq!((found.only().stream, found.only().status), (1, Some(200)));
    }
}

#[test]
fn a_proxy_header_that_is_none_is_counted() {
    let mut talk = Talk::open(80);
    talk.client("PROXY TCP4 nowhere 1 2 3\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n").close();
    let found = of(&talk);
    assert!(found.exchanges.is_empty());
    assert_eq!(found.errors("proxy", "malformed"), 1);
}

/// Mail is not ours, though TLS comes of it: no name is claimed, nothing is told, nothing is wrong.
#[test]
fn starttls_is_left_alone() {
    let (script, keys) = real();
    let mut talk = Talk::open(25);
    talk.server("220 mail.test ESMTP\r\n").client("EHLO a.test\r\n");
    talk.server("250-mail.test\r\n250 STARTTLS\r\n").client("STARTTLS\r\n").server("220 Go\r\n");
    talk.client(&script.said_by_client.bytes).server(&script.said_by_server.bytes).close();
    let found = observe(&talk.frames(), &keys);
    assert!(found.exchanges.is_empty() && found.connections.is_empty(), "{:?}", found.connections);
    assert!(found.counters.decode_errors.is_empty(), "{:?}", found.counters);
}
