//! Every variant of the formats.

use super::build::{
    Order, block, enhanced, gzip, interface, obsolete, option, pcap_header, record, samples,
    secrets, section, simple, zstd,
};
use super::{CaptureFile, file, read_bytes, read_file};
use crate::Warning;
use crate::limits::{MAX_BLOCK_BYTES, MAX_INTERFACES, MAX_PACKET_BYTES, MAX_UNREAD_LINKS};
use wrongdoor_core::wire::net::LinkType;

const BOTH: [Order; 2] = [Order::Little, Order::Big];

#[test]
fn every_sample_is_read_whole_streamed_and_mapped() {
    for (name, bytes, expected) in samples() {
        for outcome in [read_bytes(&bytes), read_file(&bytes, 64)] {
            let outcome = outcome.unwrap();
            assert_eq!(outcome.packets, expected, "{name}");
            assert_eq!(outcome.warnings, [], "{name}");
        }
    }
}

#[test]
fn pcap_in_both_byte_orders_and_resolutions() {
    for order in BOTH {
        for (magic, at) in [(0xa1b2_c3d4, 3_000_005_000), (0xa1b2_3c4d, 3_000_000_005)] {
            // Flags above the link type (a frame check sequence of 4 bytes) are not part of it.
            let mut bytes = pcap_header(order, magic, 100, 0x4400_0001);
            bytes.extend(record(order, 3, 5, b"abc", 7));
            let outcome = read_bytes(&bytes).unwrap();
            assert_eq!(outcome.packets, [(at, 1, b"abc".to_vec(), 7)]);
        }
    }
}

#[test]
fn pcap_of_patched_libpcap_has_longer_record_headers() {
    let mut bytes = pcap_header(Order::Little, 0xa1b2_cd34, 100, 1);
    for n in [3, 4] {
        for word in [n, 0, 2, 2, 0, 0] {
            bytes.extend(Order::Little.u32(word));
        }
        bytes.extend(b"ab");
    }
    assert_eq!(read_bytes(&bytes).unwrap().packets.len(), 2);
}

#[test]
fn packets_of_links_that_are_not_read_are_counted_by_type() {
    let order = Order::Little;
    let mut bytes = section(order);
    for link in [1, 189, 1, 195] {
        bytes.extend(interface(order, link, 0, &[]));
    }
    for of in [0, 1, 2, 1, 3, 1, 0] {
        bytes.extend(enhanced(order, of, 0, b"abc", 3, &[]));
    }
    let outcome = read_bytes(&bytes).unwrap();
    let unread = |link, packets| Warning::UnreadLink { link: Some(LinkType(link)), packets };
    assert_eq!(outcome.packets.len(), 7);
    assert_eq!(outcome.warnings, [unread(189, 3), unread(195, 1)]);
    let text = outcome.warnings[0].to_string();
    assert_eq!(text, "packets of link type 189 (USB_LINUX) are not read: 3");
}

#[test]
fn link_types_that_are_not_read_are_bounded() {
    let order = Order::Little;
    let mut bytes = section(order);
    for number in 0..MAX_UNREAD_LINKS as u16 + 3 {
        bytes.extend(interface(order, 1000 + number, 0, &[]));
        bytes.extend(enhanced(order, number.into(), 0, b"abc", 3, &[]));
    }
    let warnings = read_bytes(&bytes).unwrap().warnings;
    assert_eq!(warnings.len(), MAX_UNREAD_LINKS + 1);
    assert_eq!(warnings.last(), Some(&Warning::UnreadLink { link: None, packets: 3 }));
}

#[test]
fn seconds_are_unsigned() {
    let mut bytes = pcap_header(Order::Little, 0xa1b2_c3d4, 100, 1);
    bytes.extend(record(Order::Little, u32::MAX, u32::MAX, b"", 0));
    let at = i64::from(u32::MAX) * 1_000_000_000 + i64::from(u32::MAX) * 1_000;
    assert_eq!(read_bytes(&bytes).unwrap().packets[0].0, at);
}

