//! Whose connection an object is, where its library call never touches a socket: programs that hand the
//! library memory instead. The object holds the random of its ClientHello; the packets showed whose that is.

use aya_ebpf::helpers::bpf_probe_read_user;
use wrongdoor_ebpf_common::{Counter, Direction, Flags};

use crate::calls::Work;
use crate::handshake::{RandomKey, RandomOwner};
use crate::http2::read;
use crate::maps::{MAX_LIBRARIES, RANDOM_PLACES, RANDOMS, count};
use crate::objects::{Object, ObjectKey, state, tell};
use crate::slot::{Slot, WINDOW};
use wrongdoor_ebpf_common::Tuple;

/// How much of an object is looked through. OpenSSL 3 has the random within its first 512 bytes.
const MAX_OBJECT: usize = 2 * 1024;
/// How often a library's objects are looked through in vain before that is given up.
const MAX_TRIES: u32 = 64;
/// In [`RANDOM_PLACES`]: not a place, but the number of tries.
const TRIES: u32 = 1 << 31;

/// Settles whose object it is, and tells it.
#[inline(always)]
pub fn settle(slot: &mut Slot, object: &mut Object, key: &ObjectKey, work: &Work) {
    let place = RANDOM_PLACES.get_ptr_mut(work.library & (MAX_LIBRARIES - 1));
    let known = match place {
        // SAFETY: a word of the map; two writers would write the same.
        Some(place) => unsafe { *place },
        None => 0,
    };
    let role = object.flags & (Flags::CLIENT.0 | Flags::SERVER.0) as u32;
    let direction =
        if role == Flags::CLIENT.0 as u32 { Direction::Sent } else { Direction::Received };
    let mut found = None;
    if known != 0 && known & TRIES == 0 {
        let at = key.object.wrapping_add((known - 1) as u64);
        // SAFETY: a read that may fail.
        if let Ok(random) = unsafe { bpf_probe_read_user(at as *const [u64; 4]) } {
            found = owner(&random, direction as u32);
        }
    } else if object.tuple.cookie == 0 && known & !TRIES < MAX_TRIES {
        let mut at = 0;
        found = look_through(slot, key, direction as u32, &mut at);
        if let Some(place) = place {
            let value = if found.is_some() { at + 1 } else { ((known & !TRIES) + 1) | TRIES };
            // SAFETY: as above.
            unsafe { *place = value };
        }
    }
    match found {
        Some(owner) if object.tuple.cookie == 0 => object.tuple = owner.tuple,
        Some(owner) if object.tuple.cookie == owner.tuple.cookie => count(Counter::Confirmed),
        Some(_) => {
            count(Counter::Contradicted);
            object.tuple = Tuple::default();
        }
        None => {}
    }
    if object.tuple.cookie == 0 {
        count(Counter::Unresolved);
    }
    object.state = state::TOLD;
    tell(key, object, work.library);
}

/// Looks for a random that was seen on the wire, and where it stands.
#[inline(always)]
fn look_through(
    slot: &mut Slot,
    key: &ObjectKey,
    direction: u32,
    place: &mut u32,
) -> Option<RandomOwner> {
    let mut start = 0;
    while start < MAX_OBJECT {
        if !read(slot.window.as_mut_ptr(), key.object.wrapping_add(start as u64), WINDOW as u32) {
            return None;
        }
        let mut at = 0;
        // A random that lies across two windows is found in the next object, or in none: windows overlap.
        while at < WINDOW - 24 {
            // SAFETY: inside the window, and aligned like it.
            let prefix = unsafe { slot.window.as_ptr().add(at).cast::<u64>().read_unaligned() };
            if prefix != 0
                && let Some(found) = RANDOMS.get_ptr(RandomKey { prefix, direction, unused: 0 })
            {
                let address = key.object.wrapping_add((start + at) as u64);
                // SAFETY: a read that may fail, and an entry of the map.
                let random = unsafe { bpf_probe_read_user(address as *const [u64; 4]).ok()? };
                let found = unsafe { *found };
                if is_same(&random, &found.random) {
                    *place = (start + at) as u32;
                    return Some(found);
                }
            }
            at += 8;
        }
        start += WINDOW - 24;
    }
    None
}

#[inline(always)]
fn owner(random: &[u64; 4], direction: u32) -> Option<RandomOwner> {
    let found = RANDOMS.get_ptr(RandomKey { prefix: random[0], direction, unused: 0 })?;
    // SAFETY: an entry of the map.
    let found = unsafe { *found };
    is_same(random, &found.random).then_some(found)
}

#[inline(always)]
fn is_same(one: &[u64; 4], other: &[u64; 4]) -> bool {
    one[0] == other[0] && one[1] == other[1] && one[2] == other[2] && one[3] == other[3]
}
