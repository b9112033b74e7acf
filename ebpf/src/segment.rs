//! The handshake bytes of a TCP segment: how many of them a direction still owes, and their way to the agent.

use aya_ebpf::bindings::bpf_sock;
use aya_ebpf::helpers::generated::{bpf_skb_load_bytes, bpf_skc_to_tcp_sock};
use aya_ebpf::macros::map;
use aya_ebpf::maps::LruHashMap;
use aya_ebpf::programs::SkBuffContext;
use wrongdoor_ebpf_common::packet::TCP;
use wrongdoor_ebpf_common::{Counter, Direction, Handshake, Head, Kind, MAX_FORWARDED, Tuple};

use crate::counters::count;
use crate::settings::settings;
use crate::{kernel_socket, ring, slot};

/// The most bytes of a segment in one record.
const CHUNK: u32 = MAX_FORWARDED as u32;
/// Records of one segment: a whole ClientHello, or a chain of certificates. More is not handed over.
const MAX_CHUNKS: u32 = 5;
/// TLS records that are walked in one segment.
const MAX_RECORDS: u32 = 6;

const TLS_ALERT: u8 = 21;
const TLS_HANDSHAKE: u8 = 22;
const TLS_DATA: u8 = 23;
/// A record with an alert that is not encrypted: its head, its level and its number.
const ALERT_LENGTH: u32 = 7;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// Record head, handshake head and version in front of the random (RFC 8446 §4.1.2, §5.1).
const RANDOM_AT: u32 = 11;
/// ClientHellos that a TLS object may be looked for with.
const MAX_RANDOMS: u32 = 32_768;

#[map]
pub static RANDOMS: LruHashMap<RandomKey, RandomOwner> =
    LruHashMap::with_max_entries(MAX_RANDOMS, 0);

/// One direction of a socket in its handshake.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Way {
    /// The sequence number of the stream's first byte.
    pub base: u32,
    /// Where the next record's head is expected, counted from `base`; only while `is_lost` is 0.
    pub next_record: u32,
    /// 0: nothing yet; else [`OWING`] or [`DONE`].
    pub state: u32,
    /// Not 0: the records are no longer walked; everything is handed over within bounds.
    pub is_lost: u32,
}

/// What a ClientHello is found by.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RandomKey {
    /// The first bytes of its random.
    pub prefix: u64,
    /// A `Direction`.
    pub direction: u32,
    pub unused: u32,
}

/// Whose ClientHello it is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RandomOwner {
    pub random: [u64; 4],
    pub tuple: Tuple,
}

/// [`Way::state`] of a direction that owes handshake bytes.
pub const OWING: u32 = 1;
/// [`Way::state`] of one that owes none.
pub const DONE: u32 = 2;

/// Where the payload of a segment is, and its place in the stream.
pub struct Segment {
    pub payload: u32,
    pub length: u32,
    pub sequence: u32,
}

/// The inode of a socket's network namespace; 0 where that is not known.
#[inline(always)]
pub fn namespace(socket: *mut bpf_sock) -> u32 {
    let Some(settings) = settings() else { return 0 };
    // SAFETY: the caller's socket was checked.
    let socket = unsafe { bpf_skc_to_tcp_sock(socket.cast()) };
    if socket.is_null() { 0 } else { kernel_socket::namespace(socket.cast(), settings) }
}

#[inline(always)]
pub fn put(to: &mut [u8; 16], at: usize, word: u32) {
    let bytes = word.to_ne_bytes();
    to[at] = bytes[0];
    to[at + 1] = bytes[1];
    to[at + 2] = bytes[2];
    to[at + 3] = bytes[3];
}

/// The TCP payload of a packet that begins with its network header.
#[inline(always)]
pub fn segment(ctx: &SkBuffContext) -> Option<Segment> {
    let first: u8 = ctx.load(0).ok()?;
    let (head, total) = match first >> 4 {
        4 => {
            let protocol: u8 = ctx.load(9).ok()?;
            if protocol != TCP {
                return None;
            }
            ((first & 15) as u32 * 4, ctx.len())
        }
        6 => {
            let next: u8 = ctx.load(6).ok()?;
            if next != TCP {
                return None;
            }
            (40, ctx.len())
        }
        _ => return None,
    };
    let sequence: u32 = ctx.load(head as usize + 4).ok()?;
    let offset: u8 = ctx.load(head as usize + 12).ok()?;
    let payload = head + (offset >> 4) as u32 * 4;
    if total <= payload {
        return None;
    }
    Some(Segment { payload, length: total - payload, sequence: u32::from_be(sequence) })
}

/// Whether the payload begins with a record of a ClientHello or ServerHello.
#[inline(always)]
pub fn is_hello(ctx: &SkBuffContext, payload: u32, length: u32) -> bool {
    if length < 6 {
        return false;
    }
    let Ok(record) = ctx.load::<[u8; 6]>(payload as usize) else { return false };
    record[0] == TLS_HANDSHAKE
        && record[1] == 3
        && record[2] <= 4
        && (record[5] == CLIENT_HELLO || record[5] == SERVER_HELLO)
}

