use super::super::transport::{Flags, Tcp};
use super::*;

/// A TCP segment from 192.0.2.1:4000 to 192.0.2.2:443 that carries `payload`.
pub(in crate::wire::net) fn tcp_segment(payload: &[u8]) -> Vec<u8> {
    let mut bytes =
        vec![0x0f, 0xa0, 0x01, 0xbb, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 0, 9, 0, 0, 0, 0];
    bytes.extend(payload);
    bytes
}

pub(in crate::wire::net) fn ipv4(protocol: u8, place: u16, payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len() as u16).to_be_bytes();
    let place = place.to_be_bytes();
    let mut bytes = vec![0x45, 0, total[0], total[1], 0, 7, place[0], place[1], 64, protocol, 0, 0];
    bytes.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    bytes.extend(payload);
    bytes
}

pub(in crate::wire::net) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([next, 64]);
    bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    bytes.extend(payload);
    bytes
}

pub(in crate::wire::net) fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[2; 12][..], &kind.to_be_bytes(), payload].concat()
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = (8 + payload.len() as u16).to_be_bytes();
    let port = port.to_be_bytes();
    [&[0x80, 0, port[0], port[1], len[0], len[1], 0, 0][..], payload].concat()
}

pub(in crate::wire::net) fn payload_of(
    link: LinkType,
    bytes: &[u8],
) -> Option<(String, Vec<u8>, usize)> {
    let deliver =
        |packet: Packet<'_>| (packet.source.to_string(), packet.payload.to_vec(), packet.missing);
    PacketDecoder::default().decode(link, bytes, bytes.len(), deliver).unwrap()
}

#[test]
fn every_link_type_leads_to_the_same_segment() {
    let ip = ipv4(6, 0, &tcp_segment(b"hello"));
    let frames = [
        (LinkType::ETHERNET, ethernet(0x0800, &ip)),
        (LinkType::ETHERNET, ethernet(0x0800, &[&ip[..], &[0; 9]].concat())),
        (LinkType::ETHERNET, ethernet(0x8100, &[&[0, 5, 0x08, 0][..], &ip].concat())),
        (
            LinkType::ETHERNET,
            ethernet(0x88a8, &[&[0, 5, 0x81, 0, 0, 6, 0x08, 0][..], &ip].concat()),
        ),
        (LinkType::ETHERNET, ethernet(0x8847, &[&[0, 1, 0, 9, 0, 2, 1, 9][..], &ip].concat())),
        (
            LinkType::ETHERNET,
            ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, 9, 0, 0x21][..], &ip].concat()),
        ),
        (LinkType::RAW, ip.clone()),
        (LinkType::IPV4, ip.clone()),
        (LinkType::NULL, [&[2, 0, 0, 0][..], &ip].concat()),
        (LinkType::LOOP, [&[0, 0, 0, 2][..], &ip].concat()),
        (LinkType::LINUX_SLL, [&[0; 14][..], &[0x08, 0], &ip].concat()),
        (LinkType::LINUX_SLL2, [&[0x08, 0][..], &[0; 18], &ip].concat()),
    ];
    for (link, frame) in frames {
        let expected = ("192.0.2.1:4000".to_owned(), b"hello".to_vec(), 0);
        assert_eq!(payload_of(link, &frame), Some(expected), "{link:?}");
    }
}

#[test]
fn tunnels_are_seen_through() {
    let ip = ipv4(6, 0, &tcp_segment(b"hello"));
    let frame = ethernet(0x0800, &ip);
    let vxlan = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &frame].concat();
    let geneve = [&[0x01, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 4][..], &frame].concat();
    let gre = [&[0x20, 0, 0x08, 0, 0, 0, 0, 1][..], &ip].concat();
    let packets = [
        ipv4(17, 0, &udp(4789, &vxlan)),
        ipv4(17, 0, &udp(6081, &geneve)),
        ipv4(47, 0, &gre),
        ipv4(4, 0, &ip),
        ipv6(4, &ip),
        ipv4(41, 0, &ipv6(4, &ip)),
        ipv4(
            17,
            0,
            &udp(
                4789,
                &[
                    &[8, 0, 0, 0, 0, 0, 7, 0][..],
                    &ethernet(0x0800, &ipv4(17, 0, &udp(4789, &vxlan))),
                ]
                .concat(),
            ),
        ),
    ];
    for packet in packets {
        assert_eq!(payload_of(LinkType::RAW, &packet).unwrap().1, b"hello");
    }
    // A datagram that merely uses the port is a datagram.
    assert_eq!(
        payload_of(LinkType::RAW, &ipv4(17, 0, &udp(4789, b"not vxlan"))).unwrap().1,
        b"not vxlan"
    );
}

