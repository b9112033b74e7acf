//! The samples of RFC 9001 Appendix A and RFC 9369 Appendix A.
//!
//! Of the client's 1200-byte packets only both ends stand here: sealing the plaintext has to give them,
//! and the tag at the end depends on every byte in between.

use super::seal::{Plain, crypto, initial_secret, seal};
use super::{feed, name};
use crate::wire::net::End;
use crate::wire::quic::version::PacketType;
use crate::wire::quic::{Connection, QuicDecryption, QuicError, QuicVersion, looks_like_initial};
use crate::wire::tls::keylog::KeyLog;

const DESTINATION: &str = "8394c8f03e515708";
const CLIENT_PAYLOAD: &str = "\
    060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868\
    04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578\
    616d706c652e636f6dff01000100000a00080006001d00170018001000070005\
    04616c706e000500050100000000003300260024001d00209370b2c9caa47fba\
    baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400\
    0d0010000e0403050306030203080408050806002d00020101001c0002400100\
    3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000\
    75300901100f088394c8f03e51570806048000ffff";

struct Sample {
    version: QuicVersion,
    client_secret: &'static str,
    client_header: &'static str,
    client_begins: &'static str,
    client_ends: &'static str,
    server: &'static str,
    retry: &'static str,
}

const SAMPLES: [Sample; 2] = [
    Sample {
        version: QuicVersion::V1,
        client_secret: "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
        client_header: "c300000001088394c8f03e5157080000449e00000002",
        client_begins: "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
        client_ends: "e221af44860018ab0856972e194cd934",
        server: "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a\
            5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3\
            dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84\
            022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4\
            2158407dd074ee",
        retry: "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
    },
    Sample {
        version: QuicVersion::V2,
        client_secret: "14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b",
        client_header: "d36b3343cf088394c8f03e5157080000449e00000002",
        client_begins: "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
        client_ends: "a18b2faa745b6fe189cf772a9f84cbfc",
        server: "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698\
            baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17\
            f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2\
            c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca8\
            4bed8521e2e140",
        retry: "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6",
    },
];

pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// The ClientHello of the samples, as a handshake message.
pub(super) fn hello() -> Vec<u8> {
    bytes(CLIENT_PAYLOAD)[4..].to_vec()
}

/// The client's Initial, sealed.
fn client(sample: &Sample) -> Vec<u8> {
    let mut payload = bytes(CLIENT_PAYLOAD);
    payload.resize(1162, 0);
    let secret = initial_secret(sample.version, &bytes(DESTINATION), "client in");
    assert_eq!(secret.to_vec(), bytes(sample.client_secret));
    let packet = seal(sample.version, &secret, &bytes(sample.client_header), &payload);
    assert_eq!(packet.len(), 1200);
    assert!(packet.starts_with(&bytes(sample.client_begins)));
    assert!(packet.ends_with(&bytes(sample.client_ends)));
    packet
}

#[test]
fn both_hellos_of_the_samples_are_read() {
    for sample in &SAMPLES {
        let datagrams = [(End::B, client(sample)), (End::A, bytes(sample.server))];
        assert!(looks_like_initial(&datagrams[0].1) && !looks_like_initial(&datagrams[1].1));
        let mut connection = feed(&datagrams, &KeyLog::default());
        assert_eq!(connection.client(), Some(End::B));
        assert_eq!(connection.version(), Some(sample.version));
        assert_eq!(name(&connection), Some(&b"example.com"[..]));
        assert_eq!(connection.client_hello().unwrap().alpn, ["alpn"].into_iter().collect());
        assert_eq!(connection.server_hello().unwrap().cipher_suite, 0x1301);
        assert!(connection.take_errors().is_empty());
        assert_eq!(connection.buffered(), 0);
    }
}

