//! The filter without a memory, in classic BPF: it is needed where eBPF may not be loaded, and does where there are
//! no handshakes to follow.
//!
//! Of TLS it passes segments that begin with a record of a handshake, and what may be the rest of one: from a client,
//! which is the higher port, whatever does not begin with application data; from a server only what ends a write
//! (PSH). The middle segments of a long chain of certificates it takes for content.

use super::assembler::{
    ABOUT_INTERFACE, ABOUT_KIND, ABOUT_PROTOCOL, Change, Compare, FilterAssembler, Instruction,
    JumpLabel, LoadFrom, TooFar,
};
use super::{WantedPackets, WantedTls};
use wrongdoor_ebpf_common::packet::{
    self, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPES_IN_FRONT, IPV6_EXTENSIONS, LOOPBACK, OUTGOING,
    QUIC_VERSIONS, TCP, UDP,
};

pub(super) const DROP: Instruction = Instruction::verdict(packet::DROP);
pub(super) const PASS: Instruction = Instruction::verdict(packet::PASS);

const FIN_SYN_RST: u32 = 0x07;
const PSH: u32 = 0x08;

/// Cells of the scratch memory: where the packet ends, and where the TCP payload begins.
const END: u32 = 0;
const PAYLOAD: u32 = 1;
const SOURCE_PORT: u32 = 2;
const DESTINATION_PORT: u32 = 3;
const FLAGS: u32 = 4;

/// The program for packets that begin with their network header.
pub(super) fn program(wanted: &WantedPackets) -> Result<Vec<Instruction>, TooFar> {
    let mut code = FilterAssembler::default();
    let (tcp, udp) = (code.label(), code.label());
    // The kernel wants to see that what is read was written, and follows paths over their ends.
    code.load(LoadFrom::Length);
    code.store(END);
    not_twice_on_loopback(&mut code);
    network(&mut code, tcp, udp);
    code.place(tcp);
    of_tcp(&mut code, wanted);
    code.place(udp);
    of_udp(&mut code, wanted);
    code.finish()
}

/// What leaves on the loopback interface comes in there at once.
fn not_twice_on_loopback(code: &mut FilterAssembler) {
    let go_on = code.label();
    code.load(LoadFrom::About(ABOUT_KIND));
    code.unless(Compare::Equal(OUTGOING), go_on);
    code.load(LoadFrom::About(ABOUT_INTERFACE));
    code.unless(Compare::Equal(LOOPBACK), go_on);
    code.end(DROP);
    code.place(go_on);
}

/// To `tcp` or `udp`, with X at the transport's header.
fn network(code: &mut FilterAssembler, tcp: JumpLabel, udp: JumpLabel) {
    let (ipv4, ipv6, unsure) = (code.label(), code.label(), code.label());
    code.load(LoadFrom::About(ABOUT_PROTOCOL));
    code.if_so(Compare::Equal(ETHERTYPE_IPV4.into()), ipv4);
    code.if_so(Compare::Equal(ETHERTYPE_IPV6.into()), ipv6);
    for kind in ETHERTYPES_IN_FRONT {
        code.if_so(Compare::Equal(kind.into()), unsure);
    }
    code.end(DROP);
    code.place(unsure);
    code.end(PASS);

    let (sized, unsure) = (code.label(), code.label());
    code.place(ipv4);
    version(code, 4, unsure);
    // More fragments, or not the first.
    code.load(LoadFrom::Half(6));
    code.if_so(Compare::AnyBit(0x3fff), unsure);
    code.load_x_header_length();
    code.load(LoadFrom::Half(2));
    // 0: larger than the field can say.
    code.unless(Compare::Equal(0), sized);
    code.load(LoadFrom::Length);
    code.place(sized);
    code.store(END);
    code.load(LoadFrom::Byte(9));
    code.if_so(Compare::Equal(TCP.into()), tcp);
    code.if_so(Compare::Equal(UDP.into()), udp);
    code.end(DROP);
    code.place(unsure);
    code.end(PASS);

    let (sized, unsure) = (code.label(), code.label());
    code.place(ipv6);
    version(code, 6, unsure);
    code.load_x(40);
    code.load(LoadFrom::Half(4));
    code.change(Change::AddX);
    code.unless(Compare::Equal(40), sized);
    code.load(LoadFrom::Length);
    code.place(sized);
    code.store(END);
    code.load(LoadFrom::Byte(6));
    code.if_so(Compare::Equal(TCP.into()), tcp);
    code.if_so(Compare::Equal(UDP.into()), udp);
    for extension in IPV6_EXTENSIONS {
        code.if_so(Compare::Equal(extension.into()), unsure);
    }
    code.end(DROP);
    code.place(unsure);
    code.end(PASS);
}

