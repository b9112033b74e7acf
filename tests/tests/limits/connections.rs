use std::net::SocketAddr;
use std::sync::Arc;

use wrongdoor_core::counters::Loss;
use wrongdoor_core::engine::{Engine, EngineConfig};
use wrongdoor_core::side::Side;
use wrongdoor_core::time::Timestamp;
use wrongdoor_core::wire::net::{LinkType, MAX_FRAGMENTED_DATAGRAMS};
use wrongdoor_core::wire::reassembly::MAX_HELD_BYTES;
use wrongdoor_core::wire::tls::keylog::KeyLog;
use wrongdoor_tests::wire::{Frame, Talk, observe};

use super::{bounded, lost};

/// The nth client.
fn client(nth: u32) -> SocketAddr {
    let [_, a, b, c] = (nth / 50_000).to_be_bytes();
    let port = u16::try_from(10_000 + nth % 50_000).expect("a port");
    SocketAddr::from(([10, a, b, c], port))
}

fn talk(nth: u32) -> Talk {
    Talk::between(client(nth), ([192, 0, 2, 2], 80).into())
}

#[test]
fn half_open_connections_push_out_the_idle_and_are_counted() {
    const FLOOD: u32 = 200_000;
    const BOUND: usize = 2000;
    let config = EngineConfig { max_connections: BOUND, ..EngineConfig::default() };
    let mut engine = Engine::new(config, Arc::new(KeyLog::default()));
    // One that talks all the time stays.
    let mut busy = Talk::open(80);
    busy.client("GET / HTTP/1.1\r\nHost: a.test\r\n");
    let mut number = 0;
    let mut packet = |engine: &mut Engine, frame: &Frame| {
        number += 1;
        engine.handle_packet(number, frame.at, frame.link, &frame.bytes, frame.wire_len);
    };
    busy.frames().iter().for_each(|frame| packet(&mut engine, frame));
    for nth in 0..FLOOD {
        let mut half_open = talk(nth);
        half_open.handshake();
        packet(&mut engine, &half_open.segments[0].frame(Timestamp(0)));
        assert!(engine.connections() <= BOUND);
        if nth % 1000 == 0 {
            busy.segments.clear();
            busy.client("x: y\r\n");
            busy.frames().iter().for_each(|frame| packet(&mut engine, frame));
        }
    }
    busy.segments.clear();
    busy.client("\r\n").server("HTTP/1.1 421 No\r\n\r\n");
    busy.frames().iter().for_each(|frame| packet(&mut engine, frame));
    let left = u64::try_from(engine.connections()).expect("a number");
    assert_eq!(engine.counters().lost.get(&Loss::Evicted), Some(&(u64::from(FLOOD) + 1 - left)));
    engine.finish();
    let found = engine.drain();
    // Of what never said anything, nothing is told.
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn what_arrives_out_of_order_is_bounded_in_one_connection() {
    let mut talk = Talk::open(80);
    for _ in 0..3000 {
        talk.unseen(Side::Client, 100).client([b'x'; 1000]);
    }
    let found = bounded(&talk.frames(), false);
    assert!(found.peak_held <= MAX_HELD_BYTES);
    assert!(lost(&found, Loss::Gap) > 0);
}

#[test]
fn what_arrives_out_of_order_is_bounded_over_all_connections() {
    let mut frames = Vec::new();
    // Many that hold little, and have nothing to do with it.
    for nth in 1000..1400 {
        let mut innocent = talk(nth);
        innocent.handshake();
        innocent.client("GET / HTTP/1.1\r\n");
        frames.extend(innocent.frames());
    }
    for nth in 0..30 {
        let mut hoarder = talk(nth);
        hoarder.handshake();
        for _ in 0..150 {
            hoarder.unseen(Side::Client, 1).client([b'x'; 1400]);
        }
        frames.extend(hoarder.frames());
    }
    for nth in 1000..1400 {
        let mut innocent = talk(nth);
        innocent.handshake();
        innocent.client("GET / HTTP/1.1\r\n");
        innocent.segments.clear();
        innocent.client("Host: a.test\r\n\r\n");
        frames.extend(innocent.frames());
    }
    let found = bounded(&frames, false);
    assert!(lost(&found, Loss::Evicted) > 0);
    // Those that hold little are not the ones to go.
    assert_eq!(found.exchanges.len(), 400);
}

#[test]
fn bytes_of_one_connection_alone_stay_within_the_bound() {
    // Both directions hoard, below what one direction may hold.
    let mut frames = Vec::new();
    for nth in 0..2 {
        let mut hoarder = talk(nth);
        hoarder.handshake();
        for side in [Side::Client, Side::Server] {
            for _ in 0..250 {
                hoarder.unseen(side, 1).say(side, &[b'x'; 1400]);
            }
        }
        frames.extend(hoarder.frames());
    }
    bounded(&frames, false);
}

#[test]
fn fragments_that_nothing_follows_are_given_up_and_counted() {
    const FLOOD: u64 = 20_000;
    let mut frames = Vec::new();
    for id in 0..FLOOD {
        let mut talk = Talk::open(80);
        let mut frame = talk.client([b'x'; 600]).segments[3].frame(Timestamp(0));
        // Another identification each, and more fragments to come (RFC 791, section 3.1).
        let bytes = &mut frame.bytes;
        bytes[4..6].copy_from_slice(&u16::try_from(id % 60_000).expect("an id").to_be_bytes());
        bytes[6..8].copy_from_slice(&0x2000_u16.to_be_bytes());
        bytes.truncate(20 + 560);
        bytes[2..4].copy_from_slice(&580_u16.to_be_bytes());
        frame.wire_len = 580;
        frames.push(frame);
    }
    let found = bounded(&frames, false);
    let kept = u64::try_from(MAX_FRAGMENTED_DATAGRAMS).expect("a number");
    assert_eq!(lost(&found, Loss::Limit), FLOOD - kept);
    assert!(found.connections.is_empty());
}

#[test]
fn headers_wrapped_in_headers_come_to_an_end() {
    // IPv4 in IPv4, a thousand times.
    let mut bytes = Vec::new();
    for layer in (0..1000_u16).rev() {
        let len = 20 * (layer + 1);
        bytes.extend_from_slice(&[0x45, 0]);
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&[0, 1, 0, 0, 64, 4, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    }
    let frame = Frame { at: Timestamp(0), link: LinkType::RAW, wire_len: bytes.len(), bytes };
    assert_eq!(observe(&[frame], b"").errors("net", "malformed"), 1);
}

#[test]
fn noise_is_not_kept() {
    let mut frames = Vec::new();
    for nth in 0..200 {
        let mut noise = talk(nth);
        noise.handshake();
        // It begins as everything does that is recognised, and never goes on so.
        let begins = ["PRI * HTTP", "PROXY TCP4 ", "\x16\x03\x01\x40", "GET", "HTTP/1."];
        noise.client(begins[usize::try_from(nth).expect("small") % begins.len()]);
        noise.server([0x16, 3, 3]).client([b'\0'; 20_000]).server([0; 20_000]);
        frames.extend(noise.frames());
    }
    let found = bounded(&frames, true);
    assert!(found.exchanges.is_empty());
}