/// Whether the payload begins with an alert that is not encrypted: how an end refuses the other's hello.
#[inline(always)]
pub fn is_refusal(ctx: &SkBuffContext, payload: u32, length: u32) -> bool {
    if length < ALERT_LENGTH {
        return false;
    }
    let Ok(record) = ctx.load::<[u8; 5]>(payload as usize) else { return false };
    is_clear_alert(&record)
}

/// Encrypted, it is longer.
#[inline(always)]
fn is_clear_alert(record: &[u8; 5]) -> bool {
    record[0] == TLS_ALERT && record[1] == 3 && record[3] == 0 && record[4] == 2
}

/// A ClientHello's random: the one thing that a TLS object and its packets have in common.
#[inline(always)]
pub fn random(ctx: &SkBuffContext, segment: &Segment) -> Option<[u64; 4]> {
    if segment.length < RANDOM_AT + 32 {
        return None;
    }
    let kind = ctx.load::<u8>(segment.payload as usize + 5).ok()?;
    if kind != CLIENT_HELLO {
        return None;
    }
    ctx.load((segment.payload + RANDOM_AT) as usize).ok()
}

/// Where TLS is only passed through on this machine, one ClientHello goes over several sockets: the client's is the
/// first that it was sent on, the server's the last that it was received on.
#[inline(always)]
pub fn remember(random: &[u64; 4], direction: u32, tuple: &Tuple) {
    const BPF_NOEXIST: u64 = 1;
    const EEXIST: i64 = 17;
    let key = RandomKey { prefix: random[0], direction, unused: 0 };
    let flags = if direction == Direction::Sent as u32 { BPF_NOEXIST } else { 0 };
    let inserted = RANDOMS.insert(&key, &RandomOwner { random: *random, tuple: *tuple }, flags);
    if inserted.is_err_and(|error| i64::from(error) != -EEXIST) {
        count(Counter::MapFull);
    }
}

/// How much of the segment is handshake: walks its TLS records, and ends the direction at the first that
/// carries data.
#[inline(always)]
pub fn owed(ctx: &SkBuffContext, way: &mut Way, offset: u32, segment: &Segment) -> u32 {
    let end = offset.wrapping_add(segment.length);
    if way.is_lost != 0 || offset > way.next_record {
        // Out of order: what is missing may come. It is handed over, and the cursor is over.
        way.is_lost = 1;
        return segment.length;
    }
    let mut step = 0;
    while step < MAX_RECORDS {
        step += 1;
        if way.next_record >= end {
            return segment.length;
        }
        if end - way.next_record < 5 {
            break;
        }
        let inside = way.next_record.wrapping_sub(offset);
        let Ok(record) = ctx.load::<[u8; 5]>((segment.payload + inside) as usize) else { break };
        // In the clear, an alert says why there is no more, or warns and the handshake goes on.
        let is_sealed = record[0] == TLS_DATA || record[0] == TLS_ALERT || record[1] != 3;
        if is_sealed && !is_clear_alert(&record) {
            way.state = DONE;
            return inside;
        }
        way.next_record += 5 + ((record[3] as u32) << 8 | record[4] as u32);
    }
    way.is_lost = 1;
    segment.length
}

/// Sends the segment. `None` where a record of it found the ring full.
#[inline(always)]
pub fn hand_over(
    ctx: &SkBuffContext,
    direction: Direction,
    tuple: &Tuple,
    offset: u32,
    segment: &Segment,
    owed: u32,
) -> Option<()> {
    if owed == 0 {
        return Some(());
    }
    let (_, slot) = slot::claim()?;
    // Counted in memory: a variable would double the verifier's paths with each record.
    slot.unsent = 0;
    let mut done = 0;
    let mut step = 0;
    while step < MAX_CHUNKS && done < owed {
        step += 1;
        let mut take = owed - done;
        if take > CHUNK {
            take = CHUNK;
        }
        const START: usize = slot::RECORD_BYTES - size_of::<Handshake>();
        // SAFETY: `record` ends where `bytes` begin; `take` is bounded by the room behind. The record is
        // written where it is sent from: the stack has no room for another.
        unsafe {
            let start = slot.record.as_mut_ptr().cast::<u8>().add(START);
            let record = start.cast::<Handshake>();
            (*record).head = Head {
                kind: Kind::Handshake as u8,
                direction: direction as u8,
                flags: 0,
                detail: 0,
                count: take,
                at: ring::now(),
            };
            (*record).tuple = *tuple;
            (*record).offset = offset + done;
            (*record).unused = 0;
            let to = slot.bytes.as_mut_ptr();
            // From 1 to CHUNK, in a form that the verifier follows.
            let bounded = (take.wrapping_sub(1) & (CHUNK - 1)) + 1;
            let skb = ctx.skb.skb.cast();
            if bpf_skb_load_bytes(skb, segment.payload + done, to.cast(), bounded) != 0 {
                break;
            }
            let length = size_of::<Handshake>() as u32 + bounded;
            slot.unsent += !ring::send_bytes(start, length as u64) as u32;
        }
        count(Counter::Segments);
        done += take;
    }
    let is_sent = slot.unsent == 0;
    slot.release();
    is_sent.then_some(())
}
