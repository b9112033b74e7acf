//! TLS handshakes in packets, at the sockets of this machine.
//!
//! Only one question is answered here: does this flow still owe handshake bytes? What they mean is the
//! engine's to say.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::bpf_sock;
use aya_ebpf::helpers::generated::{bpf_get_socket_cookie, bpf_sk_fullsock, bpf_tcp_sock};
use aya_ebpf::macros::map;
use aya_ebpf::maps::LruHashMap;
use aya_ebpf::programs::SkBuffContext;
use wrongdoor_ebpf_common::packet::TCP;
use wrongdoor_ebpf_common::{AF_INET, AF_INET6, Counter, Direction, MAX_HANDSHAKE, Owner, Tuple};

use crate::counters::count;
use crate::segment::{
    DONE, OWING, Segment, Way, hand_over, is_hello, is_refusal, namespace, owed, put, random,
    remember, segment,
};
use crate::{lost, pre_accept};

/// Sockets in their handshake or lately so.
const MAX_FLOWS: u32 = 65_536;

#[map]
pub static FLOWS: LruHashMap<u64, Flow> = LruHashMap::with_max_entries(MAX_FLOWS, 0);

const LISTEN: u32 = 10;

/// A socket in its handshake.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Flow {
    /// Received, then sent.
    pub ways: [Way; 2],
    /// The inode of its network namespace; 0: unknown.
    pub namespace: u32,
}

/// A packet at a socket of this machine.
#[inline(always)]
pub fn packet(ctx: &SkBuffContext, direction: Direction) -> Option<()> {
    let skb = ctx.skb.skb;
    // SAFETY: the verifier knows each of these pointers' types, and that they were checked.
    unsafe {
        let common = (*skb).__bindgen_anon_2.sk;
        if common.is_null() {
            return None;
        }
        let socket = bpf_sk_fullsock(common);
        if socket.is_null() {
            return None;
        }
        if (*socket).protocol != TCP as u32 {
            return None;
        }
        let tcp = bpf_tcp_sock(common);
        if tcp.is_null() {
            return None;
        }
        // Far behind a stream's first byte no handshake is expected, and none in the other direction either: the
        // two take turns. So what only acknowledges a long body is left alone as soon as the body itself.
        let (received, acknowledged) = ((*tcp).bytes_received, (*tcp).bytes_acked);
        if received > MAX_HANDSHAKE as u64 || acknowledged > MAX_HANDSHAKE as u64 {
            return None;
        }
        // The stream's first byte, by what was moved so far.
        let base = match direction {
            Direction::Received => (*tcp).rcv_nxt.wrapping_sub(received as u32),
            Direction::Sent => (*tcp).snd_una.wrapping_sub(acknowledged as u32),
        };
        // A listener that waits for data (TCP_DEFER_ACCEPT), and TCP Fast Open: the first segment comes before
        // the socket that it is for.
        let is_listener = (*socket).state == LISTEN;
        let segment = segment(ctx)?;
        if is_listener {
            return pre_accept::keep(ctx, common, &segment);
        }
        let cookie = bpf_get_socket_cookie(ctx.as_ptr());
        let mut tuple = Tuple { cookie, ..Tuple::default() };
        tuple.local_port = (*socket).src_port as u16;
        tuple.remote_port = u16::from_be((*socket).dst_port);
        if (*socket).family == AF_INET as u32 {
            tuple.family = AF_INET;
            put(&mut tuple.local, 0, word(&raw const (*socket).src_ip4));
            put(&mut tuple.remote, 0, word(&raw const (*socket).dst_ip4));
        } else {
            tuple.family = AF_INET6;
            put(&mut tuple.local, 0, word(&raw const (*socket).src_ip6[0]));
            put(&mut tuple.local, 4, word(&raw const (*socket).src_ip6[1]));
            put(&mut tuple.local, 8, word(&raw const (*socket).src_ip6[2]));
            put(&mut tuple.local, 12, word(&raw const (*socket).src_ip6[3]));
            put(&mut tuple.remote, 0, word(&raw const (*socket).dst_ip6[0]));
            put(&mut tuple.remote, 4, word(&raw const (*socket).dst_ip6[1]));
            put(&mut tuple.remote, 8, word(&raw const (*socket).dst_ip6[2]));
            put(&mut tuple.remote, 12, word(&raw const (*socket).dst_ip6[3]));
        }
        follow(ctx, common, direction, &mut tuple, base, &segment)
    }
}

/// A field of a socket: the verifier refuses to read one in parts.
#[inline(always)]
unsafe fn word(at: *const u32) -> u32 {
    // SAFETY: the caller's pointer is into a socket that was checked.
    unsafe { at.read_volatile() }
}

#[inline(always)]
fn follow(
    ctx: &SkBuffContext,
    socket: *mut bpf_sock,
    direction: Direction,
    tuple: &mut Tuple,
    base: u32,
    segment: &Segment,
) -> Option<()> {
    let index = direction as usize & 1;
    let flow = match FLOWS.get_ptr_mut(tuple.cookie) {
        Some(flow) => flow,
        None => {
            tuple.namespace = namespace(socket);
            let received = pre_accept::claim(tuple);
            let is_begun = received.state == OWING;
            if !is_begun
                && (!is_first(base, segment.sequence)
                    || !is_hello(ctx, segment.payload, segment.length))
            {
                return None;
            }
            let none = Way { base: 0, next_record: 0, state: 0, is_lost: 0 };
            // By reference: a copy more of each, and the stack is larger than older kernels allow.
            let new = Flow { ways: [received, none], namespace: tuple.namespace };
            if FLOWS.insert(&tuple.cookie, &new, 0).is_err() {
                count(Counter::MapFull);
                return None;
            }
            FLOWS.get_ptr_mut(tuple.cookie)?
        }
    };
    // SAFETY: a socket's packets of one direction are handled one after the other.
    let way = unsafe {
        tuple.namespace = (*flow).namespace;
        &mut (*flow).ways[index]
    };
    if way.state == DONE {
        return None;
    }
    if way.state != OWING {
        if !is_first(base, segment.sequence) {
            return None;
        }
        // Only behind the other end's hello: without one, the flow was not followed this far.
        let says_hello = is_hello(ctx, segment.payload, segment.length);
        if !says_hello && !is_refusal(ctx, segment.payload, segment.length) {
            way.state = DONE;
            return None;
        }
        way.state = OWING;
        way.base = segment.sequence;
        if says_hello && let Some(random) = random(ctx, segment) {
            remember(&random, direction as u32, tuple);
        }
    }
    let offset = segment.sequence.wrapping_sub(way.base);
    if offset > MAX_HANDSHAKE {
        return None;
    }
    let owed = owed(ctx, way, offset, segment);
    if hand_over(ctx, direction, tuple, offset, segment, owed).is_none() {
        lost::note(&Owner::socket(tuple.cookie), false);
    }
    None
}

/// Whether the segment is the stream's first. What was acknowledged counts the client's SYN too.
#[inline(always)]
fn is_first(base: u32, sequence: u32) -> bool {
    sequence.wrapping_sub(base) <= 1
}
