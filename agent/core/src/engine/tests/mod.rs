mod client_hello;
mod resets;

use super::*;
use crate::observation::probe_event::{
    Direction, ProbeEvent, Process, SessionId, Socket, SocketId,
};
use crate::wire::http2_frame::PREFACE;
use crate::wire::net::Endpoint;

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
    engine.handle_packet(number, Timestamp(0), LinkType::RAW, packet, packet.len());
}

#[test]
fn the_bound_on_held_bytes_is_kept_by_those_who_hold_any() {
    let config = EngineConfig { max_held_bytes: 10_000, ..EngineConfig::default() };
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
        let mut engine = Engine::new(EngineConfig::default(), Arc::default());
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
        let mut engine = Engine::new(EngineConfig::default(), Arc::default());
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

fn report(engine: &mut Engine, number: u64, seconds: i64, report: ProbeEvent<'_>) {
    engine.handle_probe_event(number, Timestamp::from_parts(seconds, 0), report);
}

/// A socket and a session with this number, known to be its.
fn open(engine: &mut Engine, number: u64) -> (Socket, SessionId) {
    let endpoint = |last, port| Endpoint::v4([192, 0, 2, last], port);
    let id = SocketId(number);
    let socket = Socket { id, local: endpoint(1, 50_000), remote: endpoint(2, 443) };
    let session = SessionId(number);
    let process = Arc::new(Process {
        pid: 1,
        command: "x".into(),
        container: None,
        pod: None,
        started: None,
    });
    let (socket, process) = (Some(socket), &process);
    let met = ProbeEvent::Session { session, socket, process, role: None, is_older: false };
    report(engine, number, 0, met);
    (socket.unwrap(), session)
}

fn ends(engine: &mut Engine) -> Vec<Option<Timestamp>> {
    let ended = engine.drain().into_iter().filter_map(|observation| match observation.event {
        Event::Connection(end) => Some(end.closed),
        Event::Exchange(_) | Event::Serves { .. } | Event::Hello(_) => None,
    });
    ended.collect()
}

#[test]
fn nothing_leads_to_a_connection_of_probes_that_has_ended() {
    let mut engine = Engine::new(EngineConfig::default(), Arc::default());
    let (socket, session) = open(&mut engine, 1);
    report(&mut engine, 2, 1, ProbeEvent::SessionClosed { session });
    assert_eq!(ends(&mut engine), [Some(Timestamp::from_parts(1, 0))]);
    // As long as the socket is open, what is in flight begins nothing new.
    let (direction, bytes) = (Direction::Sent, &[22, 3, 1, 0, 200, 1][..]);
    let late = ProbeEvent::Handshake { socket, direction, offset: 0, needs_session: false, bytes };
    report(&mut engine, 3, 2, late);
    report(&mut engine, 4, 3, ProbeEvent::SocketClosed { socket: socket.id });
    assert!(engine.live.is_empty() && engine.connections() == 0);
    engine.finish();
    assert_eq!(ends(&mut engine), []);
}

#[test]
fn a_session_is_waited_for_behind_the_close_of_its_socket_and_not_for_ever() {
    let mut engine = Engine::new(EngineConfig::default(), Arc::default());
    let (first, _) = open(&mut engine, 1);
    report(&mut engine, 2, 1, ProbeEvent::SocketClosed { socket: first.id });
    report(&mut engine, 3, 9, ProbeEvent::SocketClosed { socket: SocketId(77) });
    assert_eq!((engine.connections(), ends(&mut engine).len()), (1, 0));
    report(&mut engine, 4, 12, ProbeEvent::SocketClosed { socket: SocketId(77) });
    assert_eq!(ends(&mut engine), [Some(Timestamp::from_parts(1, 0))]);
    assert!(engine.live.is_empty() && engine.connections() == 0);
}

#[test]
fn connections_of_probes_share_the_bound_on_connections() {
    let config = EngineConfig { max_connections: 16, ..EngineConfig::default() };
    let mut engine = Engine::new(config, Arc::default());
    for number in 1..200 {
        let (socket, _) = open(&mut engine, number);
        if number % 2 == 0 {
            report(&mut engine, 1000, 0, ProbeEvent::SocketClosed { socket: socket.id });
        }
        feed(&mut engine, 500 + number, &segment(number as u16, 0, Flags::SYN, &[]));
        assert!(engine.connections() <= 16);
    }
    assert!(engine.counters().lost[&Loss::Evicted] > 100);
    engine.finish();
    assert!(engine.live.is_empty() && engine.connections() == 0);
    assert_eq!(engine.held_bytes(), 0);
}

#[test]
fn a_connection_that_needs_a_session_is_told_with_one_only() {
    for direction in [Direction::Sent, Direction::Received] {
        for has_session in [false, true] {
            let mut engine = Engine::new(EngineConfig::default(), Arc::default());
            let endpoint = |last, port| Endpoint::v4([192, 0, 2, last], port);
            let id = SocketId(1);
            let socket = Socket { id, local: endpoint(1, 50_000), remote: endpoint(2, 443) };
            let (bytes, needs_session) = (&client_hello::for_a_test()[..], true);
            let piece =
                ProbeEvent::Handshake { socket, direction, offset: 0, needs_session, bytes };
            report(&mut engine, 1, 0, piece);
            if has_session {
                open(&mut engine, 1);
            }
            engine.finish();
            // Its hello, and its end.
            let told = engine.drain().len();
            assert_eq!(told, if has_session { 2 } else { 0 }, "{direction:?} {has_session}");
        }
    }
}

/// The connections that were told: their gaps, and whether their end was seen.
fn ended(engine: &mut Engine) -> Vec<(u64, bool)> {
    let told = engine.drain().into_iter().filter_map(|observation| match observation.event {
        Event::Connection(end) => Some((end.gaps, end.closed.is_some())),
        Event::Exchange(_) | Event::Serves { .. } | Event::Hello(_) => None,
    });
    told.collect()
}

/// A TLS connection of which everything between the handshake and the last segments was left out.
fn feed_handshake(engine: &mut Engine) {
    // A ClientHello without extensions; then the cipher changes, and one record of content.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0x13, 1, 1, 0]);
    let rest = [20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 1, 0];
    let client = u32::try_from(hello.len() + rest.len()).unwrap() + 1;
    feed(engine, 1, &segment(1, 0, Flags::SYN, &[]));
    feed(engine, 2, &segment(1, 1, Flags::ACK, &hello));
    let rest_at = client - u32::try_from(rest.len()).unwrap();
    feed(engine, 3, &segment(1, rest_at, Flags::ACK, &rest));
    let fin = Flags(Flags::FIN.0 | Flags::ACK.0);
    // An alert of the same segment as the end.
    feed(engine, 4, &segment(1, client + 50_000, fin, &[21, 3, 3, 0, 2, 1, 0]));
}

#[test]
fn what_was_left_out_behind_a_handshake_is_no_loss() {
    for (shown, gaps) in [(TlsInPackets::Handshakes, 0), (TlsInPackets::Whole, 1)] {
        let mut engine = Engine::new(EngineConfig::default(), Arc::default());
        engine.set_tls_in_packets(shown, &[]);
        feed_handshake(&mut engine);
        engine.finish();
        let told: Vec<u64> = ended(&mut engine).iter().map(|(gaps, _)| *gaps).collect();
        assert_eq!(told, [gaps], "{shown:?}");
        assert_eq!(engine.counters().lost_total(), gaps, "{shown:?}");
    }
}

#[test]
fn tls_that_probes_tell_is_not_told_from_packets() {
    let mut engine = Engine::new(EngineConfig::default(), Arc::default());
    engine.set_tls_in_packets(TlsInPackets::ToldByProbes, &[443]);
    feed_handshake(&mut engine);
    feed(&mut engine, 9, &segment(2, 0, Flags::SYN, &[]));
    feed(&mut engine, 10, &segment(2, 1, Flags::ACK, b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    engine.finish();
    assert_eq!(ended(&mut engine).len(), 1);
}

#[test]
fn http_of_which_not_everything_is_handed_in_is_not_told() {
    let request = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    for (cleartext, told) in [(443, 1), (80, 0)] {
        let mut engine = Engine::new(EngineConfig::default(), Arc::default());
        engine.set_tls_in_packets(TlsInPackets::Handshakes, &[cleartext]);
        feed(&mut engine, 1, &segment(2, 0, Flags::SYN, &[]));
        feed(&mut engine, 2, &segment(2, 1, Flags::ACK, request));
        feed(&mut engine, 3, &segment(2, 9_000, Flags(Flags::FIN.0 | Flags::ACK.0), request));
        engine.finish();
        assert_eq!(ended(&mut engine).len(), told, "{cleartext}");
        assert_eq!(engine.counters().lost_total(), told as u64, "{cleartext}");
        assert_eq!(engine.held_bytes(), 0);
    }
}

#[test]
fn secrets_are_not_waited_for_longer_than_is_said() {
    let mut engine = Engine::new(EngineConfig::default(), Arc::default());
    engine.expect_secrets(true);
    feed_handshake(&mut engine);
    feed(&mut engine, 5, &segment(1, 63, Flags(0x04), &[]));
    assert_eq!(ended(&mut engine), []);
    engine.end_waiting(engine.tick_count() - 1);
    assert_eq!(ended(&mut engine), []);
    engine.end_waiting(engine.tick_count());
    assert_eq!(ended(&mut engine).len(), 1);
}

#[test]
fn secrets_that_come_one_by_one_are_waited_for() {
    use crate::wire::tls::keylog::KeyLog;
    let capture = include_bytes!("../../../../../tests/captures/coalescing.pcap");
    let keys = include_bytes!("../../../../../tests/captures/coalescing.keys");
    let exchanges = |cut: usize| {
        let mut engine = Engine::new(EngineConfig::default(), Arc::new(KeyLog::default()));
        engine.expect_secrets(true);
        let (first, rest) = keys.split_at(cut);
        engine.add_secrets(first);
        // A file header, then packets behind their headers: little-endian, of Ethernet.
        let mut packets = capture.get(24..).unwrap();
        let mut number = 0;
        while let Some((header, behind)) = packets.split_first_chunk::<16>() {
            let length = u32::from_le_bytes(*header[8..].first_chunk().unwrap()) as usize;
            number += 1;
            engine.handle_packet(
                number,
                Timestamp(0),
                LinkType::ETHERNET,
                &behind[..length],
                length,
            );
            packets = &behind[length..];
        }
        engine.add_secrets(rest);
        engine.resume();
        let is_exchange =
            |observation: &Observation| matches!(observation.event, Event::Exchange(_));
        engine.drain().iter().filter(|one| is_exchange(one)).count()
    };
    let lines = keys.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    for cut in lines {
        assert_eq!(exchanges(cut), 3, "{cut} bytes of the key log first");
    }
}

#[test]
fn the_longest_idle_goes_first_whether_of_packets_or_of_probes() {
    use crate::observation::probe_event::SocketId;
    let config = EngineConfig { max_connections: 16, ..EngineConfig::default() };
    let mut engine = Engine::new(config, Arc::default());
    for port in 1..=8 {
        // Packets beside probes are numbered from far above.
        feed(&mut engine, (1 << 48) + u64::from(port), &segment(port, 0, Flags::SYN, &[]));
    }
    for port in 1..=12 {
        let local = Endpoint::v4([192, 0, 2, 3], port);
        let remote = Endpoint::v4([192, 0, 2, 2], 443);
        let socket = Socket { id: SocketId(port.into()), local, remote };
        let (direction, bytes) = (Direction::Sent, &[22, 3, 1][..]);
        let report =
            ProbeEvent::Handshake { socket, direction, offset: 0, needs_session: false, bytes };
        engine.handle_probe_event(port.into(), Timestamp(0), report);
    }
    let of_probes = engine.connections.keys().filter(|key| matches!(key, TrackedKey::Live(_)));
    assert_eq!(of_probes.count(), 12);
}

/// The same segment the other way.
fn back(mut segment: Vec<u8>) -> Vec<u8> {
    segment[12..20].rotate_left(4);
    segment[20..24].rotate_left(2);
    segment
}

#[test]
fn what_the_last_packet_tells_is_filed_with_it_although_the_end_waits_for_secrets() {
    let config = EngineConfig { keys_may_come: true, ..EngineConfig::default() };
    let mut engine = Engine::new(config, Arc::default());
    // Behind the ClientHello, a record that some secret may open.
    let mut hello = client_hello::for_a_test();
    hello.extend([23, 3, 3, 0, 20]);
    hello.extend([0; 20]);
    let fin = Flags(Flags::FIN.0 | Flags::ACK.0);
    feed(&mut engine, 1, &segment(1, 0, Flags::SYN, &[]));
    feed(&mut engine, 2, &back(segment(1, 0, fin, &[])));
    feed(&mut engine, 3, &segment(1, 1, fin, &hello));
    let told = engine.drain();
    assert_eq!(engine.waiting_for_keys.len(), 1, "{told:?}");
    assert!(
        matches!(&told[..], [Observation { packet: 3, event: Event::Hello(_), .. }]),
        "{told:?}"
    );
    engine.finish();
    assert_eq!(ended(&mut engine).len(), 1);
}

#[test]
fn a_syn_that_is_captured_once_more_after_the_end_begins_no_connection() {
    let fin = Flags(Flags::FIN.0 | Flags::ACK.0);
    let request = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let syn = segment(1, 0, Flags::SYN, &[]);
    let syn_ack = back(segment(1, 9, Flags(Flags::SYN.0 | Flags::ACK.0), &[]));
    let mut engine = Engine::new(EngineConfig::default(), Arc::default());
    feed(&mut engine, 1, &syn);
    feed(&mut engine, 2, &syn_ack);
    feed(&mut engine, 3, &segment(1, 1, fin, request));
    feed(&mut engine, 4, &back(segment(1, 10, fin, &[])));
    // Another interface shows the beginning of what has ended.
    feed(&mut engine, 5, &syn);
    feed(&mut engine, 6, &syn_ack);
    feed(&mut engine, 7, &segment(1, 1, fin, request));
    assert_eq!(ended(&mut engine).len(), 1);
    // A new connection of the same ports has another first number.
    feed(&mut engine, 8, &segment(1, 7_000, Flags::SYN, &[]));
    feed(&mut engine, 9, &segment(1, 7_001, fin, request));
    engine.finish();
    assert_eq!(ended(&mut engine).len(), 1);
}

#[test]
fn what_a_capture_lacks_in_front_of_the_end_is_a_gap() {
    let fin = Flags(Flags::FIN.0 | Flags::ACK.0);
    let request = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let mut engine = Engine::new(EngineConfig::default(), Arc::default());
    feed(&mut engine, 1, &segment(1, 0, Flags::SYN, &[]));
    feed(&mut engine, 2, &segment(1, 1, Flags::ACK, request));
    // A second request, and the answers to both, are not in the capture.
    let end = 1 + 2 * u32::try_from(request.len()).unwrap();
    feed(&mut engine, 3, &segment(1, end, fin, &[]));
    engine.finish();
    assert_eq!(ended(&mut engine), [(1, false)]);
    assert_eq!(engine.counters().lost_total(), 1);
}

/// Plaintext of a session: an HTTP/1 request with this number.
fn ask(engine: &mut Engine, number: u64, session: SessionId, sequence: u32) {
    let bytes = &b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"[..];
    let (direction, omitted, at_boundary) = (Direction::Sent, 0, true);
    let piece = ProbeEvent::Plaintext { session, direction, sequence, omitted, at_boundary, bytes };
    report(engine, number, 0, piece);
}

#[test]
fn lost_reports_are_a_gap_of_their_connection_whether_or_not_another_report_shows_it() {
    use crate::observation::probe_event::Owner;
    let by_session = |_: Socket, session| Some(Owner::Session(session));
    let by_socket = |socket: Socket, _| Some(Owner::Socket(socket.id));
    let ways: [fn(Socket, SessionId) -> Option<Owner>; 2] = [by_session, by_socket];
    for owner_of in ways {
        // At the end, and where the number of a later report shows it too.
        for sequences in [&[0][..], &[0, 2]] {
            let mut engine = Engine::new(EngineConfig::default(), Arc::default());
            let (socket, session) = open(&mut engine, 1);
            for (number, sequence) in (2..).zip(sequences) {
                ask(&mut engine, number, session, *sequence);
            }
            report(&mut engine, 8, 0, ProbeEvent::Lost { owner: owner_of(socket, session) });
            report(&mut engine, 9, 1, ProbeEvent::SessionClosed { session });
            let gaps: Vec<u64> = ended(&mut engine).iter().map(|(gaps, _)| *gaps).collect();
            assert_eq!(gaps, [1], "{sequences:?}");
            assert_eq!(engine.counters().lost[&Loss::Gap], 1);
        }
    }
}

#[test]
fn a_connection_that_lost_every_report_is_counted() {
    use crate::observation::probe_event::Owner;
    let mut engine = Engine::new(EngineConfig::default(), Arc::default());
    let owners = [None, Some(Owner::Socket(SocketId(7))), Some(Owner::Session(SessionId(7)))];
    for (number, owner) in (1..).zip(owners) {
        report(&mut engine, number, 0, ProbeEvent::Lost { owner });
    }
    assert_eq!(engine.counters().decode_errors[&("live", "unseen_connection")], 3);
    assert_eq!(engine.counters().lost[&Loss::Gap], 3);
    // The line of a connection that has ended is written already.
    let (socket, session) = open(&mut engine, 8);
    report(&mut engine, 9, 1, ProbeEvent::SessionClosed { session });
    report(&mut engine, 10, 1, ProbeEvent::Lost { owner: Some(Owner::Socket(socket.id)) });
    assert_eq!(engine.counters().lost[&Loss::Gap], 3);
    engine.finish();
    assert_eq!(engine.connections(), 0);
}

#[test]
fn versions_of_quic_that_are_not_read_are_counted_by_name() {
    let mut engine = Engine::new(EngineConfig::default(), Arc::default());
    let datagram = |version: u32, length: u16| {
        let [high, low] = (28 + length).to_be_bytes();
        let mut packet = vec![0x45, 0, high, low, 0, 0, 0, 0, 64, 17, 0, 0];
        packet.extend([192, 0, 2, 1, 192, 0, 2, 2, 0xc3, 0x50, 1, 0xbb]);
        packet.extend([8 + length, 0].map(u16::to_be_bytes).concat());
        packet.push(0xc0);
        packet.extend(version.to_be_bytes());
        packet.resize(28 + usize::from(length), 0);
        packet
    };
    // Draft 29, Q046, mvfst; one that is too short for a first datagram, and what may be anything.
    let versions = [0xff00_001d, 0x5130_3436, 0xface_b002, 0xdead_beef];
    for (number, version) in (1..).zip(versions) {
        feed(&mut engine, number, &datagram(version, 1200));
    }
    feed(&mut engine, 9, &datagram(0xff00_001d, 1199));
    let counted: Vec<_> = engine.counters().decode_errors.clone().into_iter().collect();
    let expected = ["draft_version", "facebook_version", "google_version"];
    assert_eq!(counted, expected.map(|kind| (("quic", kind), 1)));
}
