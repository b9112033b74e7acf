//! The dynamic table (RFC 7541 §2.3.2 and §4), as far as it is known.
//!
//! What is known, and why, is in the documentation of the [module above](super).

use std::collections::VecDeque;
use std::ops::Range;

use super::{HpackError, TABLE_LIMIT, UNKNOWN_SIZE_LIMIT, Value, static_table};
use crate::seen::Seen;

/// What a connection starts with (RFC 9113 §6.5.2, SETTINGS_HEADER_TABLE_SIZE).
const INITIAL_MAXIMUM: u32 = 4096;

/// What an entry takes beyond its name and value (RFC 7541 §4.1).
const ENTRY_OVERHEAD: u32 = 32;

/// Memory that is not worth giving back.
const SLACK: usize = 1024;

/// The newest entries of the encoder's table.
pub(super) struct DynamicTable {
    /// Newest first, as indexes count.
    entries: VecDeque<Entry>,
    /// The text of the entries, oldest first; after it the text of the field being decoded.
    text: Vec<u8>,
    /// The position of the first byte of `text`. Positions count all bytes ever appended, and wrap.
    base: u32,
    /// The sum of the entries' sizes.
    size: u32,
    /// The maximum size, where it is known (§4.2).
    maximum: Option<u32>,
    /// Whether the encoder's table may have entries older than these.
    older: bool,
}

/// An entry: 20 bytes, and its text.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// Where the text of the name, and after it that of the value, begins.
    position: u32,
    name_text: u32,
    value_text: u32,
    /// A lower bound of the size (§4.1); exact where the name is known.
    size: u32,
    name: EntryName,
    value: Kept,
}

/// An entry's name.
#[derive(Clone, Copy)]
pub(super) enum EntryName {
    /// That of this index of the static table, which has fewer than 256.
    Static(u8),
    /// In the table's text.
    Text,
    /// Not known.
    Unreadable,
}

/// What is kept of an entry's value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// All of it, in the table's text.
    Text,
    /// A number that stands for it, in the table's text.
    Digest,
    /// Nothing, being of no interest.
    Nothing,
    /// Nothing, being too long.
    TooLong,
}

/// A field to be inserted, whose text has been appended: the name's, then the value's.
pub(super) struct Insertion {
    pub(super) name: EntryName,
    /// The length of the name, or of as much as is known.
    pub(super) name_len: usize,
    pub(super) value: Kept,
    pub(super) value_len: usize,
}

impl Entry {
    /// What is known of its name.
    pub(super) fn name(&self) -> EntryName {
        self.name
    }
}

impl DynamicTable {
    /// The table at the start of a connection.
    pub(super) fn empty() -> Self {
        Self { maximum: Some(INITIAL_MAXIMUM), older: false, ..Self::unknown() }
    }

