//! Tests of the decoder as a whole.

mod encoder;
mod gaps;
mod limits;
mod malformed;
mod properties;
mod rfc_7541;

use super::{HpackDecoder, HpackError, Keep, Value};
use crate::seen::Seen;

/// A [`Field`](super::Field) that outlives the block.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Decoded {
    /// `None` where it is unreadable.
    name: Option<Vec<u8>>,
    value: DecodedValue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum DecodedValue {
    Known(Vec<u8>),
    Digest(u64),
    Omitted,
    Unreadable,
}

impl Decoded {
    fn known(name: &str, value: &str) -> Self {
        Self { name: Some(name.into()), value: DecodedValue::Known(value.into()) }
    }

    fn omitted(name: &str) -> Self {
        Self { name: Some(name.into()), value: DecodedValue::Omitted }
    }

    const UNREADABLE: Self = Self { name: None, value: DecodedValue::Unreadable };
    const NAME_UNREADABLE: Self = Self { name: None, value: DecodedValue::Omitted };
}

impl From<(Seen<&[u8]>, Value<'_>)> for Decoded {
    fn from((name, value): (Seen<&[u8]>, Value<'_>)) -> Self {
        assert_ne!(name, Seen::Absent);
        let value = match value {
            Value::Known(value) => DecodedValue::Known(value.into()),
            Value::Digest(digest) => DecodedValue::Digest(digest),
            Value::Omitted => DecodedValue::Omitted,
            Value::Unreadable => DecodedValue::Unreadable,
        };
        Self { name: name.known().map(Into::into), value }
    }
}

fn decode(decoder: &mut HpackDecoder, block: &[u8]) -> Result<Vec<Decoded>, HpackError> {
    let mut fields = Vec::new();
    decoder.decode(block, |field| fields.push((field.name, field.value).into()))?;
    Ok(fields)
}

/// What the decoder holds, newest first, with the sizes.
fn table(decoder: &HpackDecoder) -> Vec<(Decoded, u32)> {
    let contents = decoder.table().contents();
    contents.into_iter().map(|(name, value, size)| ((name, value).into(), size)).collect()
}

fn keep_all(_name: &[u8]) -> Keep {
    Keep::Whole
}

fn keep_but_secrets(name: &[u8]) -> Keep {
    match name {
        b"cookie" | b"authorization" | b"x-secret" => Keep::Nothing,
        _ => Keep::Whole,
    }
}

/// The bytes that these hexadecimal digits stand for.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<_> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    assert_eq!(digits.len() % 2, 0);
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// An integer after the bits of `first` (RFC 7541 §5.1).
fn integer(first: u8, prefix: u32, value: usize) -> Vec<u8> {
    let mask = (1usize << prefix) - 1;
    if value < mask {
        return vec![first | value as u8];
    }
    let mut bytes = vec![first | mask as u8];
    let mut rest = value - mask;
    while rest >= 128 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

/// A string that is not Huffman-coded.
fn plain(text: &str) -> Vec<u8> {
    [integer(0, 7, text.len()), text.into()].concat()
}

/// A literal field to be inserted, with its name as a string.
fn inserted(name: &str, value: &str) -> Vec<u8> {
    [vec![0x40], plain(name), plain(value)].concat()
}

/// A dynamic table size update.
fn size_update(maximum: usize) -> Vec<u8> {
    integer(0x20, 5, maximum)
}
