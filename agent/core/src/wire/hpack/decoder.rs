//! Header blocks (RFC 7541 §3 and §6).

use std::ops::Range;

use super::dynamic_table::{DynamicTable, EntryName, Insertion, Kept};
use super::string::{Decoded, StringLiteral};
use super::{
    FIELD_LIMIT, Field, HpackError, Keep, NAME_LIMIT, STRING_LIMIT, Value, integer, static_table,
};
use crate::seen::Seen;
use crate::wire::reader::Reader;

/// Whether a literal field is inserted into the dynamic table (§6.2). A field that is never to be inserted, at any hop, is
/// here as one that is not inserted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Indexing {
    /// It is inserted.
    Incremental,
    /// It is not.
    Without,
}

/// Decodes the header blocks of one direction of a connection, in the order they were sent.
///
/// Blocks share a table, so each must be decoded, also those of streams that are of no interest.
/// Where one is missing or cut short, say so with [`gap`](Self::gap) before the next.
pub struct HpackDecoder {
    table: DynamicTable,
    keep: fn(name: &[u8]) -> Keep,
}

impl HpackDecoder {
    /// The start of the connection was seen: the table is empty, its maximum 4096 bytes.
    ///
    /// `keep` says of a field name what of its values is of interest. The answer for a name must not change.
    pub fn new(keep: fn(name: &[u8]) -> Keep) -> Self {
        Self { table: DynamicTable::empty(), keep }
    }

    /// The connection was joined later: the table's contents and its maximum are unknown.
    pub fn mid_connection(keep: fn(name: &[u8]) -> Keep) -> Self {
        Self { table: DynamicTable::unknown(), keep }
    }

    /// Bytes of this direction were lost: everything in the table becomes unknown.
    pub fn gap(&mut self) {
        self.table = DynamicTable::unknown();
    }

    /// Decodes one complete header block (the fragments of its frames, joined), and calls `field`
    /// for each field in order.
    ///
    /// An error means that the block is malformed, or that something before it was lost unnoticed:
    /// the fields that came before the error are not to be relied on, and the table is unknown
    /// from here on, as after a [`gap`](Self::gap).
    pub fn decode(&mut self, block: &[u8], field: impl FnMut(Field<'_>)) -> Result<(), HpackError> {
        let decoded = self.fields(block, field);
        match decoded {
            Ok(()) => self.table.trim(),
            Err(_malformed) => self.gap(),
        }
        decoded
    }

    /// The heap memory that this decoder holds, in bytes.
    pub fn memory(&self) -> usize {
        self.table.memory()
    }

    /// Tells the representations of a block apart (§6).
    fn fields(&mut self, block: &[u8], mut field: impl FnMut(Field<'_>)) -> Result<(), HpackError> {
        let mut reader = Reader::new(block);
        let mut count = 0;
        while let Some(first) = reader.u8() {
            // 001xxxxx: dynamic table size update.
            if first & 0xe0 == 0x20 {
                if count > 0 {
                    return Err(HpackError::MisplacedSizeUpdate);
                }
                self.table.set_maximum(integer::read::<5>(first, &mut reader)?);
                continue;
            }
            count += 1;
            if count > FIELD_LIMIT {
                return Err(HpackError::TooManyFields);
            }
            if first & 0x80 != 0 {
                // 1xxxxxxx: indexed.
                field(self.indexed(integer::read::<7>(first, &mut reader)?)?);
            } else if first & 0x40 != 0 {
                // 01xxxxxx: literal, to be inserted.
                let index = integer::read::<6>(first, &mut reader)?;
                self.literal(index, Indexing::Incremental, &mut reader, &mut field)?;
            } else {
                // 0000xxxx, 0001xxxx: literal, not to be inserted: here, or at any hop.
                let index = integer::read::<4>(first, &mut reader)?;
                self.literal(index, Indexing::Without, &mut reader, &mut field)?;
            }
        }
        Ok(())
    }

    /// An indexed field (§6.1).
    fn indexed(&self, index: u32) -> Result<Field<'_>, HpackError> {
        if let Some(nth) = dynamic(index) {
            return Ok(match self.table.entry(nth)? {
                Some(entry) => {
                    Field { name: self.table.name(&entry), value: self.table.value(&entry) }
                }
                None => Field { name: Seen::Unreadable, value: Value::Unreadable },
            });
        }
        let (name, value) = static_table::entry(index).ok_or(HpackError::InvalidIndex)?;
        let value = match (self.keep)(name) {
            Keep::Nothing => Value::Omitted,
            Keep::Digest(_) | Keep::Whole => Value::Known(value),
        };
        Ok(Field { name: Seen::Known(name), value })
    }

    /// A literal field (§6.2) whose name has this index, or stands before the value (0).
    ///
    /// What must be decoded or kept is appended to the table's text, the name before the value.
    fn literal(
        &mut self,
        index: u32,
        indexing: Indexing,
        reader: &mut Reader<'_>,
        field: &mut impl FnMut(Field<'_>),
    ) -> Result<(), HpackError> {
        let start = self.table.text_end();
        let name = self.literal_name(index, indexing, reader)?;
        let literal = StringLiteral::read(reader)?;
        let is_kept = !matches!(name.keep, Keep::Nothing);
        let (value, value_len) = if is_kept {
            self.text(literal, STRING_LIMIT, indexing)?
        } else {
            (None, literal.len()?)
        };
        field(Field {
            name: name.text.as_ref().map_or(Seen::Unreadable, |text| Seen::Known(self.read(text))),
            value: match &value {
                Some(text) => Value::Known(self.read(text)),
                None if is_kept => Value::Unreadable,
                None => Value::Omitted,
            },
        });
        if indexing == Indexing::Incremental {
            let value = match (value, name.keep) {
                (Some(text), Keep::Digest(digest)) => {
                    self.replace(name.text.as_ref(), &text, digest)
                }
                (Some(_text), _) => Kept::Text,
                (None, _) if is_kept => Kept::TooLong,
                (None, _) => Kept::Nothing,
            };
            let (name, name_len) = (name.entry, name.len);
            self.table.insert(start, Insertion { name, name_len, value, value_len });
        } else {
            self.table.truncate_text(start);
        }
        Ok(())
    }

    /// The name of a literal field.
    fn literal_name<'b>(
        &mut self,
        index: u32,
        indexing: Indexing,
        reader: &mut Reader<'b>,
    ) -> Result<LiteralName<'b>, HpackError> {
        if index == 0 {
            let (text, len) = self.text(StringLiteral::read(reader)?, NAME_LIMIT, indexing)?;
            let keep = text.as_ref().map_or(Keep::Nothing, |text| (self.keep)(self.read(text)));
            let entry = if text.is_some() { EntryName::Text } else { EntryName::Unreadable };
            return Ok(LiteralName { text, entry, len, keep });
        }
        let Some(nth) = dynamic(index) else {
            let (name, _value) = static_table::entry(index).ok_or(HpackError::InvalidIndex)?;
            let entry = u8::try_from(index).map_or(EntryName::Unreadable, EntryName::Static);
            let keep = (self.keep)(name);
            return Ok(LiteralName {
                text: Some(Text::InBlock(name)),
                entry,
                len: name.len(),
                keep,
            });
        };
        const UNREADABLE: LiteralName<'_> =
            LiteralName { text: None, entry: EntryName::Unreadable, len: 0, keep: Keep::Nothing };
        let Some(entry) = self.table.entry(nth)? else { return Ok(UNREADABLE) };
        let keep = match self.table.name(&entry) {
            Seen::Known(name) => (self.keep)(name),
            _ => Keep::Nothing,
        };
        Ok(match entry.name() {
            EntryName::Static(index) => {
                let Some((name, _value)) = static_table::entry(u32::from(index)) else {
                    return Ok(UNREADABLE);
                };
                LiteralName {
                    text: Some(Text::InBlock(name)),
                    entry: EntryName::Static(index),
                    len: name.len(),
                    keep,
                }
            }
            EntryName::Text => {
                let mut range = self.table.name_range(&entry);
                let len = range.len();
                if indexing == Indexing::Incremental {
                    // The entry that has the name may go before the one that borrows it.
                    let start = self.table.text_end();
                    self.table.text_mut().extend_from_within(range);
                    range = start..start + len;
                }
                LiteralName { text: Some(Text::InTable(range)), entry: EntryName::Text, len, keep }
            }
            EntryName::Unreadable => UNREADABLE,
        })
    }

