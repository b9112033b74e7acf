//! Captures that are cut, bent or no captures.

use super::build::{Order, enhanced, gzip, interface, pcap_header, record, samples, section, zstd};
use super::{read_bytes, read_file};
use crate::{Compression, Damage, DamageKind, ReadError, Warning};

fn damage(offset: usize, kind: DamageKind) -> Warning {
    Warning::Damaged(Damage { offset: offset as u64, compression: None, kind })
}

#[test]
fn a_cut_anywhere_keeps_what_came_before() {
    for (name, bytes, expected) in samples() {
        for cut in 0..bytes.len() {
            let streamed = read_bytes(&bytes[..cut]);
            match &streamed {
                Ok(outcome) => {
                    assert!(expected.starts_with(&outcome.packets), "{name} cut at {cut}");
                    let whole = outcome.packets.len() == expected.len();
                    assert!(whole || outcome.warnings.len() <= 1);
                }
                Err(ReadError::NotACapture { .. }) => assert!(cut < 18, "{name} cut at {cut}"),
                Err(ReadError::Damaged { .. }) => {}
                Err(error) => panic!("{name} cut at {cut}: {error}"),
            }
            let mapped = read_file(&bytes[..cut], 64);
            assert_eq!(format!("{mapped:?}"), format!("{streamed:?}"), "{name} cut at {cut}");
        }
    }
}

#[test]
fn the_place_where_a_file_breaks_off_is_named() {
    let (_, pcap, _) = samples().remove(1);
    let outcome = read_bytes(&pcap[..pcap.len() - 1]).unwrap();
    let last = pcap.len() - 16 - 43;
    assert_eq!(outcome.warnings, [damage(last, DamageKind::BreaksOff)]);
    assert_eq!(
        outcome.warnings[0].to_string(),
        format!(
            "read only in part: at byte {last} begins a packet or block in which the capture breaks off"
        ),
    );
}

#[test]
fn a_truncated_compressed_stream_gives_all_that_was_in_it() {
    // Incompressible packets, so that a cut costs no more than the block it is in.
    let mut noise = 1_u32;
    let mut data = || {
        std::array::from_fn::<u8, 1000, _>(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        })
    };
    let mut bytes = pcap_header(Order::Little, 0xa1b2_c3d4, 65535, 1);
    for n in 0..2_000 {
        bytes.extend(record(Order::Little, n, 0, &data(), 1000));
    }
    for (packed, compression) in
        [(gzip(&bytes), Compression::Gzip), (zstd(&bytes), Compression::Zstd)]
    {
        let outcome = read_file(&packed[..packed.len() / 2], 1 << 20).unwrap();
        assert!(outcome.packets.len() > 800, "{compression}: {}", outcome.packets.len());
        let [Warning::Damaged(damage)] = &outcome.warnings[..] else { panic!("{outcome:?}") };
        assert_eq!(damage.compression, Some(compression));
        assert_eq!(damage.offset, 24 + outcome.packets.len() as u64 * 1016);
        assert!(damage.to_string().contains("of the uncompressed capture"), "{damage}");
    }
}

#[test]
fn a_wrong_checksum_is_told_after_all_packets() {
    let (_, bytes, expected) = samples().remove(1);
    let mut packed = gzip(&bytes);
    let at = packed.len() - 8;
    packed[at] ^= 1;
    let outcome = read_bytes(&packed).unwrap();
    assert_eq!(outcome.packets, expected);
    assert!(matches!(
        &outcome.warnings[..],
        [Warning::Damaged(Damage { kind: DamageKind::Failed(_), .. })]
    ));
}

