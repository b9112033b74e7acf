//! The Huffman code (RFC 7541 §5.2 and Appendix B).
//!
//! The code is canonical: codes of one length are consecutive, in the order of their symbols, and
//! follow those of the length before. Its lengths alone define it, and the tables here are built
//! from them by the compiler. The common symbols have 5 to 8 bits, so one look-up of
//! [`STEP_BITS`] yields one symbol or two; the rare codes that are longer are found by length.

use super::HpackError;

/// Symbols: the octets, and the end of the string.
const SYMBOLS: usize = 257;
const EOS: usize = 256;
const LONGEST: usize = 30;

/// How many bits one look-up resolves: enough for two common symbols, and the table (8 KiB) still
/// leaves room in the first cache.
const STEP_BITS: u32 = 11;
const STEP_COUNT: usize = 1 << STEP_BITS;

/// The shortest code's bits: what bounds the length of a decoded string.
const SHORTEST: usize = 5;

/// The number of octets that `input` stands for.
pub(super) fn decoded_len(input: &[u8]) -> Result<usize, HpackError> {
    let mut len = 0;
    walk(input, |_symbols, count| len += count)?;
    Ok(len)
}

/// Appends the octets that `input` stands for to `output`, and says how many. What an error leaves
/// in `output` is not defined.
pub(super) fn decode(input: &[u8], output: &mut Vec<u8>) -> Result<usize, HpackError> {
    let start = output.len();
    // One more than can come: symbols are always written two at a time.
    output.resize(start + input.len() * 8 / SHORTEST + 1, 0);
    let mut len = 0;
    let mut rest = output.get_mut(start..).unwrap_or_default();
    walk(input, |symbols, count| {
        if let Some(pair) = rest.first_chunk_mut() {
            *pair = symbols;
        }
        rest = std::mem::take(&mut rest).get_mut(count..).unwrap_or_default();
        len += count;
    })?;
    output.truncate(start + len);
    Ok(len)
}

/// Calls `emit` for each one or two symbols of `input`, with their number.
#[inline]
fn walk(mut input: &[u8], mut emit: impl FnMut([u8; 2], usize)) -> Result<(), HpackError> {
    // The first `have` bits of `window` are the next ones of the input; what follows them is what
    // the input has there, or zeros.
    let mut window = 0u64;
    let mut have = 0u32;

    // While eight octets are left, no end needs to be looked for.
    while let Some(chunk) = input.first_chunk::<8>() {
        window |= u64::from_be_bytes(*chunk) >> have;
        let taken = (63 - have) / 8;
        input = input.get(taken as usize..).unwrap_or_default();
        have += taken * 8;
        while have >= STEP_BITS {
            let step = step(window);
            let mut used = u32::from(step.bits);
            if used > 0 {
                emit(step.symbols, 1 + usize::from(step.bits != step.first));
            } else if have >= LONGEST as u32 {
                let (symbol, length) = long_code(window);
                emit([u8::try_from(symbol).map_err(|_eos| HpackError::HuffmanEos)?, 0], 1);
                used = length;
            } else {
                break;
            }
            window <<= used;
            have -= used;
        }
    }

    loop {
        if have < 32 {
            if let Some((chunk, rest)) = input.split_first_chunk::<4>() {
                window |= u64::from(u32::from_be_bytes(*chunk)) << (32 - have);
                have += 32;
                input = rest;
            } else {
                for &byte in input {
                    window |= u64::from(byte) << (56 - have);
                    have += 8;
                }
                input = &[];
            }
        }
        // Past the end come ones: with what is left they read as padding, or as a code that is
        // longer than what is left.
        let bits = window | (u64::MAX >> have);
        if have < 8 && bits == u64::MAX {
            return Ok(());
        }
        let step = step(bits);
        let (bits_of_first, bits_of_all) = (u32::from(step.first), u32::from(step.bits));
        let used = if bits_of_all == 0 {
            let (symbol, length) = long_code(bits);
            if length > have {
                return Err(HpackError::HuffmanPadding);
            }
            emit([u8::try_from(symbol).map_err(|_eos| HpackError::HuffmanEos)?, 0], 1);
            length
        } else if bits_of_all <= have {
            emit(step.symbols, 1 + usize::from(bits_of_all != bits_of_first));
            bits_of_all
        } else if bits_of_first <= have {
            emit(step.symbols, 1);
            bits_of_first
        } else {
            return Err(HpackError::HuffmanPadding);
        };
        window <<= used;
        have -= used;
    }
}

