//! Whose connection an object is, where its library call never touches a socket: programs that hand the
//! library memory instead. The object holds the random of its ClientHello; the packets showed whose that is.

use aya_ebpf::helpers::bpf_probe_read_user;
use aya_ebpf::macros::map;
use aya_ebpf::maps::Array;
use wrongdoor_ebpf_common::{Counter, Direction, Flags, MAX_FORWARDED, MAX_LIBRARIES, Tuple};

use crate::calls::Work;
use crate::counters::count;
use crate::objects::{Object, ObjectKey, state, tell};
use crate::segment::{RANDOMS, RandomKey, RandomOwner};
use crate::slot::Slot;
use crate::user_memory::read;

/// By library: where in its objects the ClientHello's random was found, plus one; 0: not found yet.
#[map]
static RANDOM_PLACES: Array<u32> = Array::with_max_entries(MAX_LIBRARIES as u32, 0);

/// How much of an object is looked through. OpenSSL 3 has the random within its first 512 bytes.
const MAX_OBJECT: usize = 2 * 1024;
/// How often a library's objects are looked through in vain before that is given up.
const MAX_TRIES: u32 = 64;
/// In [`RANDOM_PLACES`]: not a place, but the number of tries.
const TRIES: u32 = 1 << 31;

/// Settles whose object it is, and tells it.
#[inline(always)]
pub fn settle(slot: &mut Slot, object: &mut Object, key: &ObjectKey, work: &Work) {
    let place = RANDOM_PLACES.get_ptr_mut(work.library & (MAX_LIBRARIES as u32 - 1));
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
    // If the ring is full, the record is sent with the next bytes.
    object.state = if tell(key, object) { state::TOLD } else { state::SILENT };
}

/// Looks for a random that was seen on the wire, and where it stands.
#[inline(always)]
fn look_through(
    slot: &mut Slot,
    key: &ObjectKey,
    direction: u32,
    place: &mut u32,
) -> Option<RandomOwner> {
    // Behind what records use.
    // SAFETY: `bytes` is twice as long as records' part of it.
    let copy = unsafe { slot.bytes.as_mut_ptr().add(MAX_FORWARDED) };
    if !read(copy, key.object, MAX_OBJECT as u32) {
        return None;
    }
    let mut at = 0;
    while at < MAX_OBJECT - 24 {
        // SAFETY: inside the copy, and aligned like it.
        let prefix = unsafe { copy.add(at).cast::<u64>().read_volatile() };
        at += 8;
        if prefix == 0 {
            continue;
        }
        if let Some(found) = RANDOMS.get_ptr(RandomKey { prefix, direction, unused: 0 }) {
            // One that begins alike and is another's is not looked behind: they are random.
            *place = (at - 8) as u32;
            // SAFETY: inside the copy; and an entry of the map.
            let (random, found) =
                unsafe { (copy.add(at - 8).cast::<[u64; 4]>().read_unaligned(), *found) };
            return is_same(&random, &found.random).then_some(found);
        }
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
