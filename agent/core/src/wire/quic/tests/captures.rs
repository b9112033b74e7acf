//! Real handshakes: what they say, and that no part or damage of them says anything else.

use super::{feed, name};
use crate::wire::net::End;
use crate::wire::quic::{Connection, QuicDecryption, QuicVersion};
use crate::wire::tls::keylog::KeyLog;
use proptest::prelude::*;

/// Ethernet, IPv4 without options, UDP.
const HEADERS: usize = 14 + 20 + 8;

struct Capture {
    datagrams: Vec<(End, Vec<u8>)>,
    keys: KeyLog,
}

macro_rules! capture {
    ($name:literal) => {
        Capture::read(
            include_bytes!(concat!("../../../../../../tests/captures/", $name, ".pcap")),
            include_bytes!(concat!("../../../../../../tests/captures/", $name, ".keys")),
        )
    };
}

impl Capture {
    /// Reads a little-endian pcap file of Ethernet frames; the sender of the first one is `End::A`.
    fn read(pcap: &[u8], key_log: &[u8]) -> Self {
        let (mut rest, mut datagrams, mut client) = (&pcap[24..], Vec::new(), None);
        while !rest.is_empty() {
            let len = usize::try_from(u32::from_le_bytes(rest[8..12].try_into().unwrap())).unwrap();
            let frame = &rest[16..16 + len];
            rest = &rest[16 + len..];
            let port = &frame[34..36];
            let from = if *client.get_or_insert(port) == port { End::A } else { End::B };
            datagrams.push((from, frame[HEADERS..].to_vec()));
        }
        let mut keys = KeyLog::default();
        keys.add(key_log);
        Self { datagrams, keys }
    }

    fn all() -> [Self; 4] {
        [
            capture!("quic_v2"),
            capture!("quic_retry"),
            capture!("quic_large_hello"),
            capture!("quic_vn"),
        ]
    }
}

#[test]
fn names_protocol_and_certificate_are_read() {
    let expected = [
        (&b"x.b.test"[..], QuicVersion::V2, 0x1302, 1),
        (b"a.test", QuicVersion::V1, 0x1303, 1),
        (b"a.test", QuicVersion::V1, 0x1302, 1),
        (b"a.test", QuicVersion::V2, 0x1302, 2),
    ];
    for (capture, (host, version, suite, generation)) in Capture::all().iter().zip(expected) {
        let mut connection = feed(&capture.datagrams, &capture.keys);
        assert_eq!(connection.client(), Some(End::A));
        assert_eq!((name(&connection), connection.version()), (Some(host), Some(version)));
        assert_eq!(connection.server_hello().unwrap().cipher_suite, suite);
        assert_eq!(connection.alpn(), Some(&b"h3"[..]));
        let names: Vec<_> = connection.certificate_names().unwrap().iter().collect();
        assert_eq!(names, ["a.test", "*.b.test"]);
        assert!(connection.server_finished() && connection.decryption() == QuicDecryption::Opened);
        assert_eq!((connection.generation(), connection.buffered()), (generation, 0));
        // In `quic_v2` the client's second Initial is sealed with keys of neither version.
        let errors: u32 = connection.take_errors().iter().map(|(_, count)| count).sum();
        assert_eq!(errors, u32::from(host == b"x.b.test"));
    }
}

#[test]
fn without_a_key_log_the_hellos_are_still_read() {
    for capture in Capture::all() {
        let connection = feed(&capture.datagrams, &KeyLog::default());
        assert!(name(&connection).is_some() && connection.server_hello().is_some());
        assert_eq!((connection.alpn(), connection.decryption()), (None, QuicDecryption::NoSecret));
    }
}

/// Whether everything that `part` says is what `whole` says.
fn agrees(part: &Connection, whole: &Connection) -> bool {
    fn fits<T: PartialEq>(part: Option<T>, whole: Option<T>) -> bool {
        part.is_none() || part == whole
    }
    fits(part.client(), whole.client())
        && fits(part.client_hello(), whole.client_hello())
        && fits(part.server_hello(), whole.server_hello())
        && fits(part.alpn(), whole.alpn())
        && fits(part.certificate_names(), whole.certificate_names())
}

#[test]
fn a_start_anywhere_and_a_loss_anywhere_contradict_nothing() {
    for capture in Capture::all() {
        let whole = feed(&capture.datagrams, &capture.keys);
        for at in 0..capture.datagrams.len() {
            let late = feed(&capture.datagrams[at..], &capture.keys);
            assert!(agrees(&late, &whole), "{at}");
            let mut lossy = capture.datagrams.clone();
            lossy.remove(at);
            // Without the last start, what is known is of the one before: that is no contradiction.
            let lossy = feed(&lossy, &capture.keys);
            assert!(
                lossy.generation() < whole.generation() || agrees(&lossy, &whole),
                "{at} {lossy:?} {whole:?}"
            );
        }
    }
}

#[test]
fn truncation_and_damage_contradict_nothing() {
    for capture in Capture::all() {
        let whole = feed(&capture.datagrams, &capture.keys);
        for at in 0..capture.datagrams.len().min(5) {
            let mut damaged = capture.datagrams.clone();
            for byte in (0..damaged[at].1.len()).step_by(13) {
                damaged[at].1[byte] ^= 1 << (byte % 8);
                let connection = feed(&damaged, &capture.keys);
                let behind = connection.generation() < whole.generation();
                assert!(behind || agrees(&connection, &whole), "{at} {byte}");
                damaged[at].1[byte] ^= 1 << (byte % 8);
                let mut cut = capture.datagrams.clone();
                cut[at].1.truncate(byte);
                let connection = feed(&cut, &capture.keys);
                let behind = connection.generation() < whole.generation();
                assert!(behind || agrees(&connection, &whole), "{at} {byte}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_of_one_start_contradicts_nothing(
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        for capture in [capture!("quic_v2"), capture!("quic_large_hello")] {
            let whole = feed(&capture.datagrams, &capture.keys);
            let datagrams: Vec<_> =
                order.iter().map(|index| index.get(&capture.datagrams).clone()).collect();
            let mixed = feed(&datagrams, &capture.keys);
            prop_assert!(agrees(&mixed, &whole));
            prop_assert!(mixed.generation() <= 1);
        }
    }
}