#[test]
fn a_servers_initial_alone_proves_nothing() {
    for sample in &SAMPLES {
        let connection = feed(&[(End::A, bytes(sample.server))], &KeyLog::default());
        assert_eq!(connection.client(), None);
        assert!(connection.server_hello().is_none());
    }
}

#[test]
fn only_a_genuine_retry_goes_on_with_the_same_connection() {
    for sample in &SAMPLES {
        let retry = bytes(sample.retry);
        let mut forged = retry.clone();
        *forged.last_mut().unwrap() ^= 1;
        let destination = bytes("f067a5502a4262b5");
        let mut payload = vec![0; 1200];
        payload[0] = 1;
        let again = Plain {
            kind: PacketType::Initial,
            version: sample.version,
            destination: &destination,
            source: &[],
            token: b"token",
            number: 1,
            payload: &payload,
        };
        let again = again.seal(&initial_secret(sample.version, &destination, "client in"));
        for (retry, generation, passed_over) in [(retry, 1, 0), (forged, 2, 1)] {
            let start = (End::A, client(sample));
            let datagrams =
                [start.clone(), (End::B, retry), (End::A, again.clone()), start.clone()];
            let mut connection = feed(&datagrams, &KeyLog::default());
            assert_eq!(connection.generation(), generation);
            // A late copy of the first datagram starts nothing.
            assert_eq!(connection.passed_over(), passed_over + 1);
            assert!(connection.client_hello().is_none());
            assert!(connection.take_errors().is_empty());
        }
    }
}

#[test]
fn the_client_may_start_again_with_another_version() {
    let [first, second] = &SAMPLES;
    let negotiation =
        [&[0x80, 0, 0, 0, 0, 0, 8][..], &bytes(DESTINATION), &[0x6b, 0x33, 0x43, 0xcf]];
    let datagrams = [
        (End::A, client(first)),
        (End::B, negotiation.concat()),
        (End::A, client(second)),
        (End::B, bytes(second.server)),
    ];
    let mut connection = feed(&datagrams, &KeyLog::default());
    assert_eq!((connection.generation(), connection.version()), (2, Some(QuicVersion::V2)));
    assert!(connection.server_hello().is_some() && connection.take_errors().is_empty());
}

#[test]
fn a_server_may_go_on_with_another_version() {
    let [first, second] = &SAMPLES;
    let datagrams = [(End::A, client(first)), (End::B, bytes(second.server))];
    let connection = feed(&datagrams, &KeyLog::default());
    assert_eq!((connection.generation(), connection.version()), (1, Some(QuicVersion::V2)));
    assert!(connection.client_hello().is_some() && connection.server_hello().is_some());
}

#[test]
fn a_forbidden_frame_spoils_its_packet_and_is_counted() {
    let destination = bytes(DESTINATION);
    let mut payload = crypto(0, &hello());
    payload.resize(1200, 0);
    payload.extend([0x1e]);
    let packet = Plain {
        kind: PacketType::Initial,
        version: QuicVersion::V1,
        destination: &destination,
        source: &[],
        token: &[],
        number: 0,
        payload: &payload,
    };
    let packet = packet.seal(&initial_secret(QuicVersion::V1, &destination, "client in"));
    let mut connection = feed(&[(End::A, packet)], &KeyLog::default());
    assert!(connection.client().is_some() && connection.client_hello().is_none());
    let errors = connection.take_errors();
    assert_eq!(errors.iter().collect::<Vec<_>>(), [(QuicError::MalformedFrame, 1)]);
}

