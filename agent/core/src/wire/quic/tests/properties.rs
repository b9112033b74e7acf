//! Cutting, shuffling, repeating and damaging a handshake never changes what it says.

use super::samples::{bytes, hello};
use super::seal::{Plain, crypto, initial_secret};
use super::{feed, name};
use crate::wire::net::End;
use crate::wire::quic::version::PacketType;
use crate::wire::quic::{Connection, QuicVersion};
use crate::wire::tls::keylog::KeyLog;
use proptest::prelude::*;

/// What a client alone can make one connection hold: a hello in pieces with their bookkeeping, or in order
/// with the last frame behind it.
const BOUND: usize = 64 * 1024 + 16 * 1024 + 8 * 1024 + 16 * 1024;

fn initial(number: u16, frames: &[u8]) -> Vec<u8> {
    let destination = bytes("8394c8f03e515708");
    let mut payload = frames.to_vec();
    payload.resize(frames.len().max(1200), 0);
    let plain = Plain {
        kind: PacketType::Initial,
        version: QuicVersion::V1,
        destination: &destination,
        source: b"client",
        token: &[],
        number,
        payload: &payload,
    };
    plain.seal(&initial_secret(QuicVersion::V1, &destination, "client in"))
}

/// The sample's hello, with an extension of padding that makes it as long as post-quantum ones.
fn long_hello(padding: u16) -> Vec<u8> {
    let mut message = hello();
    message.extend([0, 21]);
    message.extend(padding.to_be_bytes());
    message.resize(message.len() + usize::from(padding), 0);
    // The lengths of the message and of its extension block.
    let body = u32::try_from(message.len() - 4).unwrap().to_be_bytes();
    message[1..4].copy_from_slice(&body[1..]);
    let block = u16::try_from(message.len() - 49).unwrap().to_be_bytes();
    message[47..49].copy_from_slice(&block);
    message
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cutting_of_the_hello_gives_the_hello(
        padding in 0..3000_u16,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        order in any::<prop::sample::Index>(),
        repeat in any::<bool>(),
        per_packet in 1..6_usize,
        overlap in 0..30_usize,
    ) {
        let message = long_hello(padding);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(message.len())).collect();
        cuts.extend([0, message.len()]);
        cuts.sort_unstable();
        let mut frames: Vec<Vec<u8>> = cuts
            .windows(2)
            .map(|cut| {
                let from = cut[0].saturating_sub(overlap);
                crypto(from, &message[from..cut[1]])
            })
            .collect();
        let turn = order.index(frames.len());
        frames.rotate_left(turn);
        if repeat {
            frames.extend_from_within(..);
        }
        let datagrams: Vec<_> = frames
            .chunks(per_packet)
            .zip(0..)
            .map(|(frames, number)| (End::A, initial(number, &frames.concat())))
            .collect();
        let mut connection = feed(&datagrams, &KeyLog::default());
        prop_assert_eq!(name(&connection), Some(&b"example.com"[..]));
        prop_assert_eq!(connection.client_hello().unwrap().malformed_extensions, 0);
        prop_assert!(connection.take_errors().is_empty());
        // A part of them says the same or nothing.
        for skip in 0..datagrams.len() {
            let part = feed(&datagrams[skip..], &KeyLog::default());
            prop_assert!(part.client_hello().is_none() || part.client_hello() == connection.client_hello());
        }
    }

    #[test]
    fn random_datagrams_do_nothing(
        datagrams in prop::collection::vec(
            (any::<bool>(), prop::collection::vec(any::<u8>(), 0..1300)), 0..20),
        versioned in any::<bool>(),
    ) {
        let mut connection = Connection::new();
        for (from, mut datagram) in datagrams {
            if versioned && let Some(start) = datagram.first_chunk_mut::<5>() {
                *start = [start[0] | 0x80, 0, 0, 0, 1];
            }
            let from = if from { End::A } else { End::B };
            connection.handle_datagram(from, &datagram, &KeyLog::default());
        }
        prop_assert_eq!((connection.client(), connection.buffered()), (None, 0));
    }

    #[test]
    fn any_frames_stay_within_bounds(
        payloads in prop::collection::vec(
            prop::collection::vec((0..200_000_usize, 0..600_usize), 1..30), 1..40),
    ) {
        let mut connection = Connection::new();
        for (frames, number) in payloads.iter().zip(0..) {
            let frames: Vec<u8> =
                frames.iter().flat_map(|(at, len)| crypto(*at, &vec![1; *len])).collect();
            if frames.len() < 16_000 {
                connection.handle_datagram(End::A, &initial(number, &frames), &KeyLog::default());
            }
            prop_assert!(connection.buffered() <= BOUND);
        }
    }
}

#[test]
fn a_damaged_datagram_is_refused_and_says_nothing() {
    let datagram = initial(3, &crypto(0, &hello()));
    for at in 0..datagram.len() {
        for bit in 0..8 {
            // All of the header, then a sample: every byte of the payload is alike to the AEAD.
            if at > 60 && (at * 8 + bit) % 37 != 0 {
                continue;
            }
            let mut damaged = datagram.clone();
            damaged[at] ^= 1 << bit;
            let connection = feed(&[(End::A, damaged)], &KeyLog::default());
            assert_eq!(connection.client(), None, "{at} {bit}");
        }
        let connection = feed(&[(End::A, datagram[..at].to_vec())], &KeyLog::default());
        assert_eq!(connection.client(), None, "{at}");
    }
}
