//! What a peer can make the decoder hold.

use super::{
    Decoded, DecodedValue, HpackDecoder, HpackError, decode, hex, inserted, keep_all, plain,
    size_update, table,
};
use crate::wire::hpack::{FIELD_LIMIT, NAME_LIMIT, STRING_LIMIT, TABLE_LIMIT, UNKNOWN_SIZE_LIMIT};

/// Twice the text, half as much again that was evicted, and the entries.
pub(super) const MEMORY_LIMIT: usize = 5 * TABLE_LIMIT as usize;

#[test]
fn fields() {
    let mut decoder = HpackDecoder::new(keep_all);
    let block = vec![0x82; FIELD_LIMIT];
    assert_eq!(decode(&mut decoder, &block).map(|fields| fields.len()), Ok(FIELD_LIMIT));
    assert_eq!(
        decode(&mut decoder, &[&block[..], &[0x82]].concat()),
        Err(HpackError::TooManyFields)
    );
}

#[test]
fn a_table_above_the_limit_forgets_the_oldest() {
    let mut decoder = HpackDecoder::new(keep_all);
    decode(&mut decoder, &size_update(1 << 30)).unwrap();
    decode(&mut decoder, &inserted("first", "1")).unwrap();
    assert!(decoder.table().is_whole());
    for _ in 0..3000 {
        decode(&mut decoder, &inserted("", "")).unwrap();
        assert!(decoder.memory() <= MEMORY_LIMIT, "{}", decoder.memory());
    }
    assert!(!decoder.table().is_whole());
    assert_eq!(table(&decoder).len(), TABLE_LIMIT as usize / 32);
    // The first entry is still there, for those who kept it.
    let first = super::integer(0x80, 7, 62 + 3000);
    assert_eq!(decode(&mut decoder, &first), Ok(vec![Decoded::UNREADABLE]));
    // A small table again, and all of it known.
    decode(&mut decoder, &[size_update(0), size_update(100)].concat()).unwrap();
    assert!(decoder.table().is_whole());
    assert!(decoder.memory() <= 4096, "{}", decoder.memory());
}

#[test]
fn large_values_in_a_large_table() {
    let mut decoder = HpackDecoder::new(keep_all);
    decode(&mut decoder, &size_update(1 << 30)).unwrap();
    for len in (0..100_000).step_by(997) {
        decode(&mut decoder, &[inserted("n", &"v".repeat(len)), hex("be")].concat()).unwrap();
        assert!(decoder.memory() <= MEMORY_LIMIT, "{}", decoder.memory());
        assert!(decoder.table().size() <= TABLE_LIMIT);
    }
}

#[test]
fn a_table_of_unknown_maximum() {
    let mut decoder = HpackDecoder::mid_connection(keep_all);
    for _ in 0..100 {
        decode(&mut decoder, &inserted("name", &"v".repeat(1000))).unwrap();
        assert!(decoder.table().size() <= UNKNOWN_SIZE_LIMIT);
        assert!(decoder.memory() <= 4 * UNKNOWN_SIZE_LIMIT as usize);
    }
}

#[test]
fn strings() {
    let mut decoder = HpackDecoder::new(keep_all);
    let limit = "v".repeat(STRING_LIMIT);
    let block = [hex("00"), plain("n"), plain(&limit)].concat();
    assert_eq!(decode(&mut decoder, &block), Ok(vec![Decoded::known("n", &limit)]));
    let too_long = DecodedValue::Unreadable;
    let block = [hex("00"), plain("n"), plain(&(limit.clone() + "v"))].concat();
    assert_eq!(
        decode(&mut decoder, &block),
        Ok(vec![Decoded { name: Some(b"n".into()), value: too_long }])
    );
    let block = [hex("00"), plain(&(limit + "n")), plain("v")].concat();
    assert_eq!(decode(&mut decoder, &block), Ok(vec![Decoded::NAME_UNREADABLE]));
    assert!(decoder.memory() <= 8192, "{}", decoder.memory());
}

#[test]
fn a_long_name_is_never_copied() {
    let mut decoder = HpackDecoder::new(keep_all);
    let name = "n".repeat(NAME_LIMIT);
    let block = [inserted(&name, "1"), hex("7e00")].concat();
    let expected = vec![Decoded::known(&name, "1"), Decoded::known(&name, "")];
    assert_eq!(decode(&mut decoder, &block), Ok(expected));
    // Its length still counts, as long as it is the entry's own.
    let block = [size_update(60_000), inserted(&"n".repeat(50_000), "1")].concat();
    assert_eq!(decode(&mut decoder, &block), Ok(vec![Decoded::NAME_UNREADABLE]));
    assert_eq!(table(&decoder)[0].1, 50_000 + 1 + 32);
    let borrowed = hex("7e00").repeat(100);
    assert_eq!(decode(&mut decoder, &borrowed), Ok(vec![Decoded::NAME_UNREADABLE; 100]));
    assert!(decoder.table().text_end() <= 3 * NAME_LIMIT, "{}", decoder.table().text_end());
}

#[test]
fn a_huffman_coded_string_counts_as_decoded() {
    let encoded = |len: usize| {
        let text = crate::wire::hpack::huffman::tests::encode("a".repeat(len).as_bytes());
        [hex("0001 6e"), super::integer(0x80, 7, text.len()), text].concat()
    };
    let mut decoder = HpackDecoder::new(keep_all);
    let fields = decode(&mut decoder, &encoded(STRING_LIMIT)).unwrap();
    assert_eq!(fields, [Decoded::known("n", &"a".repeat(STRING_LIMIT))]);
    let fields = decode(&mut decoder, &encoded(STRING_LIMIT + 1)).unwrap();
    assert_eq!(fields[0].value, DecodedValue::Unreadable);
}
