//! TLS objects: what is known of each, from its birth to its end.

use aya_ebpf::helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, LruHashMap};
use wrongdoor_ebpf_common::{Closed, Counter, Flags, Head, Kind, Object as Record, Owner, Tuple};

use crate::counters::count;
use crate::cursor::Cursor;
use crate::{lost, ring};

/// TLS objects in use. The least recently used goes first, and is reported no more.
const MAX_OBJECTS: u32 = 65_536;

#[map]
static OBJECTS: LruHashMap<ObjectKey, Object> = LruHashMap::with_max_entries(MAX_OBJECTS, 0);
/// One object of nothing but zeros: too large for the stack, which is where a new one would come from.
#[map]
static NEW_OBJECT: Array<Object> = Array::with_max_entries(1, 0);

/// An address in a process. A process that ends leaves its objects behind; a later one of the same id has
/// its own births, which begin them anew.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ObjectKey {
    pub object: u64,
    pub pid: u32,
    pub unused: u32,
}

/// How many HTTP/1 requests may wait for their answers on one connection.
pub const MAX_WAITING: u32 = 256;

/// A TLS object.
#[repr(C)]
pub struct Object {
    /// When it was met, which tells its lives at one address apart.
    pub epoch: u64,
    /// The socket that its records go through; cookie 0 as long as that is not known.
    pub tuple: Tuple,
    /// [`Flags`].
    pub flags: u32,
    /// One of [`state`].
    pub state: u32,
    /// Received, then sent.
    pub cursors: [Cursor; 2],
    /// HTTP/1 requests whose final answer is to come: two bits of each.
    pub methods: [u64; MAX_WAITING as usize / 32],
    /// Requests so far; only their direction writes it.
    pub requests: u32,
    /// Final answers so far; only their direction writes it.
    pub answers: u32,
    /// What of its handshake has passed.
    pub handshake: u32,
    /// Layout.
    pub unused: u32,
}

/// How far an object has come.
pub mod state {
    /// Nothing that it carried was told.
    pub const SILENT: u32 = 0;
    /// It was told, and whose it is.
    pub const TOLD: u32 = 1;
    /// Nothing of it is told: it is older than the probes, or foreign.
    pub const IGNORED: u32 = 2;
}

/// The running process's object at this address.
#[inline(always)]
pub fn key(object: u64) -> ObjectKey {
    ObjectKey { object, pid: (bpf_get_current_pid_tgid() >> 32) as u32, unused: 0 }
}

/// What is known of it.
#[inline(always)]
pub fn find(key: &ObjectKey) -> Option<&'static mut Object> {
    // SAFETY: libraries forbid the use of an object by two threads in one direction, and each direction has
    // its own state. A process that does it all the same garbles its own records.
    OBJECTS.get_ptr_mut(key).map(|object| unsafe { &mut *object })
}

/// A life begins.
#[inline(always)]
pub fn begin(key: &ObjectKey, flags: u8) -> Option<&'static mut Object> {
    let template = NEW_OBJECT.get(0)?;
    if OBJECTS.insert(key, template, 0).is_err() {
        count(Counter::MapFull);
        return None;
    }
    let object = find(key)?;
    object.epoch = ring::now();
    object.flags = flags as u32;
    Some(object)
}

/// Says that the object is there, and whose. False where the ring is full.
#[inline(always)]
pub fn tell(key: &ObjectKey, object: &Object) -> bool {
    let mut record = Record {
        head: Head {
            kind: Kind::Object as u8,
            flags: object.flags as u8,
            at: ring::now(),
            ..Head::default()
        },
        pid: key.pid,
        unused: 0,
        object: key.object,
        epoch: object.epoch,
        tuple: object.tuple,
        command: [0; 16],
    };
    if let Ok(command) = bpf_get_current_comm() {
        record.command = command;
    }
    let is_sent = ring::send(&record);
    if !is_sent {
        let cookie = object.tuple.cookie;
        if cookie == 0 {
            lost::note(&owner(key, object.epoch), true);
        } else {
            lost::note(&Owner::socket(cookie), true);
        }
    }
    is_sent
}

/// The object as the owner of records.
#[inline(always)]
pub fn owner(key: &ObjectKey, epoch: u64) -> Owner {
    Owner::object(key.pid, key.object, epoch)
}

/// A life ends.
#[inline(always)]
pub fn end(key: &ObjectKey) {
    let Some(object) = find(key) else { return };
    if object.state != state::SILENT {
        tell_end(key, object);
    }
    // Where it is gone already, the table was full and has dropped it.
    let _ = OBJECTS.remove(key);
}

#[inline(always)]
fn tell_end(key: &ObjectKey, object: &Object) {
    let epoch = object.epoch;
    let owner = owner(key, epoch);
    // The connection ends with its object, so what its handshake lost is said here too.
    let socket = Owner::socket(object.tuple.cookie);
    let lost = lost::of(&owner).wrapping_add(lost::of(&socket));
    let head = Head { kind: Kind::ObjectClosed as u8, at: ring::now(), ..Head::default() };
    let is_sent = ring::send(&Closed { head, pid: key.pid, lost, object: key.object, epoch });
    if !is_sent {
        lost::note(&owner, false);
    } else if lost != 0 {
        lost::forget(&owner);
        lost::forget(&socket);
    }
}

/// An object that was there before the probes: said once, then left alone.
#[inline(always)]
pub fn ignore_older(key: &ObjectKey) {
    let Some(object) = begin(key, Flags::OLDER.0) else { return };
    object.state = state::IGNORED;
    count(Counter::OlderThanAgent);
    let _ = tell(key, object);
}
