//! Connections with records that found the ring full. The agent reads them here, since nothing that comes through the
//! ring may show the loss: it can be the end of a connection, or all of it.

use aya_ebpf::macros::map;
use aya_ebpf::maps::HashMap;
use wrongdoor_ebpf_common::{Counter, Lost, Owner};

use crate::counters::count;
use crate::ring;

/// Owners that the agent has not read yet.
const MAX_OWNERS: u32 = 16_384;

#[map]
static LOST: HashMap<Owner, Lost> = HashMap::with_max_entries(MAX_OWNERS, 0);

/// A record of this owner found the ring full.
#[inline(always)]
pub fn note(owner: &Owner, is_unnamed: bool) {
    if let Some(lost) = LOST.get_ptr_mut(owner) {
        // SAFETY: an entry of the map. Of two programs that count at once one may not be counted; it is lost once
        // more than never all the same.
        unsafe {
            (*lost).records = (*lost).records.wrapping_add(1);
            (*lost).at = ring::now();
            (*lost).is_unnamed |= is_unnamed as u32;
        }
        return;
    }
    let lost = Lost { at: ring::now(), records: 1, is_unnamed: is_unnamed as u32 };
    if LOST.insert(owner, &lost, 0).is_err() {
        count(Counter::OwnersLost);
    }
}

/// How many records of this owner were lost.
#[inline(always)]
pub fn of(owner: &Owner) -> u32 {
    // SAFETY: an entry of the map.
    LOST.get_ptr(owner).map_or(0, |lost| unsafe { (*lost).records })
}

/// The agent was sent the number.
#[inline(always)]
pub fn forget(owner: &Owner) {
    // It is gone already where the agent has read it.
    let _ = LOST.remove(owner);
}
