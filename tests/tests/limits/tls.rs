use wrongdoor_core::counters::Loss;
use wrongdoor_core::layer::tls::MAX_WAITING;
use wrongdoor_tests::golden::Golden;
use wrongdoor_tests::wire::{self, Frame, Talk, scripts, tls};

use super::{HELD, bounded, lost};

/// A handshake message of 16 MiB less one byte, in records.
fn endless(kind: u8) -> Vec<u8> {
    let message = tls::message(kind, &vec![0; (1 << 24) - 1]);
    message.chunks(16_384).flat_map(|piece| tls::record(22, piece)).collect()
}

#[test]
fn a_handshake_message_of_16_mib_is_passed_over() {
    let mut talk = Talk::open(443);
    talk.client(tls::record(22, &tls::client_hello([1; 32], Some("a.test"))));
    talk.server(tls::record(22, &tls::server_hello([2; 32])));
    talk.server(endless(11));
    let certificate = rcgen::generate_simple_self_signed(["a.test".to_owned()]).expect("one");
    talk.server(tls::record(22, &tls::certificate(certificate.cert.der())));
    let found = bounded(&talk.frames(), false);
    assert!(found.peak_held <= 128 * 1024, "{} held", found.peak_held);
    assert_eq!(found.connection().certificate_names, Some(vec!["a.test".to_owned()]));
    assert_eq!(found.connection().sni.as_deref(), Some("a.test"));
    assert_eq!((lost(&found, Loss::Limit), found.errors("tls", "message_too_long")), (1, 1));
}

#[test]
fn a_client_hello_of_16_mib_says_nothing() {
    let mut talk = Talk::open(443);
    talk.client(endless(1));
    let found = bounded(&talk.frames(), false);
    assert!(found.peak_held <= 128 * 1024, "{} held", found.peak_held);
    assert_eq!(found.connection().sni_state, "unseen");
}

/// A real TLS 1.3 handshake for which there are no keys, and a flood of records behind it.
fn keyless(nth: u16, records: usize) -> Vec<Frame> {
    let golden = Golden::all().expect("captures").into_iter().find(|it| it.name() == "no-sni");
    let frames = wire::read(&golden.expect("it is there").capture).expect("readable");
    let script = scripts(&frames).expect("whole").into_iter().next().expect("a connection");
    let mut talk = Talk::between(([10, 0, 0, 1], 10_000 + nth).into(), ([10, 0, 0, 2], 443).into());
    talk.handshake();
    talk.client(&script.said_by_client.bytes).server(&script.said_by_server.bytes);
    for _ in 0..records {
        talk.client(tls::record(23, &[0; 1000])).server(tls::record(23, &[0; 16_000]));
    }
    talk.frames()
}

#[test]
fn records_that_wait_for_keys_are_bounded_in_one_connection() {
    let found = bounded(&keyless(0, 200), true);
    assert!(found.peak_held <= 2 * MAX_WAITING + 64 * 1024, "{} held", found.peak_held);
    assert!(found.peak_held > 100_000, "they do wait: {} held", found.peak_held);
    assert!(lost(&found, Loss::Limit) > 0);
    assert_eq!(found.errors("tls", "no_keys"), 1);
    assert_eq!(found.connection().decryption, "none");
}

#[test]
fn records_that_wait_for_keys_cost_no_connection_its_place() {
    let frames: Vec<_> = (0..40).flat_map(|nth| keyless(nth, 12)).collect();
    let found = bounded(&frames, true);
    assert_eq!(lost(&found, Loss::Evicted), 0);
    assert_eq!(found.connections.len(), 40);
    assert!(found.peak_held > HELD / 4, "they do wait: {} held", found.peak_held);
}

#[test]
fn records_of_no_length_and_handshakes_of_no_end_come_to_an_end() {
    let mut talk = Talk::open(443);
    talk.client(tls::record(22, &tls::client_hello([1; 32], Some("a.test"))));
    for _ in 0..20_000 {
        talk.client(tls::record(22, &[])).server(tls::record(20, &[]));
    }
    for _ in 0..20_000 {
        talk.client(tls::record(22, &tls::message(0, &[])));
    }
    let found = bounded(&talk.frames(), true);
    assert_eq!(found.connection().sni.as_deref(), Some("a.test"));
}

#[test]
fn names_of_a_certificate_are_bounded() {
    let names: Vec<_> = (0..1500).map(|nth| format!("n{nth}.test")).collect();
    let certificate = rcgen::generate_simple_self_signed(names).expect("one");
    let mut talk = Talk::open(443);
    talk.client(tls::record(22, &tls::client_hello([1; 32], Some("a.test"))));
    talk.server(tls::record(22, &tls::server_hello([2; 32])));
    let message = tls::certificate(certificate.cert.der());
    talk.server(
        message.chunks(16_000).flat_map(|piece| tls::record(22, piece)).collect::<Vec<_>>(),
    );
    let found = bounded(&talk.frames(), false);
    let kept = found.connection().certificate_names.as_ref().map(Vec::len);
    assert_eq!(kept, Some(wrongdoor_core::name::MAX_CERTIFICATE_NAMES));
}
