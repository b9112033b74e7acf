use std::net::SocketAddr;

use wrongdoor_core::side::Side;
use wrongdoor_tests::wire::{
    ACK, FIN, Found, RST, SYN, Segment, Talk, contradictions, observe, silences,
};

use super::{asked, of};

const GET_A: &[u8] = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const GET_B: &[u8] = b"GET / HTTP/1.1\r\nHost: b.test\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// What the engine reports of a conversation after `change` was made to its segments.
fn changed(talk: &Talk, change: impl FnOnce(&mut Vec<Segment>)) -> Found {
    let mut talk = talk.clone();
    change(&mut talk.segments);
    of(&talk)
}

/// Opened, one request, its answer, another request, its answer, closed.
fn twice() -> Talk {
    let mut talk = Talk::open(80);
    talk.client(GET_A).server(OK).client(GET_B).server(OK);
    talk.close();
    talk
}

/// Where the segments of [`twice`] are.
const REQUEST: usize = 3;
const SECOND: usize = 5;

#[track_caller]
fn both(found: &Found) {
    let expected = [(1, Some("a.test"), Some(200)), (2, Some("b.test"), Some(200))];
    assert_eq!(asked(found), expected, "{:?}", found.counters);
}

#[test]
fn different_bytes_for_one_place_are_a_gap() {
    let found = changed(&twice(), |segments| {
        // Two versions of the second request, both too early: the one before them comes last.
        let request = segments.remove(REQUEST);
        let mut other = segments[SECOND - 1].clone();
        other.payload = GET_B.to_ascii_uppercase();
        segments.insert(SECOND - 1, other);
        segments.insert(SECOND + 1, request);
    });
    assert_eq!(asked(&found), [(1, Some("a.test"), Some(200))], "{:?}", found.counters);
    assert_eq!(found.errors("tcp", "conflicting_overlap"), 1);
    assert_eq!(found.connection().gaps, 1);
}

#[test]
fn a_copy_that_differs_from_what_was_read_is_counted() {
    let found = changed(&twice(), |segments| {
        let mut other = segments[REQUEST].clone();
        other.payload = GET_B.to_vec();
        segments.insert(REQUEST + 1, other);
    });
    both(&found);
    assert_eq!(found.errors("tcp", "conflicting_overlap"), 1);
    // A copy that does not differ is none.
    let found =
        changed(&twice(), |segments| segments.insert(REQUEST + 1, segments[REQUEST].clone()));
    both(&found);
    assert_eq!(found.errors("tcp", "conflicting_overlap"), 0);
}

/// A keep-alive of an old kind: any byte in the place of the last one.
fn keep_alive(of: &Segment) -> Segment {
    let sequence = of.sequence + of.payload.len() as u32 - 1;
    Segment { sequence, payload: vec![0], flags: ACK, ..of.clone() }
}

#[test]
fn a_keep_alive_is_never_data() {
    for before in [0, 1] {
        let found = changed(&twice(), |segments| {
            segments.insert(SECOND + 1 - before, keep_alive(&segments[SECOND]));
        });
        both(&found);
        assert_eq!(found.connection().gaps, 0);
        assert_eq!(found.errors("tcp", "conflicting_overlap"), before as u64);
    }
    // What it imitates is lost: the byte is a part of the gap.
    let found = changed(&twice(), |segments| {
        segments[SECOND] = keep_alive(&segments[SECOND]);
    });
    assert_eq!(asked(&found), [(1, Some("a.test"), Some(200))], "{:?}", found.counters);
}

#[test]
fn a_syn_that_is_not_answered_changes_nothing() {
    for (at, side) in [(REQUEST + 1, 0), (SECOND, 0), (REQUEST + 2, 1)] {
        for sequence in [7, 1040, 2_000_020, 0x8000_0000] {
            let found = changed(&twice(), |segments| {
                let (from, to) = if side == 0 {
                    (segments[0].from, segments[0].to)
                } else {
                    (segments[0].to, segments[0].from)
                };
                let flags = if side == 0 { SYN } else { SYN | ACK };
                let payload = Vec::new();
                let syn = Segment { from, to, sequence, acknowledgment: 99, flags, payload };
                segments.insert(at, syn);
            });
            both(&found);
            assert_eq!(found.errors("tcp", "unexpected_syn"), 1, "{at} {sequence}");
            assert_eq!(found.connections.len(), 1);
        }
    }
}