#[test]
fn a_clock_of_a_power_of_two() {
    for order in BOTH {
        let clock = [option(order, 9, &[0x80 | 10]), option(order, 14, &order.u64(-1_i64 as u64))];
        let bytes = [
            section(order),
            interface(order, 1, 0, &clock.concat()),
            enhanced(order, 0, 3 * 1024 + 512, b"x", 1, &[]),
        ];
        assert_eq!(read_bytes(&bytes.concat()).unwrap().packets[0].0, 2_500_000_000);
    }
}

#[test]
fn options_end_where_they_say() {
    let order = Order::Little;
    let options = [option(order, 0, &[]), option(order, 9, &[0])].concat();
    let bytes =
        [section(order), interface(order, 1, 0, &options), enhanced(order, 0, 1, b"x", 1, &[])];
    assert_eq!(read_bytes(&bytes.concat()).unwrap().packets[0].0, 1_000);
}

#[test]
fn a_simple_packet_is_cut_at_the_snapshot_length() {
    for order in BOTH {
        let bytes = [section(order), interface(order, 1, 5, &[]), simple(order, b"12345", 999)];
        let outcome = read_bytes(&bytes.concat()).unwrap();
        assert_eq!(outcome.packets, [(0, 1, b"12345".to_vec(), 999)]);
    }
}

#[test]
fn data_without_padding_is_taken() {
    let order = Order::Little;
    let words = [0, 0, 1, 3, 3].map(|n| order.u32(n)).concat();
    let bytes = [
        section(order),
        interface(order, 1, 0, &[]),
        block(order, 6, &[&words[..], b"abc"].concat()),
    ];
    let outcome = read_bytes(&bytes.concat()).unwrap();
    assert_eq!(outcome.packets, [(1_000, 1, b"abc".to_vec(), 3)]);
}

#[test]
fn a_section_forgets_the_interfaces_before_it() {
    let order = Order::Big;
    let bytes = [
        section(order),
        interface(order, 1, 0, &[]),
        obsolete(order, 0, 1, b"a"),
        obsolete(order, 1, 1, b"b"),
        section(order),
        obsolete(order, 0, 1, b"c"),
    ];
    let outcome = read_bytes(&bytes.concat()).unwrap();
    assert_eq!(outcome.packets.len(), 1);
    assert_eq!(outcome.warnings, [Warning::Unreadable(2)]);
}

#[test]
fn secrets_come_with_their_window_or_ahead_without_padding() {
    for order in BOTH {
        let bytes = [
            section(order),
            interface(order, 1, 0, &[]),
            enhanced(order, 0, 1, b"x", 1, &[]),
            secrets(order, 0x5353_484b, b"ssh"),
            secrets(order, 0x544c_534b, b"12345"),
        ]
        .concat();
        assert_eq!(read_bytes(&bytes).unwrap().secrets, [b"12345"]);

        let (_kept, path) = file(&bytes);
        let mut capture = CaptureFile::open(&path).unwrap();
        assert_eq!(capture.secrets_ahead().unwrap(), [b"12345"]);
        assert!(capture.secrets_ahead().unwrap().is_empty());
        let outcome = super::read(capture).unwrap();
        assert_eq!((outcome.packets.len(), outcome.secrets.len()), (1, 0));
    }
}

#[test]
fn secrets_beyond_the_limits_are_counted() {
    let order = Order::Little;
    let mut malformed = secrets(order, 0x544c_534b, b"1234");
    malformed[12] = 99;
    let bytes =
        [section(order), malformed, secrets(order, 0x544c_534b, &vec![b'x'; 9 << 20])].concat();
    for outcome in [read_bytes(&bytes), read_file(&bytes, 64)] {
        assert_eq!(outcome.unwrap().warnings, [Warning::SecretsSkipped(2)]);
    }
    let (_kept, path) = file(&bytes);
    let mut capture = CaptureFile::open(&path).unwrap();
    assert!(capture.secrets_ahead().unwrap().is_empty());
    assert_eq!(super::read(capture).unwrap().warnings, [Warning::SecretsSkipped(2)]);
}

