use super::assembler::Instruction;
use super::{MAX_PORTS, WantedPackets, WantedTls, classic};

const CLIENT: u16 = 50_000;
const SERVER: u16 = 443;
const ETHERTYPES: [u16; 2] = [0x0800, 0x86dd];
const ACK: u8 = 0x10;
const PSH: u8 = 0x18;

/// A packet with what the kernel knows of it.
#[derive(Clone)]
struct Packet {
    protocol: u16,
    kind: u32,
    interface: u32,
    bytes: Vec<u8>,
}

/// The machine of classic BPF, as far as the filter uses it. None where the kernel would refuse the program.
fn run(program: &[Instruction], packet: &Packet) -> Option<u32> {
    let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; 16], 0);
    let load = |place: u32, size: usize| -> Option<u32> {
        let start = usize::try_from(place).ok()?;
        let bytes = packet.bytes.get(start..start.checked_add(size)?)?;
        Some(bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
    };
    loop {
        let Instruction { code, jt, jf, k } = *program.get(at)?;
        at += 1;
        let size = match code & 0x18 {
            0x10 => 1,
            0x08 => 2,
            _ => 4,
        };
        match code & 0x07 {
            0 => {
                let loaded = match code & 0xe0 {
                    0x20 => match k {
                        0xffff_f000 => Some(packet.protocol.into()),
                        0xffff_f004 => Some(packet.kind),
                        0xffff_f008 => Some(packet.interface),
                        place => load(place, size),
                    },
                    0x40 => load(x.wrapping_add(k), size),
                    0x60 => memory.get(k as usize).copied(),
                    0x80 => Some(packet.bytes.len() as u32),
                    _ => return None,
                };
                // Outside the packet the kernel drops it.
                let Some(loaded) = loaded else { return Some(0) };
                a = loaded;
            }
            1 => match code & 0xe0 {
                0x00 => x = k,
                0x60 => x = *memory.get(k as usize)?,
                0xa0 => match load(k, 1) {
                    Some(byte) => x = (byte & 15) * 4,
                    None => return Some(0),
                },
                _ => return None,
            },
            2 => *memory.get_mut(k as usize)? = a,
            4 => {
                let operand = if code & 8 == 0 { k } else { x };
                a = match code & 0xf0 {
                    0x00 => a.wrapping_add(operand),
                    0x10 => a.wrapping_sub(operand),
                    0x50 => a & operand,
                    0x60 => a << operand,
                    0x70 => a >> operand,
                    _ => return None,
                };
            }
            5 => {
                let operand = if code & 8 == 0 { k } else { x };
                let holds = match code & 0xf0 {
                    0x10 => a == operand,
                    0x30 => a >= operand,
                    0x40 => a & operand != 0,
                    _ => return None,
                };
                at += usize::from(if holds { jt } else { jf });
            }
            6 => return Some(k),
            _ => x = a,
        }
    }
}

fn packet(protocol: u16, transport: u8, segment: &[u8]) -> Packet {
    let mut bytes = match protocol {
        0x0800 => {
            let [high, low] = (20 + segment.len() as u16).to_be_bytes();
            let mut header = vec![0x45, 0, high, low, 0, 0, 0x40, 0, 64, transport, 0, 0];
            header.extend([192, 0, 2, 1, 192, 0, 2, 2]);
            header
        }
        _ => {
            let [high, low] = (segment.len() as u16).to_be_bytes();
            let mut header = vec![0x60, 0, 0, 0, high, low, transport, 64];
            header.resize(40, 1);
            header
        }
    };
    bytes.extend(segment);
    Packet { protocol, kind: 0, interface: 2, bytes }
}

fn tcp(protocol: u16, from: u16, to: u16, flags: u8, payload: &[u8]) -> Packet {
    let mut segment = [from, to].map(u16::to_be_bytes).concat();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x80, flags, 1, 0, 0, 0, 0, 0]);
    // Options, as of time stamps.
    segment.extend([1; 12]);
    segment.extend(payload);
    packet(protocol, 6, &segment)
}

