use super::*;
use crate::http2::PREFACE;

/// A segment from this port, in a packet without a link header.
fn segment(port: u16, sequence: u32, flags: Flags, payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, high, low, 0, 0, 0, 0, 64, 6, 0, 0];
    packet.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    packet.extend([port, 443].map(u16::to_be_bytes).concat());
    packet.extend([sequence, 0].map(u32::to_be_bytes).concat());
    packet.extend([0x50, flags.0, 0, 0, 0, 0, 0, 0]);
    packet.extend(payload);
    packet
}

fn feed(engine: &mut Engine, number: u64, packet: &[u8]) {
    engine.packet(number, Timestamp(0), LinkType::RAW, packet, packet.len());
}

#[test]
fn the_bound_on_held_bytes_is_kept_by_those_who_hold_any() {
    let config = Config { max_held_bytes: 10_000, ..Config::default() };
    let mut engine = Engine::new(config, Arc::default());
    let idle = 64;
    for port in 1..=idle {
        feed(&mut engine, port.into(), &segment(port, 0, Flags::SYN, &[]));
    }
    for place in 0..30 {
        // Out of order, so that it is held.
        let port = 1000 + place;
        feed(&mut engine, 1000 + u64::from(place), &segment(port, 0, Flags::SYN, &[]));
        feed(&mut engine, 2000 + u64::from(place), &segment(port, 9, Flags::ACK, &[0; 2000]));
        assert!(engine.held_bytes() <= config.max_held_bytes, "{}", engine.held_bytes());
    }
    assert!(engine.held_bytes() > 0);
    assert!(engine.connections() >= usize::from(idle) + 4, "{}", engine.connections());
}

#[test]
fn what_is_held_counts_with_what_it_takes_to_hold_it() {
    let proxy_header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x0f\xff";
    // A header that goes on, records that wait for the server's hello, and bytes out of order.
    let cases: [(&[u8], &[u8], u32); 3] =
        [(proxy_header, b"x", 0), (&[22, 3, 1, 0, 1, 1], &[23, 3, 3, 0, 1, 0], 0), (b"G", b"x", 1)];
    for (first, piece, hole) in cases {
        let mut engine = Engine::new(Config::default(), Arc::default());
        feed(&mut engine, 1, &segment(1, 0, Flags::SYN, &[]));
        feed(&mut engine, 2, &segment(1, 1, Flags::ACK, first));
        let mut sequence = 1 + u32::try_from(first.len()).unwrap();
        for number in 0..200 {
            sequence += hole;
            feed(&mut engine, 3 + number, &segment(1, sequence, Flags::ACK, piece));
            sequence += u32::try_from(piece.len()).unwrap();
        }
        assert!(engine.held_bytes() >= 200 * 40, "{first:?}: {}", engine.held_bytes());
    }
}

#[test]
fn requests_that_wait_for_their_answer_count() {
    fn host(number: u32) -> String {
        format!("{number:0>900}")
    }
    let http1 = |number| format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", host(number)).into_bytes();
    let http2 = |number: u32| {
        // A literal :authority of 900 bytes, not to be inserted.
        let block = [&[0x82, 0x84, 0x87, 1, 0x7f, 0x85, 6][..], host(number).as_bytes()].concat();
        let [a, b] = u16::try_from(block.len()).unwrap().to_be_bytes();
        let stream = (2 * number + 1).to_be_bytes();
        [&[0, a, b, 1, 5], &stream[..], &block].concat()
    };
    let requests: [fn(u32) -> Vec<u8>; 2] = [http1, http2];
    for (first, request) in [&b""[..], PREFACE].into_iter().zip(requests) {
        let mut engine = Engine::new(Config::default(), Arc::default());
        feed(&mut engine, 1, &segment(1, 0, Flags::SYN, &[]));
        let mut sequence = 1;
        for number in 0..1000 {
            let start = if number == 0 { first } else { &[] };
            let sent = [start, &request(number)].concat();
            feed(&mut engine, u64::from(number) + 2, &segment(1, sequence, Flags::ACK, &sent));
            sequence += u32::try_from(sent.len()).unwrap();
        }
        assert!(engine.held_bytes() >= 900_000, "{}", engine.held_bytes());
        engine.finish();
        let told = engine.drain();
        assert_eq!((engine.held_bytes(), told.len()), (0, 1001));
    }
}