#[test]
fn long_packets_are_passed_over_where_the_file_agrees_to_them() {
    let order = Order::Little;
    let long = vec![1; MAX_PACKET_BYTES + 1];
    let len = long.len() as u32;
    let pcap = [
        pcap_header(order, 0xa1b2_c3d4, len, 1),
        record(order, 1, 0, &long, len),
        record(order, 2, 0, &long[1..], len),
    ];
    let pcapng = [
        section(order),
        interface(order, 1, 0, &[]),
        enhanced(order, 0, 1, &long, len, &[]),
        enhanced(order, 0, 1, &long[1..], len, &[]),
    ];
    for bytes in [pcap.concat(), pcapng.concat()] {
        for outcome in [read_bytes(&bytes), read_file(&bytes, 64)] {
            let outcome = outcome.unwrap();
            assert_eq!(outcome.packets.len(), 1);
            assert_eq!(outcome.warnings, [Warning::Oversized(1)]);
        }
    }
}

#[test]
fn blocks_too_long_to_hold_are_passed_over() {
    let order = Order::Big;
    let long = vec![0; MAX_BLOCK_BYTES];
    let bytes = [
        section(order),
        interface(order, 1, 0, &[]),
        block(order, 77, &long),
        enhanced(order, 0, 1, &long, 1, &[]),
        block(order, 1, &long),
        enhanced(order, 0, 1, b"x", 1, &[]),
        enhanced(order, 1, 1, b"interface one was passed over", 1, &[]),
    ]
    .concat();
    for outcome in [read_bytes(&bytes), read_file(&bytes, 64)] {
        let outcome = outcome.unwrap();
        assert_eq!(outcome.packets.len(), 1);
        assert_eq!(outcome.warnings, [Warning::Oversized(1), Warning::Unreadable(2)]);
    }
}

#[test]
fn compressed_in_several_parts_and_frames_to_skip() {
    for (_, bytes, expected) in samples().into_iter().filter(|sample| sample.0.starts_with("pcap"))
    {
        let (one, other) = bytes.split_at(bytes.len() / 2);
        let skip = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"any"].concat();
        let zstd = [skip.clone(), zstd(one), skip, zstd(other)].concat();
        for bytes in [[gzip(one), gzip(other)].concat(), zstd] {
            let outcome = read_file(&bytes, 64).unwrap();
            assert_eq!((outcome.packets, outcome.warnings), (expected.clone(), vec![]));
        }
    }
}

#[test]
fn more_secrets_than_are_kept_in_all_are_counted() {
    let order = Order::Little;
    let one = secrets(order, 0x544c_534b, &vec![b'x'; 8 << 20]);
    let mut bytes = section(order);
    (0..9).for_each(|_| bytes.extend(&one));
    let outcome = read_bytes(&bytes).unwrap();
    assert_eq!(outcome.secrets.len(), 7);
    assert_eq!(outcome.warnings, [Warning::SecretsSkipped(2)]);
}

#[test]
fn interfaces_are_remembered_up_to_the_limit() {
    let order = Order::Little;
    let mut bytes = section(order);
    let one = interface(order, 1, 0, &[]);
    (0..MAX_INTERFACES + 1).for_each(|_| bytes.extend(&one));
    for n in [0, 1] {
        bytes.extend(enhanced(order, MAX_INTERFACES as u32 - n, 1, b"x", 1, &[]));
    }
    let outcome = read_bytes(&bytes).unwrap();
    assert_eq!(outcome.packets.len(), 1);
    assert_eq!(outcome.warnings, [Warning::Unreadable(1), Warning::InterfacesSkipped(1)]);
}