fn udp(protocol: u16, payload: &[u8]) -> Packet {
    let mut segment = [CLIENT, SERVER, 8, 0].map(u16::to_be_bytes).concat();
    segment.extend(payload);
    packet(protocol, 17, &segment)
}

fn passes(tls: WantedTls, cleartext: &[u16], packet: &Packet) -> bool {
    let wanted = WantedPackets { tls, cleartext: cleartext.to_vec() };
    run(&classic::program(&wanted).unwrap(), packet).unwrap() > 0
}

#[track_caller]
fn check(tls: WantedTls, expected: bool, what: &str, packet: &Packet) {
    assert_eq!(
        passes(tls, &[80, 8080], packet),
        expected,
        "{tls:?}: {what} of {:#x}",
        packet.protocol
    );
}

#[test]
fn handshakes_pass_and_bulk_does_not() {
    let hello = [22, 3, 1, 6, 0, 1, 0];
    let (data, middle) = ([23, 3, 3, 64, 0, 9], [0xa5; 1400]);
    for protocol in ETHERTYPES {
        let of = |from, to, flags, payload: &[u8]| tcp(protocol, from, to, flags, payload);
        let cases: [(&str, bool, Packet); 12] = [
            ("SYN", true, of(CLIENT, SERVER, 0x02, &[])),
            ("FIN", true, of(SERVER, CLIENT, 0x11, &[])),
            ("RST", true, of(SERVER, CLIENT, 0x04, &[])),
            ("acknowledgment", false, of(CLIENT, SERVER, ACK, &[])),
            ("ClientHello", true, of(CLIENT, SERVER, ACK, &hello)),
            ("its second segment", true, of(CLIENT, SERVER, PSH, &middle)),
            ("its middle one", true, of(CLIENT, SERVER, ACK, &middle)),
            ("ServerHello", true, of(SERVER, CLIENT, ACK, &hello)),
            ("end of a write", true, of(SERVER, CLIENT, PSH, &middle)),
            ("middle of a body", false, of(SERVER, CLIENT, ACK, &middle)),
            ("answer", false, of(SERVER, CLIENT, PSH, &data)),
            ("request", false, of(CLIENT, SERVER, PSH, &data)),
        ];
        for (what, expected, packet) in &cases {
            check(WantedTls::Handshakes, *expected, what, packet);
            check(WantedTls::Everything, true, what, packet);
            check(WantedTls::Nothing, packet.bytes.len() < 80 && what.len() == 3, what, packet);
        }
    }
}

#[test]
fn cleartext_ports_pass_whole_in_both_directions() {
    for protocol in ETHERTYPES {
        for port in [80, 8080] {
            for (from, to) in [(CLIENT, port), (port, CLIENT)] {
                for tls in [WantedTls::Nothing, WantedTls::Handshakes, WantedTls::Everything] {
                    check(tls, true, "data", &tcp(protocol, from, to, ACK, &[0; 1400]));
                    check(tls, true, "acknowledgment", &tcp(protocol, from, to, ACK, &[]));
                }
            }
        }
        check(WantedTls::Nothing, false, "another port", &tcp(protocol, CLIENT, 81, PSH, b"GET"));
    }
}

#[test]
fn quic_passes_by_its_long_headers() {
    for protocol in ETHERTYPES {
        for (expected, payload) in [
            (true, [0xc3, 0, 0, 0, 1, 8]),
            (true, [0xd3, 0x6b, 0x33, 0x43, 0xcf, 8]),
            (true, [0x80, 0, 0, 0, 0, 8]),
            (false, [0x43, 0, 0, 0, 1, 8]),
            (false, [0xc3, 1, 0, 0, 1, 8]),
        ] {
            check(WantedTls::Handshakes, expected, "QUIC", &udp(protocol, &payload));
            check(WantedTls::Everything, expected, "QUIC", &udp(protocol, &payload));
            check(WantedTls::Nothing, false, "QUIC", &udp(protocol, &payload));
        }
    }
}

