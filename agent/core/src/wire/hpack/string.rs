//! String literals (RFC 7541 §5.2).

use super::{HpackError, huffman, integer};
use crate::wire::reader::Reader;

/// A string as it stands in a block, not decoded yet.
#[derive(Clone, Copy)]
pub(super) struct StringLiteral<'b> {
    octets: &'b [u8],
    huffman: bool,
}

/// What became of a string that was to be decoded.
pub(super) enum Decoded<'b> {
    /// It stands in the block as it is.
    InBlock(&'b [u8]),
    /// It was appended to the output; this is its length.
    Appended(usize),
    /// It is longer than allowed and was left where it was; this is its length.
    TooLong(usize),
}

impl<'b> StringLiteral<'b> {
    /// Takes the next string from the block.
    pub(super) fn read(reader: &mut Reader<'b>) -> Result<Self, HpackError> {
        let first = reader.u8().ok_or(HpackError::Truncated)?;
        let len = integer::read::<7>(first, reader)?;
        let len = usize::try_from(len).map_err(|_too_large| HpackError::Truncated)?;
        let octets = reader.take(len).ok_or(HpackError::Truncated)?;
        Ok(Self { octets, huffman: first & 0x80 != 0 })
    }

    /// Its length, without keeping anything of it.
    pub(super) fn len(self) -> Result<usize, HpackError> {
        if self.huffman { huffman::decoded_len(self.octets) } else { Ok(self.octets.len()) }
    }

    /// Decodes it, into `output` where it cannot be read in its place; `limit` is how long it may be, as
    /// sent and as decoded.
    pub(super) fn decode(
        self,
        limit: usize,
        output: &mut Vec<u8>,
    ) -> Result<Decoded<'b>, HpackError> {
        if self.octets.len() > limit {
            return Ok(Decoded::TooLong(self.len()?));
        }
        if !self.huffman {
            return Ok(Decoded::InBlock(self.octets));
        }
        let start = output.len();
        let len = huffman::decode(self.octets, output)?;
        if len > limit {
            output.truncate(start);
            return Ok(Decoded::TooLong(len));
        }
        Ok(Decoded::Appended(len))
    }
}