/// What the next [`STEP_BITS`] bits begin with.
#[derive(Clone, Copy)]
struct Step {
    /// One symbol, or two.
    symbols: [u8; 2],
    /// The bits of the first symbol.
    first: u8,
    /// The bits of all symbols; 0 where not even one is complete.
    bits: u8,
}

#[inline]
fn step(bits: u64) -> Step {
    #[expect(
        clippy::indexing_slicing,
        reason = "a 64-bit number shifted right by 64 - STEP_BITS is below 2^STEP_BITS, the length"
    )]
    STEPS[(bits >> (u64::BITS - STEP_BITS)) as usize]
}

/// The symbol that `bits` begin with, and the length of its code, which is above [`STEP_BITS`].
#[cold]
fn long_code(bits: u64) -> (u16, u32) {
    let classes = CODE.classes.iter().zip(1u32..).skip(STEP_BITS as usize);
    for (class, length) in classes {
        let code = bits >> (u64::BITS - length);
        if code < class.end {
            let nth = class.sorted_from + usize::try_from(code - class.first).unwrap_or(usize::MAX);
            return (CODE.sorted.get(nth).copied().unwrap_or(EOS as u16), length);
        }
    }
    // The code is complete (asserted below): the longest class ends with all ones.
    (EOS as u16, LONGEST as u32)
}

/// The codes of one length.
#[derive(Clone, Copy)]
struct Class {
    /// The first of them.
    first: u64,
    /// One past the last.
    end: u64,
    /// Where their symbols begin among those sorted.
    sorted_from: usize,
}

/// The code, as its lengths define it.
struct Code {
    /// By length, from 1.
    classes: [Class; LONGEST],
    /// The symbols in the order of their codes.
    sorted: [u16; SYMBOLS],
}

static CODE: Code = code();
static STEPS: [Step; STEP_COUNT] = steps();

#[expect(clippy::indexing_slicing, reason = "runs in the compiler only: a panic is a build error")]
const fn code() -> Code {
    let mut classes = [Class { first: 0, end: 0, sorted_from: 0 }; LONGEST];
    let mut sorted = [0; SYMBOLS];
    let mut count = 0;
    let mut next = 0;
    let mut length = 1;
    while length <= LONGEST {
        next *= 2;
        let first = next;
        let sorted_from = count;
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as usize == length {
                sorted[count] = symbol as u16;
                count += 1;
                next += 1;
            }
            symbol += 1;
        }
        classes[length - 1] = Class { first, end: next, sorted_from };
        length += 1;
    }
    assert!(count == SYMBOLS && next == 1 << LONGEST, "every sequence of bits has a meaning");
    Code { classes, sorted }
}

#[expect(clippy::indexing_slicing, reason = "runs in the compiler only: a panic is a build error")]
const fn steps() -> [Step; STEP_COUNT] {
    let code = code();
    let mut steps = [Step { symbols: [0; 2], first: 0, bits: 0 }; STEP_COUNT];
    let mut index = 0;
    while index < STEP_COUNT {
        let step = &mut steps[index];
        if let Some((symbol, length)) = short_code(&code, index, STEP_BITS as usize) {
            step.symbols[0] = symbol;
            step.first = length as u8;
            step.bits = length as u8;
            let left = STEP_BITS as usize - length;
            if let Some((symbol, length)) = short_code(&code, index & ((1 << left) - 1), left) {
                step.symbols[1] = symbol;
                step.bits += length as u8;
            }
        }
        index += 1;
    }
    steps
}

/// The symbol that the `have` low bits of `bits` begin with, where its code is complete in them.
#[expect(clippy::indexing_slicing, reason = "runs in the compiler only: a panic is a build error")]
const fn short_code(code: &Code, bits: usize, have: usize) -> Option<(u8, usize)> {
    let mut length = SHORTEST;
    while length <= have {
        let prefix = (bits >> (have - length)) as u64;
        let class = code.classes[length - 1];
        if prefix < class.end {
            // End-of-string is the longest code and never found here.
            let symbol = code.sorted[class.sorted_from + (prefix - class.first) as usize];
            return Some((symbol as u8, length));
        }
        length += 1;
    }
    None
}