    /// A table of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            entries: VecDeque::new(),
            text: Vec::new(),
            base: 0,
            size: 0,
            maximum: None,
            older: true,
        }
    }

    /// The entry at `nth`, counted from 0 for the newest: `None` where there may be one that is not
    /// known, an error where there can be none.
    pub(super) fn entry(&self, nth: u32) -> Result<Option<Entry>, HpackError> {
        if let Some(entry) = usize::try_from(nth).ok().and_then(|nth| self.entries.get(nth)) {
            return Ok(Some(*entry));
        }
        // Each entry between those known and this one, and this one, takes 32 bytes or more.
        let unknown = u64::from(nth) + 1 - self.entries.len() as u64;
        let size = u64::from(self.size) + unknown * u64::from(ENTRY_OVERHEAD);
        if self.older && size <= u64::from(self.maximum.unwrap_or(u32::MAX)) {
            Ok(None)
        } else {
            Err(HpackError::InvalidIndex)
        }
    }

    /// The name of `entry`, which was not removed since it was returned.
    pub(super) fn name(&self, entry: &Entry) -> Seen<&[u8]> {
        match entry.name {
            EntryName::Static(index) => static_table::entry(u32::from(index))
                .map_or(Seen::Unreadable, |(name, _value)| Seen::Known(name)),
            EntryName::Text => Seen::Known(self.text(self.name_range(entry))),
            EntryName::Unreadable => Seen::Unreadable,
        }
    }

    /// The value of `entry`, which was not removed since it was returned.
    pub(super) fn value(&self, entry: &Entry) -> Value<'_> {
        match entry.value {
            Kept::Text => {
                let start = self.name_range(entry).end;
                Value::Known(self.text(start..start + entry.value_text as usize))
            }
            Kept::Digest => {
                let start = self.name_range(entry).end;
                let digest = self.text(start..start + entry.value_text as usize).first_chunk();
                digest.map_or(Value::Unreadable, |bytes| Value::Digest(u64::from_le_bytes(*bytes)))
            }
            Kept::Nothing => Value::Omitted,
            Kept::TooLong => Value::Unreadable,
        }
    }

    /// Where in the text the name of `entry` stands, if it stands there.
    pub(super) fn name_range(&self, entry: &Entry) -> Range<usize> {
        let start = entry.position.wrapping_sub(self.base) as usize;
        start..start + entry.name_text as usize
    }

    /// The text at `range`.
    pub(super) fn text(&self, range: Range<usize>) -> &[u8] {
        self.text.get(range).unwrap_or_default()
    }

    /// The text, to append that of a field. It becomes part of the table with
    /// [`insert`](Self::insert), or goes away with [`truncate_text`](Self::truncate_text).
    pub(super) fn text_mut(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Where the text ends.
    pub(super) fn text_end(&self) -> usize {
        self.text.len()
    }

    /// Removes the text from `end`.
    pub(super) fn truncate_text(&mut self, end: usize) {
        self.text.truncate(end);
    }

    /// Inserts a field (§4.4) whose text stands from `start`.
    pub(super) fn insert(&mut self, start: usize, field: Insertion) {
        let size = (field.name_len + field.value_len).saturating_add(ENTRY_OVERHEAD as usize);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        if self.maximum.is_some_and(|maximum| size > maximum) {
            self.clear();
            self.older = false;
            return;
        }
        let text = (self.text.len() - start) as u32;
        let name_text =
            if matches!(field.name, EntryName::Text) { field.name_len as u32 } else { 0 };
        self.entries.push_front(Entry {
            position: self.base.wrapping_add(start as u32),
            name_text,
            value_text: text - name_text,
            size,
            name: field.name,
            value: field.value,
        });
        self.size = self.size.saturating_add(size);
        self.evict();
        self.compact();
    }

    /// A dynamic table size update (§6.3).
    pub(super) fn set_maximum(&mut self, maximum: u32) {
        self.maximum = Some(maximum);
        self.evict();
        self.compact();
    }

    /// Gives back memory that a large field or table took.
    pub(super) fn trim(&mut self) {
        if self.text.capacity() > 2 * self.text.len() + 4 * SLACK {
            self.text.shrink_to(self.text.len() + SLACK);
        }
        if self.entries.capacity() > 4 * self.entries.len() + SLACK / size_of::<Entry>() {
            self.entries.shrink_to(2 * self.entries.len());
        }
    }

    /// The heap memory in use.
    pub(super) fn memory(&self) -> usize {
        self.text.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Removes what is provably gone, then what is too much, and notes what that proves.
    fn evict(&mut self) {
        if let Some(maximum) = self.maximum {
            while self.size > maximum {
                // What is older than an evicted entry was evicted before it.
                self.older = false;
                self.remove_oldest();
            }
        }
        let limit = if self.maximum.is_some() { TABLE_LIMIT } else { UNKNOWN_SIZE_LIMIT };
        while self.size > limit {
            self.older = true;
            self.remove_oldest();
        }
        if self.maximum.is_some_and(|maximum| maximum - self.size < ENTRY_OVERHEAD) {
            self.older = false;
        }
    }

    fn remove_oldest(&mut self) {
        match self.entries.pop_back() {
            Some(entry) => self.size = self.size.saturating_sub(entry.size),
            None => self.size = 0,
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.text.clear();
        self.size = 0;
    }

    /// Removes the text of entries that were evicted, once it is half as long as what remains: each
    /// byte is then moved twice at most, on average.
    fn compact(&mut self) {
        let live_from = match self.entries.back() {
            Some(oldest) => oldest.position.wrapping_sub(self.base) as usize,
            None => self.text.len(),
        };
        let live = self.text.len().saturating_sub(live_from);
        if live == 0 || live_from > live / 2 + SLACK {
            self.text.drain(..live_from.min(self.text.len()));
            self.base = self.base.wrapping_add(live_from as u32);
        }
    }
}

#[cfg(test)]
impl DynamicTable {
    /// The entries with their sizes, newest first.
    pub(super) fn contents(&self) -> Vec<(Seen<&[u8]>, Value<'_>, u32)> {
        self.entries.iter().map(|entry| (self.name(entry), self.value(entry), entry.size)).collect()
    }

    /// The sum of the sizes.
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// Whether the encoder's table has no entries but these.
    pub(super) fn is_whole(&self) -> bool {
        !self.older
    }
}
