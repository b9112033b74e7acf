//! The bytes of a direction that leave the kernel, in pieces.

use wrongdoor_ebpf_common::{Counter, Head, Kind, MAX_FORWARDED, Piece, Plaintext, Silence};

use crate::counters::count;
use crate::cursor::{Cursor, place};
use crate::objects::{self, ObjectKey};
use crate::slot::{self, ROOM, Slot};
use crate::{lost, ring};

/// Of a slot that holds the record of a call: begins it.
#[inline(always)]
pub fn begin(slot: &mut Slot) {
    slot.used = 0;
    slot.pieces = 0;
    slot.piece = 0;
}

/// Room for `more` bytes, and for the head of a piece: sends what there is, where there is none.
#[inline(always)]
pub fn make_room(
    slot: &mut Slot,
    cursor: &mut Cursor,
    key: &ObjectKey,
    epoch: u64,
    direction: u32,
    more: u32,
) {
    if slot.used + more + 2 * size_of::<Piece>() as u32 > MAX_FORWARDED as u32 {
        flush(slot, cursor, key, epoch, direction);
    }
}

/// The next bytes that leave the kernel begin here: opens a piece, unless they follow the last ones.
#[inline(always)]
pub fn open_piece(slot: &mut Slot, cursor: &mut Cursor, at_boundary: bool) {
    if slot.pieces != 0 && cursor.omitted == 0 {
        return;
    }
    let start = (slot.used as usize + 7) & !7 & (MAX_FORWARDED - 1);
    let piece = Piece { omitted: cursor.omitted, length: 0, at_boundary: at_boundary as u32 };
    // SAFETY: `start` is below MAX_FORWARDED, and `bytes` is twice that.
    unsafe { slot.bytes.as_mut_ptr().add(start).cast::<Piece>().write(piece) };
    slot.piece = start as u32;
    slot.used = (start + size_of::<Piece>()) as u32;
    slot.pieces += 1;
    cursor.omitted = 0;
}

/// So many more bytes were put behind the last ones.
#[inline(always)]
pub fn grow_piece(slot: &mut Slot, by: u32) {
    let piece = slot.piece as usize & (MAX_FORWARDED - 1);
    // SAFETY: as in `open_piece`.
    unsafe {
        let piece = slot.bytes.as_mut_ptr().add(piece).cast::<Piece>();
        (*piece).length += by;
    }
    slot.used += by;
}

/// Where the next byte goes.
#[inline(always)]
pub fn free(slot: &mut Slot) -> *mut u8 {
    let at = slot.used as usize & (MAX_FORWARDED - 1);
    // SAFETY: masked, it is inside.
    unsafe { slot.bytes.as_mut_ptr().add(at) }
}

/// Sends what there is. The numbers are claimed first, so that a record that finds the ring full is missed.
#[inline(always)]
pub fn flush(slot: &mut Slot, cursor: &mut Cursor, key: &ObjectKey, epoch: u64, direction: u32) {
    if slot.pieces == 0 {
        return;
    }
    let record = Plaintext {
        head: Head {
            kind: Kind::Plaintext as u8,
            direction: direction as u8,
            flags: 0,
            detail: 0,
            count: slot.pieces,
            at: ring::now(),
        },
        pid: key.pid,
        sequence: cursor.sequence,
        object: key.object,
        epoch,
    };
    cursor.sequence = cursor.sequence.wrapping_add(slot.pieces);
    let used = slot.used as usize & (ROOM - 1);
    // The record stands right in front of the bytes.
    let start = slot::RECORD_BYTES - size_of::<Plaintext>();
    // SAFETY: `record` is as long as the slot says and `bytes` follow it without a gap.
    unsafe {
        let start = slot.record.as_mut_ptr().cast::<u8>().add(start);
        start.cast::<Plaintext>().write(record);
        let mut length = size_of::<Plaintext>() + used;
        if length > size_of::<Plaintext>() + MAX_FORWARDED {
            length = size_of::<Plaintext>() + MAX_FORWARDED;
        }
        if !ring::send_bytes(start, length as u64) {
            lost::note(&objects::owner(key, epoch), false);
        }
    }
    begin(slot);
}

/// Nothing more of this direction leaves the kernel.
#[inline(always)]
pub fn silence(cursor: &mut Cursor, key: &ObjectKey, epoch: u64, direction: u32, why: u8) {
    if cursor.place == place::SILENT {
        return;
    }
    cursor.place = place::SILENT;
    if why == Silence::LOST_PLACE {
        count(Counter::LostPlace);
    }
    let head = Head {
        kind: Kind::Silence as u8,
        direction: direction as u8,
        detail: why,
        at: ring::now(),
        ..Head::default()
    };
    if !ring::send(&Silence { head, pid: key.pid, unused: 0, object: key.object, epoch }) {
        lost::note(&objects::owner(key, epoch), false);
    }
}
