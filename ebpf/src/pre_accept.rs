//! ClientHellos that come before their sockets: at a listener that waits for data (TCP_DEFER_ACCEPT), and with
//! TCP Fast Open. They are kept by their ends until a socket has them.

use aya_ebpf::bindings::bpf_sock;
use aya_ebpf::macros::map;
use aya_ebpf::maps::LruHashMap;
use aya_ebpf::programs::SkBuffContext;
use wrongdoor_ebpf_common::{AF_INET, AF_INET6, Counter, Direction, Owner, Tuple};

use crate::counters::count;
use crate::lost;
use crate::segment::{
    OWING, Segment, Way, hand_over, is_hello, namespace, owed, put, random, remember,
};

/// ClientHellos whose sockets are still to come, by their ends.
const MAX_PRE_ACCEPT: u32 = 8_192;

#[map]
static PRE_ACCEPT: LruHashMap<Tuple, PreAccept> = LruHashMap::with_max_entries(MAX_PRE_ACCEPT, 0);

/// A ClientHello that came before its socket.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PreAccept {
    pub random: [u64; 4],
    pub way: Way,
    /// Not 0: a record of it was lost.
    pub is_lost: u32,
}

/// A first segment at a listener: kept by its ends until a socket has them. Two containers may use the same ends at
/// the same time: loopback is in each.
#[inline(always)]
pub fn keep(ctx: &SkBuffContext, listener: *mut bpf_sock, segment: &Segment) -> Option<()> {
    if !is_hello(ctx, segment.payload, segment.length) {
        return None;
    }
    let mut tuple = ends(ctx)?;
    tuple.namespace = namespace(listener);
    let mut early = PreAccept {
        random: random(ctx, segment)?,
        way: Way { base: segment.sequence, next_record: 0, state: OWING, is_lost: 0 },
        is_lost: 0,
    };
    let owed = owed(ctx, &mut early.way, 0, segment);
    let sent = hand_over(ctx, Direction::Received, &tuple, 0, segment, owed);
    early.is_lost = sent.is_none() as u32;
    if PRE_ACCEPT.insert(&tuple, &early, 0).is_err() {
        count(Counter::MapFull);
    }
    None
}

/// The ends of a packet that comes in, by its own head: a listener has none.
#[inline(always)]
fn ends(ctx: &SkBuffContext) -> Option<Tuple> {
    let mut tuple = Tuple::default();
    let first: u8 = ctx.load(0).ok()?;
    let ports = if first >> 4 == 4 {
        tuple.family = AF_INET;
        put(&mut tuple.remote, 0, ctx.load(12).ok()?);
        put(&mut tuple.local, 0, ctx.load(16).ok()?);
        (first & 15) as usize * 4
    } else {
        tuple.family = AF_INET6;
        let mut at = 0;
        while at < 16 {
            put(&mut tuple.remote, at, ctx.load(8 + at).ok()?);
            put(&mut tuple.local, at, ctx.load(24 + at).ok()?);
            at += 4;
        }
        40
    };
    tuple.remote_port = u16::from_be(ctx.load(ports).ok()?);
    tuple.local_port = u16::from_be(ctx.load(ports + 2).ok()?);
    Some(tuple)
}

/// What came for a socket before it was there.
#[inline(always)]
pub fn claim(tuple: &mut Tuple) -> Way {
    // The same ends without a socket; set back below, since the stack has no room for another.
    let cookie = tuple.cookie;
    tuple.cookie = 0;
    let early = PRE_ACCEPT.get_ptr(&*tuple);
    tuple.cookie = cookie;
    let Some(early) = early else { return Way { base: 0, next_record: 0, state: 0, is_lost: 0 } };
    // SAFETY: an entry of the map, which is removed below and nowhere else.
    let early = unsafe { &*early };
    remember(&early.random, Direction::Received as u32, tuple);
    let way = early.way;
    if early.is_lost != 0 {
        lost::note(&Owner::socket(cookie), false);
    }
    tuple.cookie = 0;
    let _ = PRE_ACCEPT.remove(&*tuple);
    tuple.cookie = cookie;
    way
}