#[test]
fn a_syn_that_is_answered_opens_another_connection() {
    let (client, server): (SocketAddr, SocketAddr) =
        (([192, 0, 2, 1], 50_000).into(), ([192, 0, 2, 2], 80).into());
    let mut first = Talk::open(80);
    first.client(GET_A).server(OK);
    let mut second = Talk::between(client, server).with_sequences(0x7000_0000, 0x9000_0000);
    second.handshake();
    second.client(GET_B).server(OK);
    second.close();
    let joined = |later: Vec<Segment>| {
        let mut both = first.clone();
        both.segments.extend(later);
        of(&both)
    };
    let found = joined(second.segments.clone());
    let expected = [(1, Some("a.test"), Some(200)), (1, Some("b.test"), Some(200))];
    assert_eq!(asked(&found), expected, "{:?}", found.counters);
    assert_eq!(found.connections.len(), 2);
    assert!(found.connections.iter().all(|connection| connection.opened));
    assert!(found.counters.decode_errors.is_empty(), "{:?}", found.counters);
    // The capture has missed the answer to the SYN: the server's next packet is the proof.
    let mut later = second.segments.clone();
    later.remove(1);
    let found = joined(later);
    assert_eq!(asked(&found), [(1, Some("a.test"), Some(200))], "{:?}", found.counters);
    assert!(found.errors("tcp", "out_of_window") > 0, "{:?}", found.counters);
}

#[test]
fn a_reset_in_the_wrong_place_ends_nothing() {
    for (at, sequence) in [(REQUEST + 1, 1), (REQUEST + 1, 5000), (SECOND, 0x2000_0000)] {
        let found = changed(&twice(), |segments| {
            let payload = Vec::new();
            segments.insert(at, Segment { sequence, flags: RST, payload, ..segments[0].clone() });
        });
        both(&found);
        assert_eq!(found.errors("tcp", "unexpected_reset"), 1, "{at} {sequence}");
        assert!(found.connection().closed);
    }
}

#[test]
fn a_reset_in_its_place_ends_the_connection() {
    let mut talk = Talk::open(80);
    talk.client(GET_A).server(OK).client(GET_B).reset(Side::Client);
    for early in [0, 1] {
        // The second time, the capture has it before the last request.
        let found = changed(&talk, |segments| {
            let reset = segments.pop().expect("a reset");
            segments.insert(segments.len() - early, reset);
        });
        let expected = [(1, Some("a.test"), Some(200)), (2, Some("b.test"), None)];
        assert_eq!(asked(&found), expected, "{:?}", found.counters);
        assert!(found.connection().closed);
        assert!(found.counters.decode_errors.is_empty(), "{:?}", found.counters);
    }
    // An answer that comes behind the end is counted.
    talk.server(OK);
    assert_eq!(of(&talk).errors("tcp", "after_end"), 1);
}

#[test]
fn a_connection_that_is_refused_is_over() {
    let mut talk = Talk::between(([192, 0, 2, 1], 50_000).into(), ([192, 0, 2, 2], 80).into());
    talk.handshake();
    talk.segments.truncate(1);
    let syn = talk.segments[0].clone();
    let (from, to, flags, acknowledgment) = (syn.to, syn.from, RST | ACK, syn.sequence + 1);
    talk.segments.push(Segment { from, to, flags, sequence: 0, acknowledgment, payload: vec![] });
    let found = of(&talk);
    assert!(found.counters.decode_errors.is_empty(), "{:?}", found.counters);
}

#[test]
fn data_behind_a_fin_shows_that_it_was_none() {
    let mut talk = twice();
    talk.segments[REQUEST].flags |= FIN;
    talk.segments[REQUEST + 1].flags |= FIN;
    let found = observe(&talk.frames(), b"");
    // Both ends seem to be over: what comes behind is counted.
    assert_eq!(asked(&found), [(1, Some("a.test"), Some(200))], "{:?}", found.counters);
    assert!(found.errors("tcp", "after_end") > 0, "{:?}", found.counters);
    talk.segments[REQUEST + 1].flags = ACK;
    let found = observe(&talk.frames(), b"");
    both(&found);
    assert_eq!(found.errors("tcp", "conflicting_overlap"), 1, "{:?}", found.counters);
}

#[test]
fn what_is_missing_at_the_end_is_a_gap() {
    // The last answer is lost: the FIN behind it, or an acknowledgment, shows that.
    for fin in [true, false] {
        let found = changed(&twice(), |segments| {
            segments.remove(SECOND + 1);
            if !fin {
                segments.retain(|segment| !(segment.has(FIN) && segment.from.port() == 80));
            }
        });
        let expected = [(1, Some("a.test"), Some(200)), (2, Some("b.test"), None)];
        assert_eq!(asked(&found), expected, "{:?}", found.counters);
        assert_eq!(found.connection().gaps, 1, "{fin}");
    }
}

#[test]
fn any_control_bits_on_any_segment_lose_nothing_silently() {
    let whole = of(&twice());
    for at in 0..twice().segments.len() {
        for bit in 0..8 {
            let found = changed(&twice(), |segments| segments[at].flags ^= 1 << bit);
            assert_eq!(silences(&found, &whole), [""; 0], "{at} {bit}: {:?}", found.counters);
            // Without a handshake, it is the ports that tell who is the client.
            if at >= REQUEST {
                assert_eq!(contradictions(&found, &whole), [""; 0], "{at} {bit}");
            }
        }
    }
}