#[test]
fn a_bent_block_ends_reading_and_is_named() {
    let order = Order::Little;
    let good =
        [section(order), interface(order, 1, 0, &[]), enhanced(order, 0, 1, b"good", 4, &[])]
            .concat();
    let bend = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes.extend(enhanced(order, 0, 1, b"bad!", 4, &[]));
        bytes[good.len() + at] = value;
        bytes.extend(enhanced(order, 0, 1, b"lost", 4, &[]));
        let outcome = read_file(&bytes, 64).unwrap();
        assert_eq!(outcome, read_bytes(&bytes).unwrap());
        assert_eq!(outcome.packets.len(), 1);
        outcome.warnings
    };
    let length = 36;
    assert_eq!(bend(32, 7), [damage(good.len(), DamageKind::Trailer { length, trailer: 7 })]);
    assert_eq!(bend(4, 11), [damage(good.len(), DamageKind::BlockLength(11))]);
    assert_eq!(bend(5, 1), [damage(good.len(), DamageKind::BreaksOff)]);
    // Beyond what is held: passed over, as far as there is anything.
    assert_eq!(bend(7, 0x7f), [damage(good.len(), DamageKind::BreaksOff)]);
}

#[test]
fn a_block_passed_over_is_checked_at_its_end() {
    let order = Order::Big;
    let good =
        [section(order), interface(order, 1, 0, &[]), enhanced(order, 0, 1, b"good", 4, &[])]
            .concat();
    let mut bytes = good.clone();
    bytes.extend(super::build::block(order, 99, &vec![0; 17 << 20]));
    let length = (17 << 20) + 12;
    let end = bytes.len();
    bytes[end - 1] = 0;
    for outcome in [read_bytes(&bytes), read_file(&bytes, 64)] {
        let expected = DamageKind::Trailer { length, trailer: length - 12 };
        assert_eq!(outcome.unwrap().warnings, [damage(good.len(), expected)]);
    }
    for outcome in [read_bytes(&bytes[..end - 2]), read_file(&bytes[..end - 2], 64)] {
        assert_eq!(outcome.unwrap().warnings, [damage(good.len(), DamageKind::BreaksOff)]);
    }
}

#[test]
fn a_record_of_impossible_length_is_damage() {
    let order = Order::Little;
    let mut bytes = pcap_header(order, 0xa1b2_c3d4, 65535, 1);
    bytes.extend(record(order, 1, 0, b"good", 4));
    let at = bytes.len();
    for n in [1, 0, 0xffff_fff0, 4] {
        bytes.extend(order.u32(n));
    }
    let outcome = read_bytes(&bytes).unwrap();
    assert_eq!(outcome.warnings, [damage(at, DamageKind::PacketLength(0xffff_fff0))]);
}

#[test]
fn what_is_no_capture_is_an_error() {
    let message = |bytes: &[u8]| read_file(bytes, 64).unwrap_err().to_string();
    let said = message(b"GET / HTTP/1.1\r\n");
    assert!(said.contains("it begins with 47 45 54 20"), "{said}");
    assert!(message(b"").contains("it is empty"));
    assert!(message(&gzip(b"")).contains("uncompressed with gzip, it is empty"));
    assert!(message(b"\xfd7zXZ\0").contains("compressed with xz"));
    assert!(matches!(read_bytes(b"\xa1\xb2"), Err(ReadError::NotACapture { .. })));
}

#[test]
fn a_capture_without_packets_is_fine_and_one_cut_in_the_first_is_not() {
    let order = Order::Big;
    let pcap = pcap_header(order, 0xa1b2_3c4d, 65535, 1);
    let pcapng = [section(order), interface(order, 1, 0, &[])].concat();
    for bytes in [&pcap, &pcapng, &section(order)] {
        assert_eq!(read_bytes(bytes).unwrap(), super::Outcome::default());
        let cut = [bytes, &[0; 9][..]].concat();
        assert!(matches!(read_bytes(&cut), Err(ReadError::Damaged { .. })));
    }
    assert!(matches!(read_bytes(&pcap[..20]), Err(ReadError::Damaged { .. })));
}

#[test]
fn a_section_of_another_version_is_damage() {
    let mut bytes = section(Order::Little);
    bytes[12] = 2;
    let Err(ReadError::Damaged { damage, .. }) = read_bytes(&bytes) else { panic!() };
    assert_eq!(damage.kind, DamageKind::Version(2));
}
