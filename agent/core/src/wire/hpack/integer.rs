//! Integers with a prefix (RFC 7541 §5.1).

use super::HpackError;
use crate::wire::reader::Reader;

/// Octets after the prefix: five carry 35 bits. More would be zeros in front, which §5.1 lets a
/// decoder refuse as excessive.
const CONTINUATION_LIMIT: u32 = 5;

/// Reads an integer whose first octet, `first`, has been taken and holds it in the low `PREFIX`
/// bits.
pub(super) fn read<const PREFIX: u32>(
    first: u8,
    reader: &mut Reader<'_>,
) -> Result<u32, HpackError> {
    let mask = const { (1u8 << PREFIX) - 1 };
    let prefix = first & mask;
    if prefix < mask {
        return Ok(u32::from(prefix));
    }
    let mut value = u64::from(mask);
    for octet in 0..CONTINUATION_LIMIT {
        let byte = reader.u8().ok_or(HpackError::Truncated)?;
        value += u64::from(byte & 0x7f) << (7 * octet);
        if byte & 0x80 == 0 {
            return u32::try_from(value).map_err(|_too_large| HpackError::IntegerOverflow);
        }
    }
    Err(HpackError::IntegerOverflow)
}

#[cfg(test)]
mod tests {
    use super::super::HpackError;
    use super::read;
    use crate::wire::reader::Reader;

    fn five_bits(bytes: &[u8]) -> Result<u32, HpackError> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8().unwrap();
        read::<5>(first, &mut reader)
    }

    #[test]
    fn rfc_7541_c_1() {
        assert_eq!(five_bits(&[0b1110_1010]), Ok(10));
        assert_eq!(five_bits(&[0b0001_1111, 0b1001_1010, 0b0000_1010]), Ok(1337));
        assert_eq!(read::<7>(0b1010_1010, &mut Reader::new(&[])), Ok(42));
    }

    #[test]
    fn the_largest_is_32_bits() {
        assert_eq!(five_bits(&[0x1f, 0xe0, 0xff, 0xff, 0xff, 0x0f]), Ok(u32::MAX));
        assert_eq!(
            five_bits(&[0x1f, 0xe1, 0xff, 0xff, 0xff, 0x0f]),
            Err(HpackError::IntegerOverflow)
        );
        assert_eq!(
            five_bits(&[0x1f, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            Err(HpackError::IntegerOverflow)
        );
    }

    #[test]
    fn zeros_in_front_are_allowed_up_to_the_limit() {
        assert_eq!(five_bits(&[0x1f, 0x80, 0x80, 0x80, 0x80, 0x00]), Ok(31));
        assert_eq!(
            five_bits(&[0x1f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
            Err(HpackError::IntegerOverflow)
        );
    }

    #[test]
    fn cut_short() {
        assert_eq!(five_bits(&[0x1f]), Err(HpackError::Truncated));
        assert_eq!(five_bits(&[0x1f, 0x80, 0xff]), Err(HpackError::Truncated));
    }
}