    /// Decodes a string; with incremental indexing, into the table's text. The text is `None`
    /// where it is too long; the length is that of the decoded string.
    fn text<'b>(
        &mut self,
        literal: StringLiteral<'b>,
        limit: usize,
        indexing: Indexing,
    ) -> Result<(Option<Text<'b>>, usize), HpackError> {
        let start = self.table.text_end();
        Ok(match literal.decode(limit, self.table.text_mut())? {
            Decoded::InBlock(octets) if indexing == Indexing::Incremental => {
                self.table.text_mut().extend_from_slice(octets);
                (Some(Text::InTable(start..start + octets.len())), octets.len())
            }
            Decoded::InBlock(octets) => (Some(Text::InBlock(octets)), octets.len()),
            Decoded::Appended(len) => (Some(Text::InTable(start..start + len)), len),
            Decoded::TooLong(len) => (None, len),
        })
    }

    /// Puts what is kept of a value, which is the last of the table's text, into its place.
    fn replace(
        &mut self,
        name: Option<&Text<'_>>,
        value: &Text<'_>,
        digest: fn(&[u8], &[u8]) -> u64,
    ) -> Kept {
        let name = name.map_or(&[][..], |name| self.read(name));
        let digest = digest(name, self.read(value));
        if let Text::InTable(range) = value {
            self.table.truncate_text(range.start);
        }
        self.table.text_mut().extend_from_slice(&digest.to_le_bytes());
        Kept::Digest
    }

    /// The bytes of `text`.
    fn read<'t>(&'t self, text: &Text<'t>) -> &'t [u8] {
        match text {
            Text::InBlock(octets) => octets,
            Text::InTable(range) => self.table.text(range.clone()),
        }
    }
}

#[cfg(test)]
impl HpackDecoder {
    /// The table, for a look at its state.
    pub(super) fn table(&self) -> &DynamicTable {
        &self.table
    }
}

/// The place in the dynamic table that `index` means, if it means one there (§2.3.3).
fn dynamic(index: u32) -> Option<u32> {
    index.checked_sub(static_table::LEN + 1)
}

/// The name of a literal field.
struct LiteralName<'b> {
    /// The name itself, where it is known.
    text: Option<Text<'b>>,
    /// How an entry refers to it.
    entry: EntryName,
    /// Its length, or 0 as the lower bound.
    len: usize,
    /// What of the value is of interest.
    keep: Keep,
}

/// Where a decoded string is found.
enum Text<'b> {
    /// In the block, or in the static table.
    InBlock(&'b [u8]),
    /// In the text of the dynamic table.
    InTable(Range<usize>),
}
