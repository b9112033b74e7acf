//! HPACK (RFC 7541) for an observer: passive, tolerant, and with *unknown* as a value.
//!
//! An endpoint that meets a reference it cannot resolve closes the connection. An observer that
//! joined late, or lost bytes, must go on, and must never hand out a value that was not sent.
//!
//! # What is known after a gap
//!
//! Indexes count from the newest entry of the dynamic table (RFC 7541 §2.3.3), so an entry whose
//! insertion was seen has a known index for as long as every later insertion was seen too. The
//! decoder therefore holds the newest entries, and keeps one invariant:
//!
//! > The encoder's table is a prefix, newest first, of the entries held here, followed by unknown
//! > ones if and only if `older` is set.
//!
//! *A prefix of*, because the decoder may hold entries that the encoder has evicted. That is
//! harmless: an encoder has no index for what it evicted, so such an entry is never asked for.
//! Evicting too much costs knowledge, evicting too little costs memory, and neither costs truth.
//! From this follows how each uncertainty is treated:
//!
//! - **An entry's size is not known**, because its name was a reference to something unknown, or to
//!   a name too long to be kept. Its lower bound is: 32 and the value's length (§4.1). All sizes in the table are lower bounds, and
//!   an entry is evicted when the lower bounds alone prove that it is gone (§4.4).
//! - **The maximum size is not known** (after a gap a size update may have been lost, and before it
//!   a SETTINGS that allowed it). Nothing is then evicted but for [`UNKNOWN_SIZE_LIMIT`]. The next
//!   size update says the maximum exactly.
//! - **An insertion may have emptied the table**, being larger than a maximum that is not known
//!   (§4.4). If it did, the encoder's table is empty, which is a prefix too, and entries inserted
//!   later get the same indexes either way. Where the lower bound is larger than a known maximum,
//!   the table is provably empty.
//! - **The table is whole again** once the maximum is known and the entries held leave no room for
//!   another (32 bytes, §4.1), or something had to be evicted for the maximum. A size update to 0
//!   is the shortest such proof.
//!
//! A reference past the entries held is [`Seen::Unreadable`] while there may be such an entry.
//! Where there cannot be one it is an error, as for an endpoint (§2.3.3), and the first sign of
//! bytes that were lost unnoticed: after an error nothing is trusted, as after a gap.
//!
//! # What is not checked
//!
//! A size update may not exceed the limit that the decoding end set (§4.2, §6.3). That limit is a
//! SETTINGS of the *other* direction and holds from its acknowledgement, an order that an observer
//! of two directions cannot always establish. The decoding end enforces it, what this end keeps is
//! bounded by [`TABLE_LIMIT`] whatever the peers agree on, and an encoder must announce a change in
//! the blocks themselves, so nothing is lost by not knowing it.
//!
//! An empty name is not an error here: it makes a message malformed (RFC 9113 §8.2.1), not its
//! compression, and the table stays in step.
//!
//! # What is kept
//!
//! Values of fields that the caller has no use for (cookies, credentials) are never stored, not
//! even for the table: its arithmetic needs their length only. Of fields that are of use only as a
//! number or a class, the table has that number: the text is handed out once, when it is sent.

mod decoder;
mod dynamic_table;
mod huffman;
mod integer;
mod static_table;
mod string;
#[cfg(test)]
mod tests;

pub use self::decoder::HpackDecoder;
use crate::seen::Seen;

/// The longest value that is handed out or kept, in bytes as sent and as decoded. A longer one is
/// unreadable; its length still counts.
pub const STRING_LIMIT: usize = 64 * 1024;

/// The same for a name. An entry may borrow the name of another in two bytes, and has a copy of it:
/// with long names, a block of a few kilobytes would make us copy gigabytes.
pub const NAME_LIMIT: usize = 256;

/// What a table may take, in the bytes of RFC 7541 §4.1, whatever maximum the peers agree on: they
/// may agree on 4 GiB. The size of an entry is more than what is stored of it, and at least 32, so
/// this bounds the stored bytes and the number of entries.
pub const TABLE_LIMIT: u32 = 64 * 1024;

/// What a table may take while its maximum is not known: four times the maximum that connections
/// start with (RFC 9113 §6.5.2), since most encoders never go beyond that, and a table that evicts
/// nothing would otherwise grow to [`TABLE_LIMIT`] on every connection that was joined late.
pub const UNKNOWN_SIZE_LIMIT: u32 = 16 * 1024;

/// The most fields in a block. A reference takes one byte, so a block can name a field tens of
/// thousands of times.
pub const FIELD_LIMIT: usize = 4096;

/// What is to be kept of the values of a field.
#[derive(Clone, Copy)]
pub enum Keep {
    /// Nothing: they come out as [`Value::Omitted`].
    Nothing,
    /// What this makes of a name and a value: a reference to one comes out as [`Value::Digest`].
    Digest(fn(name: &[u8], value: &[u8]) -> u64),
    /// All of them.
    Whole,
}

/// One field of a header block, valid until the next one is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name: [`Seen::Unreadable`] for a reference to an unknown entry and beyond [`NAME_LIMIT`],
    /// never [`Seen::Absent`].
    pub name: Seen<&'a [u8]>,
    /// The value.
    pub value: Value<'a>,
}

/// What is known of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// It was sent, and this is it.
    Known(&'a [u8]),
    /// It was sent before, and this is what was kept of it.
    Digest(u64),
    /// It was readable, and not kept: its name is not one of interest, or not known.
    Omitted,
    /// It could not be read: a reference to an unknown entry, or longer than [`STRING_LIMIT`].
    Unreadable,
}

/// Why a header block is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HpackError {
    /// The block ends inside an integer or a string.
    Truncated,
    /// An integer above 32 bits, or with more octets than those need (RFC 7541 §5.1).
    IntegerOverflow,
    /// Index 0, or a reference to an entry that provably does not exist (§2.3.3, §6.1).
    InvalidIndex,
    /// A Huffman-coded string ends in more than 7 bits of padding, or not in ones (§5.2).
    HuffmanPadding,
    /// A Huffman-coded string contains the end-of-string symbol (§5.2).
    HuffmanEos,
    /// A dynamic table size update after the first field of the block (§4.2).
    MisplacedSizeUpdate,
    /// More than [`FIELD_LIMIT`] fields.
    TooManyFields,
}

impl HpackError {
    /// The name under which it is counted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::IntegerOverflow => "integer_overflow",
            Self::InvalidIndex => "invalid_index",
            Self::HuffmanPadding => "huffman_padding",
            Self::HuffmanEos => "huffman_eos",
            Self::MisplacedSizeUpdate => "misplaced_size_update",
            Self::TooManyFields => "too_many_fields",
        }
    }
}
