//! Frames of every link type, with one segment in them.

use super::super::decode::tests::{ethernet, ipv4, ipv6, payload_of, tcp_segment};
use super::super::{LinkType, NetError, PacketDecoder};

/// A data frame: its first byte and flags, what follows three addresses, and SNAP.
fn wireless(first: u8, flags: u8, behind: &[u8], ip: &[u8]) -> Vec<u8> {
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    [&[first, flags, 0, 0], &[2; 18][..], &[0x10, 0], behind, &snap, ip].concat()
}

/// radiotap with a time, and with these flags.
fn radiotap(flags: u8, frame: &[u8]) -> Vec<u8> {
    // Two words say what is there; the time is aligned to 8 bytes from the start.
    let head = [0, 0, 28, 0, 3, 0, 0, 0x80, 0, 0, 0, 0];
    [&head[..], &[0; 4], &[9; 8], &[flags, 0, 0, 0], frame].concat()
}

/// PKTAP in front of a frame of this link type.
fn pktap(link: u32, frame: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in [108, 1, link] {
        bytes.extend(u32::to_le_bytes(field));
    }
    bytes.resize(108, 0);
    bytes.extend(frame);
    bytes
}

/// NFLOG with a prefix and other attributes in front of the packet.
fn nflog(number: fn(u16) -> [u8; 2], ip: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 5];
    for (kind, value) in [(10_u16, &b"prefix\0"[..]), (4, &[0, 0, 0, 1]), (9, ip)] {
        bytes.extend(number(4 + value.len() as u16));
        bytes.extend(number(kind));
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn error_of(link: LinkType, bytes: &[u8]) -> NetError {
    PacketDecoder::default().decode(link, bytes, bytes.len(), |_| ()).unwrap_err()
}

/// All kinds of frames in which `ip` is.
fn frames(ip: &[u8]) -> Vec<(LinkType, Vec<u8>)> {
    let ppp = [&[0x00, 0x21][..], ip].concat();
    let compressed = [&[0x21][..], ip].concat();
    let cisco = [&[0x0f, 0, 8, 0][..], ip].concat();
    let framed = |ppp: &[u8]| [&[0xff, 3], ppp].concat();
    let pppoe = |ppp: &[u8]| [&[0x11, 0, 0, 1, 0, 9][..], ppp].concat();
    let data = wireless(0x08, 0x01, &[], ip);
    let quality = wireless(0x88, 0x02, &[0, 0], ip);
    let ipnet = [&[1, 2, 0, 0][..], &[0; 20], ip].concat();
    vec![
        (LinkType::PPP, ppp.clone()),
        (LinkType::PPP, compressed.clone()),
        (LinkType::PPP, framed(&ppp)),
        (LinkType::PPP, [&[0xff, 3, 0x02, 0x81, 0, 1, 1, 9][..], ip].concat()),
        (LinkType::PPP_HDLC, framed(&ppp)),
        (LinkType::PPP_HDLC, framed(&compressed)),
        (LinkType::PPP_HDLC, cisco.clone()),
        (LinkType::C_HDLC, cisco),
        (LinkType::PPP_WITH_DIR, [&[1][..], &framed(&ppp)].concat()),
        (LinkType::PPP_PPPD, [&[0, 3][..], &ppp].concat()),
        (LinkType::PPP_ETHER, pppoe(&ppp)),
        (LinkType::ETHERNET, ethernet(0x8864, &pppoe(&compressed))),
        (LinkType::IEEE802_11, data.clone()),
        (LinkType::IEEE802_11, quality.clone()),
        (LinkType::IEEE802_11, wireless(0x08, 0x03, &[2; 6], ip)),
        (LinkType::IEEE802_11, wireless(0x88, 0x03, &[2, 2, 2, 2, 2, 2, 0, 0], ip)),
        (LinkType::IEEE802_11, wireless(0x88, 0x82, &[0, 0, 0, 0, 0, 0], ip)),
        (LinkType::IEEE802_11_RADIOTAP, radiotap(0, &data)),
        (LinkType::IEEE802_11_RADIOTAP, radiotap(0x10, &[&quality[..], &[7; 4]].concat())),
        (LinkType::IEEE802_11_RADIOTAP, radiotap(0x20, &wireless(0x88, 2, &[0; 4], ip))),
        (LinkType::IEEE802_11_PRISM, [&[0; 144][..], &data].concat()),
        (LinkType::IEEE802_11_AVS, avs(&data)),
        (LinkType::IEEE802_11_PRISM, avs(&data)),
        (LinkType::PKTAP, pktap(1, &ethernet(0x0800, ip))),
        (LinkType::PKTAP, pktap(12, ip)),
        (LinkType::USER2, pktap(127, &radiotap(0, &data))),
        (LinkType::NFLOG, nflog(u16::to_le_bytes, ip)),
        (LinkType::NFLOG, nflog(u16::to_be_bytes, ip)),
        (LinkType::IPNET, ipnet),
    ]
}

fn avs(frame: &[u8]) -> Vec<u8> {
    [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56], frame].concat()
}

