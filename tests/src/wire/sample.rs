//! Conversations in cleartext that have everything in them.

use super::h2::{self, Hpack};
use super::{Frame, Talk};

/// Each with its name.
pub fn samples() -> Vec<(&'static str, Vec<Frame>)> {
    vec![("h2c", h2c()), ("http1", http1()), ("http1-over-ipv6", close_delimited())]
}

/// A body in which every byte looks like something. No segment begins with its request line: a
/// stream first met there would be taken for a client's.
fn body(len: usize) -> Vec<u8> {
    const TEXT: &[u8] =
        b"\r\nGET / HTTP/1.1\r\nHost: evil.test\r\n\r\nHTTP/1.1 421 No\r\n\r\n0\r\n\r\nodd";
    TEXT.iter().copied().cycle().take(len).collect()
}

/// HTTP/2 with prior knowledge: interleaved streams, large bodies, the dynamic tables of both
/// directions in constant use, CONTINUATION, padding, trailers, a push, a reset and a 421.
fn h2c() -> Vec<Frame> {
    let mut talk = Talk::open(8080);
    let (mut ask, mut answer) = (Hpack::default(), Hpack::default());
    let settings = h2::frame(h2::SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]);
    talk.client([h2::PREFACE, &settings].concat());
    talk.server(&settings);
    let acknowledged = h2::frame(h2::SETTINGS, 1, 0, &[]);
    talk.client([&acknowledged[..], &h2::headers(1, true, &ask.request("GET", "a.test"))].concat());
    talk.server([&acknowledged[..], &h2::headers(1, false, &answer.response(200))].concat());
    talk.client(h2::headers(3, false, &ask.request("POST", "b.test")));
    talk.server(h2::data(1, false, &body(20_000)));
    talk.client(h2::data(3, false, &body(9000)));
    // A long block in pieces, in one segment after the other.
    let long = "v".repeat(3000);
    let fields = [(":method", "PUT"), (":authority", "a.test"), (":path", "/x"), ("x-long", &long)];
    talk.client(h2::headers_in_pieces(5, true, &ask.block(&fields), 1100));
    talk.server(h2::push_promise(1, 2, &answer.request("GET", "pushed.test")));
    talk.client([h2::data(3, false, b"more"), trailers(3, &mut ask)].concat());
    talk.server([h2::data(1, false, b"end"), trailers(1, &mut answer)].concat());
    talk.server(h2::headers(2, false, &answer.response(203)));
    talk.server(h2::padded_headers(3, false, &answer.response(421), 77));
    talk.client(h2::padded_headers(7, true, &ask.request("GET", "b.test"), 5));
    talk.server([h2::data(2, true, &body(5000)), h2::data(3, true, b"no")].concat());
    talk.server(h2::headers(5, false, &answer.block(&[(":status", "103"), ("link", "x")])));
    talk.server(h2::headers(5, true, &answer.response(204)));
    for stream in [9, 11, 13] {
        let authority = format!("n{stream}.test");
        talk.client(h2::headers(stream, true, &ask.request("GET", &authority)));
    }
    talk.server(h2::headers(13, true, &answer.response(200)));
    talk.client(h2::frame(h2::RST_STREAM, 0, 9, &[0, 0, 0, 8]));
    talk.server(h2::headers(7, true, &answer.response(421)));
    talk.server(h2::headers(11, true, &answer.response(404)));
    for stream in (15..31).step_by(2) {
        let authority = if stream % 4 == 3 { "a.test" } else { "b.test" };
        talk.client(h2::headers(stream, true, &ask.request("GET", authority)));
        talk.server(h2::headers(stream, false, &answer.response(200)));
        talk.server(h2::data(stream, true, &body(2000)));
    }
    talk.server(h2::frame(h2::GOAWAY, 0, 0, &[0, 0, 0, 29, 0, 0, 0, 0]));
    talk.close();
    talk.frames()
}

fn trailers(stream: u32, hpack: &mut Hpack) -> Vec<u8> {
    h2::headers(stream, true, &hpack.block(&[("x-checksum", "1")]))
}

/// HTTP/1.1: pipelining, bodies of both kinds in both directions, interim responses.
fn http1() -> Vec<Frame> {
    let mut talk = Talk::open(80);
    let chunked = |bytes: &[u8]| {
        let mut text = Vec::new();
        for piece in bytes.chunks(700) {
            text.extend(format!("{:x};x\r\n", piece.len()).into_bytes());
            text.extend_from_slice(piece);
            text.extend_from_slice(b"\r\n");
        }
        [&text[..], b"0\r\nx-trailer: 1\r\n\r\n"].concat()
    };
    talk.client(b"GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: b.test\r\n\r\n");
    talk.server([&b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"[..], &body(5000)].concat());
    talk.server(b"HTTP/1.1 421 No\r\nContent-Length: 2\r\n\r\nno");
    let head =
        b"POST /3 HTTP/1.1\r\nHost: c.test\r\nExpect: 100-continue\r\nContent-Length: 6000\r\n\r\n";
    talk.client(head);
    talk.server(b"HTTP/1.1 100 Continue\r\n\r\n");
    talk.client(body(6000));
    let head = b"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    talk.server([&head[..], &chunked(&body(4000))].concat());
    let head = b"PUT /4 HTTP/1.1\r\nHost: d.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    talk.client(
        [&head[..], &chunked(&body(3000)), b"HEAD /5 HTTP/1.1\r\nHost: e.test\r\n\r\n"].concat(),
    );
    talk.server(b"HTTP/1.1 204 No\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
    for number in 6..12 {
        talk.client(format!("GET /{number} HTTP/1.1\r\nHost: n{number}.test\r\n\r\n"));
        talk.server(format!("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", 200 + number));
    }
    talk.close();
    talk.frames()
}

/// HTTP/1.0 over IPv6: a body that only the end of the connection ends.
fn close_delimited() -> Vec<Frame> {
    let [client, server] = ["[2001:db8::1]:50001", "[2001:db8::2]:80"].map(|text| text.parse());
    let (Ok(client), Ok(server)) = (client, server) else { return Vec::new() };
    let mut talk = Talk::between(client, server).with_sequences(u32::MAX - 20, u32::MAX - 3000);
    talk.handshake();
    talk.client(b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
    talk.server([&b"HTTP/1.0 200 OK\r\n\r\n"[..], &body(8000)].concat());
    talk.close();
    talk.frames()
}
