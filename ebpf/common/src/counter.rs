//! What the kernel side counts: a per-CPU array, one place each.

/// A place in the array of counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Counter {
    /// Records that were to go into the ring; of programs that begin there is no account.
    Records = 0,
    /// Of them, those that found the ring full.
    RingFull = 1,
    /// Calls or objects that found a table full.
    MapFull = 2,
    /// Calls that found every scratch buffer of their processor in use.
    ScratchBusy = 3,
    /// Buffers of a process that could not be read.
    Unreadable = 4,
    /// Directions in which the place was lost.
    LostPlace = 5,
    /// Objects that were there before the probes.
    OlderThanAgent = 6,
    /// Objects whose socket could not be proven.
    Unresolved = 7,
    /// Joins of object and socket that something later contradicted.
    Contradicted = 8,
    /// Joins that something later confirmed.
    Confirmed = 9,
    /// Objects that carry something else than HTTP.
    Foreign = 10,
    /// Bytes that went into the ring.
    RingBytes = 11,
    /// Calls of library functions that returned.
    Calls = 12,
    /// Returns of calls whose beginning was not seen, or is forgotten.
    Unmatched = 13,
    /// Parts of segments that were handed over: each is a record.
    Segments = 14,
    /// Programs that began and found the ring full: the next look at all processes finds them.
    ExecsLost = 15,
    /// Lost records whose owners found the table of owners full.
    OwnersLost = 16,
    /// Messages of handshakes that found the ring full, or are too long.
    MessagesLost = 17,
}

impl Counter {
    /// How many there are.
    pub const COUNT: u32 = 18;
}