#[test]
fn every_link_type_leads_to_the_same_segment() {
    let segment = tcp_segment(b"hello");
    for (ip, source) in
        [(ipv4(6, 0, &segment), "192.0.2.1:4000"), (ipv6(6, &segment), "[2001:db8::1]:4000")]
    {
        for (link, mut frame) in frames(&ip) {
            // What names IPv4 names it here, too, where it is not read: the packet says what it is.
            let expected = (source.to_owned(), b"hello".to_vec(), 0);
            assert_eq!(payload_of(link, &frame), Some(expected.clone()), "{link} {frame:02x?}");
            // What was not captured is missing, whatever the header looks like.
            let wire_len = frame.len();
            frame.truncate(wire_len.saturating_sub(6));
            let cut = PacketDecoder::default()
                .decode(link, &frame, wire_len, |packet| packet.payload.len() + packet.missing);
            assert!(
                matches!(cut, Ok(Some(5) | None) | Err(NetError::Truncated)),
                "{link}: {cut:?}"
            );
        }
    }
}

#[test]
fn no_frame_that_is_cut_or_changed_is_a_panic() {
    for (link, frame) in frames(&ipv4(6, 0, &tcp_segment(b"hello"))) {
        for end in 0..frame.len() {
            let mut decoder = PacketDecoder::default();
            let _decoded = decoder.decode(link, &frame[..end], frame.len(), |_| ());
            for bit in 0..8 {
                let mut changed = frame.clone();
                changed[end] ^= 1 << bit;
                let _decoded = decoder.decode(link, &changed, frame.len(), |_| ());
            }
        }
    }
}

#[test]
fn wireless_frames_without_a_whole_packet_are_named() {
    let ip = ipv4(6, 0, &tcp_segment(b"hello"));
    let link = LinkType::IEEE802_11;
    for (frame, error) in [
        (wireless(0x08, 0x41, &[], &ip), NetError::Encrypted),
        (wireless(0x88, 0x41, &[0, 0], &ip), NetError::Encrypted),
        (wireless(0x08, 0x05, &[], &ip), NetError::Fragmented),
        (wireless(0x88, 0x01, &[0x80, 0], &ip), NetError::Aggregated),
        (wireless(0x09, 0x01, &[], &ip), NetError::Malformed),
    ] {
        assert_eq!(error_of(link, &frame), error, "{frame:02x?}");
    }
    let bad = radiotap(0x40, &wireless(0x08, 1, &[], &ip));
    assert_eq!(error_of(LinkType::IEEE802_11_RADIOTAP, &bad), NetError::Malformed);
    // A beacon, an acknowledgment, a frame without data, and one without an EtherType.
    let llc = [&wireless(0x08, 1, &[], &[])[..24], &[0x42, 0x42, 3, 0, 0, 0, 0, 0]].concat();
    for frame in [vec![0x80; 40], vec![0xd4; 14], wireless(0x48, 1, &[], &ip), llc] {
        assert_eq!(payload_of(link, &frame), None, "{frame:02x?}");
    }
}

#[test]
fn what_is_behind_pktap_must_be_read() {
    let ip = ipv4(6, 0, &tcp_segment(b"hello"));
    for (link, frame) in [
        (LinkType::PKTAP, pktap(147, &ip)),
        (LinkType::PKTAP, pktap(258, &pktap(12, &ip))),
        (LinkType::USER2, ip.clone()),
        (LinkType(147), ip),
    ] {
        assert_eq!(error_of(link, &frame), NetError::UnsupportedLink, "{link}");
    }
}

#[test]
fn types_have_names_and_are_read_or_not() {
    assert_eq!(LinkType::IEEE802_11_RADIOTAP.to_string(), "127 (IEEE802_11_RADIOTAP)");
    assert_eq!(LinkType(9999).to_string(), "9999");
    assert!(LinkType::NFLOG.is_read() && !LinkType(189).is_read());
}
