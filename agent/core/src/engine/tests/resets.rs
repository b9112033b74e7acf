//! A connection that an RST ends before the answer.

use super::*;
use crate::observation::Response;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const RST: Flags = Flags(0x04);
const FIN: Flags = Flags(Flags::FIN.0 | Flags::ACK.0);

/// Whether the server reset the connection, by each exchange, after a request and these segments.
fn resets(segments: &[Vec<u8>]) -> Vec<bool> {
    let mut engine = Engine::new(EngineConfig::default(), Arc::default());
    let opening = [
        segment(1, 0, Flags::SYN, &[]),
        back(segment(1, 9, Flags(Flags::SYN.0 | Flags::ACK.0), &[])),
        segment(1, 1, Flags::ACK, REQUEST),
    ];
    for (number, packet) in (1..).zip(opening.iter().chain(segments)) {
        feed(&mut engine, number, packet);
    }
    engine.finish();
    let exchanges = engine.drain().into_iter().filter_map(|observation| match observation.event {
        Event::Exchange(exchange) => Some(exchange.response == Response::ConnectionReset),
        _ => None,
    });
    exchanges.collect()
}

#[test]
fn a_reset_by_the_server_before_its_answer_is_noted() {
    let end = 1 + u32::try_from(REQUEST.len()).unwrap();
    let by_server = back(segment(1, 10, RST, &[]));
    let by_client = segment(1, end, RST, &[]);
    assert_eq!(resets(std::slice::from_ref(&by_server)), [true]);
    // The client gave up first, and the server resets what it no longer needs.
    assert_eq!(resets(&[segment(1, end, FIN, &[]), by_server]), [false]);
    assert_eq!(resets(&[by_client]), [false]);
    // An answer, and one that the capture lacks.
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let behind = 10 + u32::try_from(answer.len()).unwrap();
    let reset = back(segment(1, behind, RST, &[]));
    assert_eq!(resets(&[back(segment(1, 10, Flags::ACK, answer)), reset.clone()]), [false]);
    assert_eq!(resets(&[reset]), [false]);
    assert_eq!(resets(&[]), [false]);
}