#[test]
fn extension_headers_are_passed() {
    let extensions =
        [&[60, 0, 1, 4, 0, 0, 0, 0, 6, 1][..], &[0; 14], &tcp_segment(b"hello")].concat();
    let (source, payload, _) = payload_of(LinkType::IPV6, &ipv6(0, &extensions)).unwrap();
    assert_eq!((source.as_str(), payload.as_slice()), ("[2001:db8::1]:4000", &b"hello"[..]));
}

/// What comes of the last of these fragments, and of one more that makes a datagram whole.
fn of_fragments(parts: &[Vec<u8>]) -> (Result<Option<()>, NetError>, PacketDecoder) {
    let mut decoder = PacketDecoder::default();
    let mut last = Ok(None);
    for frame in parts {
        last = decoder.decode(LinkType::RAW, frame, frame.len(), |_| ());
    }
    (last, decoder)
}

#[test]
fn fragments_that_contradict_each_other_give_no_datagram() {
    let whole = tcp_segment(&[7; 100]);
    let first = ipv4(6, 0x2000, &whole[..48]);
    let (middle, last) = (ipv4(6, 0x2000 | 6, &whole[48..96]), ipv4(6, 12, &whole[96..]));
    let same = [first.clone(), middle.clone(), ipv4(6, 0x2000 | 4, &whole[32..56]), last.clone()];
    assert_eq!(of_fragments(&same).0, Ok(Some(())));
    for other in [
        // Other bytes, another end, something behind the end.
        ipv4(6, 0x2000 | 4, &[9; 24]),
        ipv4(6, 4, &whole[32..56]),
        ipv4(6, 0x2000 | 12, &whole[88..120]),
    ] {
        let (found, _) = of_fragments(&[first.clone(), middle.clone(), last.clone()][..2]);
        assert_eq!(found, Ok(None));
        let parts = [middle.clone(), last.clone(), other.clone()];
        let (found, mut decoder) = of_fragments(&parts);
        assert_eq!(found, Err(NetError::ConflictingFragments), "{other:?}");
        // What makes it whole comes too late, and the next datagram of that number is a new one.
        assert_eq!(decoder.decode(LinkType::RAW, &first, first.len(), |_| ()), Ok(None));
        let mut found = Ok(None);
        for frame in [&first, &middle, &last] {
            found = decoder.decode(LinkType::RAW, frame, frame.len(), |_| ());
        }
        assert_eq!(found, Ok(Some(())));
        assert_eq!((decoder.dropped_datagrams(), decoder.incomplete_datagrams()), (0, 0));
    }
    assert_eq!(of_fragments(&[first]).1.incomplete_datagrams(), 1);
}

#[test]
fn a_wrong_header_checksum_is_damage_where_the_others_are_right() {
    let mut right = ipv4(6, 0, &tcp_segment(b"hello"));
    let sum: u32 =
        right[..20].chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
    let checksum = !(((sum & 0xffff) + (sum >> 16)) as u16);
    right[10..12].copy_from_slice(&checksum.to_be_bytes());
    let mut wrong = right.clone();
    wrong[12] ^= 1;
    let mut decoder = PacketDecoder::default();
    let mut decode = |frame: &[u8]| decoder.decode(LinkType::RAW, frame, frame.len(), |_| ());
    assert_eq!(decode(&wrong), Ok(Some(())));
    for _ in 0..16 {
        assert_eq!(decode(&right), Ok(Some(())));
    }
    assert_eq!(decode(&wrong), Err(NetError::Checksum));
    assert_eq!(decode(&wrong), Ok(Some(())));
}