#[test]
fn handshake_packets_wait_for_their_keys_and_open_in_any_order() {
    let [sample, _] = &SAMPLES;
    let secret = [7; 32];
    let random = &hello()[6..38];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut keys = KeyLog::default();
    let line = format!("SERVER_HANDSHAKE_TRAFFIC_SECRET {} {}", hex(random), hex(&secret));
    keys.add(line.as_bytes());
    let message = b"\x08\x00\x00\x0b\x00\x09\x00\x10\x00\x05\x00\x03\x02h3\x14\x00\x00\x00";
    let packet = |number, from: usize, to: usize| {
        let payload = [crypto(from, &message[from..to]), vec![0; 8]].concat();
        let (version, source) = (QuicVersion::V1, bytes("f067a5502a4262b5"));
        let kind = PacketType::Handshake;
        let (destination, source, token) = (&[][..], &source[..], &[][..]);
        let plain = Plain { kind, version, destination, source, token, number, payload: &payload };
        (End::A, plain.seal(&secret))
    };
    let (start, answer) = ((End::B, client(sample)), (End::A, bytes(sample.server)));
    let early = [start.clone(), packet(2, 9, 19), packet(1, 0, 9), answer.clone()];
    let late = [start.clone(), answer.clone(), packet(1, 0, 9), packet(2, 9, 19)];
    for datagrams in [early, late] {
        let mut connection = feed(&datagrams, &keys);
        assert_eq!((connection.alpn(), connection.server_finished()), (Some(&b"h3"[..]), true));
        assert_eq!((connection.decryption(), connection.buffered()), (QuicDecryption::Opened, 0));
        assert!(connection.take_errors().is_empty());
        let connection = feed(&datagrams, &KeyLog::default());
        assert_eq!((connection.alpn(), connection.decryption()), (None, QuicDecryption::NoSecret));
        assert_eq!(connection.buffered(), 0);
    }
    let mut wrong = KeyLog::default();
    wrong.add(line.replace("07", "08").as_bytes());
    let connection = feed(&[start, answer, packet(1, 0, 9)], &wrong);
    assert_eq!((connection.alpn(), connection.decryption()), (None, QuicDecryption::WrongSecret));
}

#[test]
fn a_second_hello_after_a_retry_request_is_not_the_end_of_the_first() {
    let destination = bytes(DESTINATION);
    let packet = |number, label, payload: &[u8]| {
        let (kind, version, token) = (PacketType::Initial, QuicVersion::V1, &[][..]);
        let (destination, source) = (&destination[..], &b"source"[..]);
        let payload = [payload, &vec![0; 1200]].concat();
        let plain = Plain { kind, version, destination, source, token, number, payload: &payload };
        plain.seal(&initial_secret(version, destination, label))
    };
    let request = bytes(
        "0200002c0303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c\
         00130100000476000000",
    );
    let answer = bytes("020000280303").into_iter().chain([5; 32]).chain([0, 0x13, 2, 0, 0, 0]);
    let answer: Vec<u8> = answer.collect();
    let mut second = hello();
    let at = second.len() - 1;
    second[at] ^= 1;
    let mut other = hello();
    other[6] ^= 1;
    for (second, changed) in [(second, 0), (other, 1)] {
        let datagrams = [
            (End::A, packet(0, "client in", &crypto(0, &hello()))),
            (End::B, packet(0, "server in", &crypto(0, &request))),
            (End::A, packet(1, "client in", &crypto(hello().len(), &second))),
            (End::B, packet(1, "server in", &crypto(request.len(), &answer))),
        ];
        let mut connection = feed(&datagrams, &KeyLog::default());
        assert_eq!(connection.client_hello().unwrap().random[..], hello()[6..38]);
        assert_eq!(connection.server_hello().unwrap().cipher_suite, 0x1302);
        let changes = connection.take_errors().iter().map(|(_, count)| count).sum::<u32>();
        assert_eq!(changes, changed);
    }
}

#[test]
fn garbage_is_not_claimed() {
    let mut connection = Connection::new();
    for datagram in [&b"\x17\xfe\xfd\x00"[..], &[0xc0; 1300], &[0; 1300], b""] {
        connection.handle_datagram(End::A, datagram, &KeyLog::default());
    }
    assert_eq!((connection.client(), connection.passed_over()), (None, 0));
    assert!(connection.take_errors().is_empty());
}