#[test]
fn what_is_unsure_passes() {
    let mut fragments = Vec::new();
    for place in [[0x20, 0], [0, 1], [0x1f, 0xff]] {
        let mut fragment = packet(0x0800, 17, &[0; 100]);
        fragment.bytes[6..8].copy_from_slice(&place);
        fragments.push(fragment);
    }
    let tag = Packet { protocol: 0x8100, ..packet(0x0800, 1, &[]) };
    let mut inner_tag = packet(0x0800, 6, &[0; 40]);
    inner_tag.bytes.splice(0..0, [0x20, 1, 8, 0]);
    let extensions = [0, 43, 44, 60].map(|next| packet(0x86dd, next, &[0; 100]));
    for packet in fragments.iter().chain([&tag, &inner_tag]).chain(&extensions) {
        check(WantedTls::Nothing, true, "unsure", packet);
        check(WantedTls::Handshakes, true, "unsure", packet);
    }
}

#[test]
fn what_is_not_ours_does_not() {
    let looped = Packet { kind: 4, interface: 1, ..tcp(0x0800, CLIENT, 80, 0x02, &[]) };
    check(WantedTls::Everything, false, "leaving on loopback", &looped);
    check(WantedTls::Everything, true, "leaving elsewhere", &Packet { interface: 2, ..looped });
    let arp = Packet { protocol: 0x0806, ..packet(0x0800, 6, &[0; 40]) };
    check(WantedTls::Everything, false, "ARP", &arp);
    check(WantedTls::Everything, false, "ICMP", &packet(0x0800, 1, &[0; 40]));
    check(WantedTls::Everything, false, "ICMPv6", &packet(0x86dd, 58, &[0; 40]));
    // Cut short anywhere in front of the payload.
    let whole = tcp(0x0800, CLIENT, SERVER, ACK, &[22, 3, 1, 0, 0]);
    for end in 0..52 {
        let cut = Packet { bytes: whole.bytes[..end].to_vec(), ..whole.clone() };
        check(WantedTls::Handshakes, false, "cut short", &cut);
    }
}

#[test]
fn a_length_that_the_field_cannot_say_is_the_packets() {
    for protocol in ETHERTYPES {
        let mut large =
            tcp(protocol, SERVER, CLIENT, ACK, &[[22, 3, 3].as_slice(), &[1; 70_000]].concat());
        let at = if protocol == 0x0800 { 2 } else { 4 };
        large.bytes[at..at + 2].fill(0);
        check(WantedTls::Handshakes, true, "large", &large);
    }
}

#[test]
fn the_kernel_takes_the_programs() {
    // Any socket does, and it takes no privilege.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for cleartext in [vec![], vec![80], (1..=MAX_PORTS as u16).collect()] {
        for tls in [WantedTls::Nothing, WantedTls::Handshakes, WantedTls::Everything] {
            let wanted = WantedPackets { tls, cleartext: cleartext.clone() };
            let program = classic::program(&wanted).unwrap();
            super::super::sys::filter(&socket, &program).unwrap();
        }
    }
    super::super::sys::filter(&socket, &super::Filter::closed()).unwrap();
}

#[test]
fn the_longest_program_can_be_written() {
    let cleartext: Vec<u16> = (1..=MAX_PORTS as u16).collect();
    for tls in [WantedTls::Nothing, WantedTls::Handshakes, WantedTls::Everything] {
        for port in [1, MAX_PORTS as u16] {
            assert!(passes(tls, &cleartext, &tcp(0x0800, CLIENT, port, PSH, b"GET")));
            assert!(passes(tls, &cleartext, &tcp(0x86dd, port, CLIENT, PSH, b"HTTP")));
        }
    }
}