/// The length of each symbol's code in bits (RFC 7541 Appendix B), 16 symbols a line.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
     6, 10, 10, 12, 13,  6,  8, 11, 10, 10,  8, 11,  8,  6,  6,  6,
     5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8, 15,  6, 12, 10,
    13,  6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,
     7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8, 13, 19, 13, 14,  6,
    15,  5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,
     6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{CODE, HpackError, decode, decoded_len};

    /// The code of each symbol, and its length.
    static CODES: LazyLock<Vec<(u64, u32)>> = LazyLock::new(|| {
        (0..=256)
            .map(|symbol| {
                let nth = CODE.sorted.iter().position(|&sorted| sorted == symbol).unwrap();
                let length = CODE.classes.iter().rposition(|class| class.sorted_from <= nth);
                let class = CODE.classes[length.unwrap()];
                (class.first + (nth - class.sorted_from) as u64, length.unwrap() as u32 + 1)
            })
            .collect()
    });

    /// Codes of `symbols`, with the padding that belongs to them.
    fn encode_symbols(symbols: impl IntoIterator<Item = usize>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (mut bits, mut have) = (0u64, 0);
        for symbol in symbols {
            let (code, length) = CODES[symbol];
            bits = bits << length | code;
            have += length;
            while have >= 8 {
                have -= 8;
                bytes.push((bits >> have) as u8);
            }
        }
        if have > 0 {
            bytes.push((bits << (8 - have)) as u8 | 0xff >> have);
        }
        bytes
    }

    /// The inverse of [`decode`], for the tests of the decoder.
    pub(in crate::wire::hpack) fn encode(input: &[u8]) -> Vec<u8> {
        encode_symbols(input.iter().copied().map(usize::from))
    }

    fn decoded(input: &[u8]) -> Result<Vec<u8>, HpackError> {
        let mut output = b"before".to_vec();
        let len = decode(input, &mut output);
        assert_eq!(len, decoded_len(input));
        assert_eq!(len?, output.len() - 6);
        Ok(output.split_off(6))
    }

    #[test]
    fn codes_of_appendix_b() {
        for (symbol, code, length) in [
            (usize::from(b'0'), 0x0, 5),
            (usize::from(b' '), 0x14, 6),
            (usize::from(b'z'), 0x7b, 7),
            (usize::from(b'&'), 0xf8, 8),
            (usize::from(b'!'), 0x3f8, 10),
            (usize::from(b'|'), 0x7fc, 11),
            (usize::from(b'\\'), 0x7fff0, 19),
            (0, 0x1ff8, 13),
            (22, 0x3fff_fffe, 30),
            (249, 0xfff_fffe, 28),
            (255, 0x3ff_ffee, 26),
            (256, 0x3fff_ffff, 30),
        ] {
            assert_eq!(CODES[symbol], (code, length), "symbol {symbol}");
        }
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(decoded(&[]), Ok(Vec::new()));
    }

    #[test]
    fn padding_is_less_than_an_octet_of_ones() {
        assert_eq!(decoded(&[0x1f]), Ok(b"a".to_vec()));
        for wrong in [
            &[0xff][..],
            &[0x1f, 0xff],
            &[0x1f, 0xff, 0xff, 0xff],
            // "a", and three bits that are not ones.
            &[0x1e],
            &[0x1b],
            // Five bits of which a one would make "z".
            &[0x07, 0b1101_1110],
            // The beginning of a code of 13 bits.
            &[0xff, 0xc0],
        ] {
            assert_eq!(decoded(wrong), Err(HpackError::HuffmanPadding), "{wrong:x?}");
        }
    }

    #[test]
    fn the_end_of_string_symbol_is_refused() {
        assert_eq!(decoded(&[0xff; 4]), Err(HpackError::HuffmanEos));
        assert_eq!(decoded(&encode_symbols([97, 97, 256, 97])), Err(HpackError::HuffmanEos));
    }

    proptest! {
        #[test]
        fn any_octets_come_back(octets in any::<Vec<u8>>()) {
            prop_assert_eq!(decoded(&encode(&octets)), Ok(octets));
        }

        #[test]
        fn any_text_comes_back(text in "[ -~]{0,64}") {
            prop_assert_eq!(decoded(&encode(text.as_bytes())), Ok(text.into_bytes()));
        }

        #[test]
        fn any_input_is_decoded_or_refused(input in any::<Vec<u8>>()) {
            if let Ok(octets) = decoded(&input) {
                prop_assert_eq!(encode(&octets), input);
            }
        }
    }
}
