//! The filter of packet sockets: what a packet is passed for, with the flows' handshakes in mind.
//!
//! A packet begins with its network header. A flow is one direction; it is kept until its handshake is over, so
//! that what lies between the first and the last segment passes whole, and all that comes after is dropped.
#![no_std]
#![no_main]

use aya_ebpf::macros::{map, socket_filter};
use aya_ebpf::maps::{Array, LruHashMap};
use aya_ebpf::programs::SkBuffContext;
use wrongdoor_ebpf_common::MAX_HANDSHAKE;
use wrongdoor_ebpf_common::packet::{
    DROP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPES_IN_FRONT, IPV6_EXTENSIONS, LOOPBACK, OUTGOING,
    PASS, QUIC_VERSIONS, TCP, UDP, ports,
};

/// Directions in their handshake. The least recently used goes first: of it no more passes.
const MAX_FLOWS: u32 = 65_536;
/// In front of a handshake there may be so much: a PROXY protocol header.
const MAX_IN_FRONT: u32 = 4 * 1024;

const FIN_OR_RST: u8 = 0x05;
const SYN: u8 = 0x02;

/// The cleartext ports, as bits.
#[map]
static PORTS: Array<u64> = Array::with_max_entries(ports::WORDS, 0);
#[map]
static HANDSHAKES: LruHashMap<Flow, Progress> = LruHashMap::with_max_entries(MAX_FLOWS, 0);

/// One direction of a connection.
#[repr(C)]
#[derive(Clone, Copy)]
struct Flow {
    source: [u8; 16],
    destination: [u8; 16],
    /// Source and destination, as in the header.
    ports: [u8; 4],
}

/// How much of it passed.
#[repr(C)]
#[derive(Clone, Copy)]
struct Progress {
    bytes: u32,
    limit: u32,
}

/// The kernel asks for each packet.
#[socket_filter]
pub fn packets(ctx: SkBuffContext) -> i64 {
    // What is cut short in front of its payload says nothing.
    let passes = decide(&ctx).unwrap_or(false);
    (if passes { PASS } else { DROP }).into()
}

#[inline(always)]
fn decide(ctx: &SkBuffContext) -> Option<bool> {
    // SAFETY: the fields are the kernel's to give; the verifier knows them.
    let (protocol, kind, interface) =
        unsafe { ((*ctx.skb.skb).protocol, (*ctx.skb.skb).pkt_type, (*ctx.skb.skb).ifindex) };
    // It comes in on the same interface at once.
    if kind == OUTGOING && interface == LOOPBACK {
        return Some(false);
    }
    let protocol = u16::from_be(protocol as u16);
    let mut flow = Flow { source: [0; 16], destination: [0; 16], ports: [0; 4] };
    let (transport, at, end) = match protocol {
        ETHERTYPE_IPV4 => {
            let header: [u8; 20] = ctx.load(0).ok()?;
            let is_fragment = header[6] & 0x3f != 0 || header[7] != 0;
            if header[0] >> 4 != 4 || is_fragment {
                return Some(true);
            }
            copy4(&mut flow.source, &header, 12);
            copy4(&mut flow.destination, &header, 16);
            let total = u32::from(u16::from_be_bytes([header[2], header[3]]));
            (header[9], u32::from(header[0] & 15) * 4, if total == 0 { ctx.len() } else { total })
        }
        ETHERTYPE_IPV6 => {
            let header: [u8; 8] = ctx.load(0).ok()?;
            if header[0] >> 4 != 6 {
                return Some(true);
            }
            flow.source = ctx.load(8).ok()?;
            flow.destination = ctx.load(24).ok()?;
            let payload = u32::from(u16::from_be_bytes([header[4], header[5]]));
            (header[6], 40, if payload == 0 { ctx.len() } else { payload + 40 })
        }
        protocol => return Some(ETHERTYPES_IN_FRONT.contains(&protocol)),
    };
    match transport {
        TCP => tcp(ctx, at, end, &mut flow),
        UDP => udp(ctx, at),
        _ => Some(protocol == ETHERTYPE_IPV6 && IPV6_EXTENSIONS.contains(&transport)),
    }
}

#[inline(always)]
fn tcp(ctx: &SkBuffContext, at: u32, end: u32, flow: &mut Flow) -> Option<bool> {
    let header: [u8; 14] = ctx.load(at as usize).ok()?;
    flow.ports = [header[0], header[1], header[2], header[3]];
    let (source, destination) =
        (u16::from_be_bytes([header[0], header[1]]), u16::from_be_bytes([header[2], header[3]]));
    if is_cleartext(source) || is_cleartext(destination) {
        return Some(true);
    }
    let flags = header[13];
    if flags & FIN_OR_RST != 0 {
        let _absent = HANDSHAKES.remove(&*flow);
        return Some(true);
    }
    if flags & SYN != 0 {
        let new = Progress { bytes: 0, limit: MAX_IN_FRONT };
        let _full = HANDSHAKES.insert(&*flow, &new, 0);
        return Some(true);
    }
    let payload = at + u32::from(header[12] >> 4) * 4;
    if end <= payload {
        return Some(false);
    }
    Some(segment(ctx, payload, end - payload, flow))
}

/// A segment with data.
#[inline(always)]
fn segment(ctx: &SkBuffContext, payload: u32, length: u32, flow: &Flow) -> bool {
    // What is shorter begins nothing.
    let first: [u8; 6] = ctx.load(payload as usize).unwrap_or([0; 6]);
    let is_record = first[1] == 3 && first[2] <= 4;
    let begins = is_record && first[0] == 22;
    // SAFETY: each processor has a copy of its own to count in; a count that is lost lets a little more pass.
    let Some(progress) = HANDSHAKES.get_ptr_mut(flow).map(|progress| unsafe { &mut *progress })
    else {
        if begins {
            let new = Progress { bytes: length, limit: MAX_HANDSHAKE };
            let _full = HANDSHAKES.insert(flow, &new, 0);
        }
        return begins;
    };
    if is_record && first[0] == 23 {
        let _absent = HANDSHAKES.remove(flow);
        return true;
    }
    if begins {
        progress.limit = MAX_HANDSHAKE;
    }
    let bytes = progress.bytes.saturating_add(length);
    if progress.bytes > progress.limit {
        let _absent = HANDSHAKES.remove(flow);
        return false;
    }
    progress.bytes = bytes;
    true
}

/// QUIC's long headers are its handshake (RFC 9000 §17.2): versions 1 and 2, and the negotiation of one.
#[inline(always)]
fn udp(ctx: &SkBuffContext, at: u32) -> Option<bool> {
    let first: [u8; 5] = ctx.load(at as usize + 8).ok()?;
    let version = u32::from_be_bytes([first[1], first[2], first[3], first[4]]);
    Some(first[0] & 0x80 != 0 && QUIC_VERSIONS.contains(&version))
}

#[inline(always)]
fn is_cleartext(port: u16) -> bool {
    let (word, bit) = ports::place(port);
    PORTS.get(word).is_some_and(|bits| bits & bit != 0)
}

#[inline(always)]
fn copy4(to: &mut [u8; 16], from: &[u8; 20], at: usize) {
    to[0] = from[at];
    to[1] = from[at + 1];
    to[2] = from[at + 2];
    to[3] = from[at + 3];
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Nothing panics here: the verifier would refuse it.
    loop {}
}

/// As the probes'.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