/// What calls itself IP and begins with something else has a tag in front.
fn version(code: &mut FilterAssembler, version: u32, unsure: JumpLabel) {
    code.load(LoadFrom::Byte(0));
    code.change(Change::ShiftRight(4));
    code.unless(Compare::Equal(version), unsure);
}

fn of_tcp(code: &mut FilterAssembler, wanted: &WantedPackets) {
    let pass = code.label();
    code.load(LoadFrom::ByteAtX(13));
    code.store(FLAGS);
    code.if_so(Compare::AnyBit(FIN_SYN_RST), pass);
    for (at, cell) in [(0, SOURCE_PORT), (2, DESTINATION_PORT)] {
        code.load(LoadFrom::HalfAtX(at));
        code.store(cell);
        for port in &wanted.cleartext {
            code.if_so(Compare::Equal((*port).into()), pass);
        }
    }
    match wanted.tls {
        WantedTls::Nothing => code.end(DROP),
        WantedTls::Everything => {}
        WantedTls::Handshakes => handshake(code),
    }
    code.place(pass);
    code.end(PASS);
}

/// A segment of neither a cleartext port nor a beginning or an end.
fn handshake(code: &mut FilterAssembler) {
    let (pass, drop, rest) = (code.label(), code.label(), code.label());
    code.load(LoadFrom::ByteAtX(12));
    code.change(Change::ShiftRight(4));
    code.change(Change::ShiftLeft(2));
    code.change(Change::AddX);
    code.store(PAYLOAD);
    code.load_x_memory(END);
    // Nothing but an acknowledgment.
    code.if_so(Compare::GreaterOrEqualX, drop);
    code.load_x_memory(PAYLOAD);
    code.load(LoadFrom::ByteAtX(0));
    // Change of cipher, alert, handshake, application data: 20 to 23.
    code.change(Change::And(0xfc));
    code.unless(Compare::Equal(20), rest);
    code.load(LoadFrom::ByteAtX(1));
    code.unless(Compare::Equal(3), rest);
    code.load(LoadFrom::ByteAtX(0));
    code.if_so(Compare::Equal(23), drop);
    code.end(PASS);
    code.place(rest);
    code.load(LoadFrom::Memory(FLAGS));
    code.if_so(Compare::AnyBit(PSH), pass);
    code.load(LoadFrom::Memory(SOURCE_PORT));
    code.load_x_memory(DESTINATION_PORT);
    code.if_so(Compare::GreaterOrEqualX, pass);
    code.place(drop);
    code.end(DROP);
    code.place(pass);
    code.end(PASS);
}

/// QUIC's long headers are its handshake (RFC 9000 §17.2).
fn of_udp(code: &mut FilterAssembler, wanted: &WantedPackets) {
    let (pass, drop) = (code.label(), code.label());
    if wanted.tls != WantedTls::Nothing {
        code.load(LoadFrom::ByteAtX(8));
        code.unless(Compare::AnyBit(0x80), drop);
        code.load(LoadFrom::WordAtX(9));
        for version in QUIC_VERSIONS {
            code.if_so(Compare::Equal(version), pass);
        }
    }
    code.place(drop);
    code.end(DROP);
    code.place(pass);
    code.end(PASS);
}