#[test]
fn fragments_in_any_order_give_the_datagram() {
    let whole = tcp_segment(&[7; 100]);
    let parts = [
        ipv4(6, 0x2000, &whole[..48]),
        ipv4(6, 0x2000 | 6, &whole[48..96]),
        ipv4(6, 12, &whole[96..]),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut decoder = PacketDecoder::default();
        let mut found = None;
        for at in order {
            let overlap = ipv4(6, 0x2000 | 3, &[9; 0]);
            for frame in [&overlap, &parts[at]] {
                let payload = decoder
                    .decode(LinkType::RAW, frame, frame.len(), |packet| packet.payload.to_vec());
                found = payload.unwrap().or(found);
            }
        }
        assert_eq!(found, Some(vec![7; 100]), "{order:?}");
    }
}

#[test]
fn unfinished_datagrams_are_bounded() {
    let mut decoder = PacketDecoder::default();
    for id in 0..=u16::MAX {
        let mut frame = ipv4(6, 0x2000, &[0; 8]);
        frame[4..6].copy_from_slice(&id.to_be_bytes());
        assert_eq!(decoder.decode(LinkType::RAW, &frame, frame.len(), |_| ()), Ok(None));
    }
    assert_eq!(decoder.dropped_datagrams(), 65_536 - super::super::MAX_FRAGMENTED_DATAGRAMS as u64);
}

#[test]
fn what_the_snap_length_cut_is_missing_and_offload_lengths_are_read() {
    let frame = ethernet(0x0800, &ipv4(6, 0, &tcp_segment(&[1; 500])));
    let cut = &frame[..200];
    let packet = PacketDecoder::default().decode(LinkType::ETHERNET, cut, frame.len(), |packet| {
        (packet.payload.len(), packet.missing, packet.transport)
    });
    let tcp = Tcp { sequence: 1, acknowledgment: 2, flags: Flags(0x18) };
    assert_eq!(packet, Ok(Some((146, 354, Transport::Tcp(tcp)))));
    let mut offloaded = ipv4(6, 0, &tcp_segment(&[1; 500]));
    offloaded[2..4].copy_from_slice(&[0, 0]);
    assert_eq!(payload_of(LinkType::RAW, &offloaded).unwrap().1.len(), 500);
}

#[test]
fn nothing_panics_on_what_is_cut_or_changed() {
    let ip = ipv4(6, 0, &tcp_segment(b"hello"));
    let vxlan =
        [&[8, 0, 0, 0, 0, 0, 7, 0][..], &ethernet(0x8847, &[&[0, 1, 1, 9][..], &ip].concat())]
            .concat();
    let frame =
        ethernet(0x8100, &[&[0, 5, 0x08, 0][..], &ipv4(17, 0, &udp(4789, &vxlan))].concat());
    let mut decoder = PacketDecoder::default();
    for end in 0..frame.len() {
        drop(decoder.decode(LinkType::ETHERNET, &frame[..end], frame.len(), |_| String::new()));
        for bit in 0..8 {
            let mut changed = frame.clone();
            changed[end] ^= 1 << bit;
            drop(decoder.decode(LinkType::ETHERNET, &changed, frame.len(), |_| String::new()));
        }
    }
}

#[test]
fn options_that_were_not_captured_are_no_missing_payload() {
    let mut segment = tcp_segment(&[&[1; 12][..], b"hello"].concat());
    segment[12] = 0x80;
    let whole = ipv4(6, 0, &segment);
    for captured in 40..whole.len() {
        let (_, payload, missing) = payload_of(LinkType::RAW, &whole[..captured]).unwrap();
        assert_eq!(payload.len() + missing, 5, "{captured}");
    }
}

#[test]
fn padding_that_was_not_captured_is_no_missing_payload() {
    // Offloading leaves the length 0 where a packet is as long as what it is in.
    let mut inner = ipv4(6, 0, &tcp_segment(b"hello"));
    (inner[2], inner[3]) = (0, 0);
    let vxlan = [&[8, 0, 0, 0, 0, 0, 9, 0][..], &ethernet(0x0800, &inner)].concat();
    let gre = [&[0, 0, 8, 0][..], &inner].concat();
    for whole in [ipv4(17, 0, &udp(4789, &vxlan)), ipv4(47, 0, &gre)] {
        // All of it was captured, but for the link's padding.
        let deliver = |packet: Packet<'_>| (packet.payload.to_vec(), packet.missing);
        let wire_len = whole.len() + 9;
        let delivered = PacketDecoder::default().decode(LinkType::RAW, &whole, wire_len, deliver);
        assert_eq!(delivered, Ok(Some((b"hello".to_vec(), 0))));
    }
}
