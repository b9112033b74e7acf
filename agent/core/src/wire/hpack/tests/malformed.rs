//! Blocks that are refused.

use super::{
    Decoded, HpackDecoder, HpackError, Keep, decode, hex, inserted, keep_all, keep_but_secrets,
    size_update, table,
};

fn refused(block: &str) -> HpackError {
    // Whether a value is of interest makes no difference to what is malformed.
    let error = decode(&mut HpackDecoder::new(|_name| Keep::Nothing), &hex(block)).unwrap_err();
    assert_eq!(decode(&mut HpackDecoder::new(keep_all), &hex(block)), Err(error));
    error
}

#[test]
fn cut_short() {
    for block in
        ["3f", "ff", "ff80", "7f", "40", "41", "4103", "410361", "4001", "400161", "0f", "4185f1"]
    {
        assert_eq!(refused(block), HpackError::Truncated, "{block}");
    }
}

#[test]
fn integers_that_are_too_large() {
    for block in ["ff8080808080", "3fe1ffffff7f", "417fffffffff7f", "4001617fffffffffff00"] {
        assert_eq!(refused(block), HpackError::IntegerOverflow, "{block}");
    }
}

#[test]
fn references_to_nothing() {
    // Index 0; the dynamic table's first as field and as name; far beyond.
    for block in ["80", "be", "7e0161", "0f2f0161", "ff80ffffff07"] {
        assert_eq!(refused(block), HpackError::InvalidIndex, "{block}");
    }
}

#[test]
fn huffman_strings() {
    assert_eq!(refused("4181ff"), HpackError::HuffmanPadding);
    assert_eq!(refused("41821fff"), HpackError::HuffmanPadding);
    assert_eq!(refused("40811e0161"), HpackError::HuffmanPadding);
    assert_eq!(refused("4184ffffffff"), HpackError::HuffmanEos);
    // A value that nobody is interested in is checked too.
    assert_eq!(refused("0f1181ff"), HpackError::HuffmanPadding);
}

#[test]
fn size_updates_come_first() {
    assert_eq!(refused("8220"), HpackError::MisplacedSizeUpdate);
    assert_eq!(refused("2082203fe11f"), HpackError::MisplacedSizeUpdate);
    let mut decoder = HpackDecoder::new(keep_all);
    assert_eq!(
        decode(&mut decoder, &hex("203fe11f82")),
        Ok(vec![Decoded::known(":method", "GET")])
    );
}

#[test]
fn what_follows_an_error_is_as_after_a_gap() {
    let mut decoder = HpackDecoder::new(keep_all);
    decode(&mut decoder, &inserted("a", "b")).unwrap();
    assert_eq!(decode(&mut decoder, &hex("bebf")), Err(HpackError::InvalidIndex));
    assert_eq!(decode(&mut decoder, &hex("be")), Ok(vec![Decoded::UNREADABLE]));
    assert!(table(&decoder).is_empty());
}

#[test]
fn empty_blocks_names_and_values_are_not_malformed() {
    let mut decoder = HpackDecoder::new(keep_all);
    assert_eq!(decode(&mut decoder, &[]), Ok(Vec::new()));
    assert_eq!(decode(&mut decoder, &inserted("", "")), Ok(vec![Decoded::known("", "")]));
    assert_eq!(table(&decoder), [(Decoded::known("", ""), 32)]);
    assert_eq!(decode(&mut decoder, &hex("be 408080")), Ok(vec![Decoded::known("", ""); 2]));
}

#[test]
fn a_large_entry_empties_the_table() {
    let mut decoder = HpackDecoder::new(keep_but_secrets);
    let small = inserted("a", "b");
    let fits = inserted("cookie", &"c".repeat(4096 - 32 - 6));
    let large = inserted("cookie", &"c".repeat(4096 - 32 - 5));
    decode(&mut decoder, &small).unwrap();
    decode(&mut decoder, &fits).unwrap();
    assert_eq!(table(&decoder), [(Decoded::omitted("cookie"), 4096)]);
    decode(&mut decoder, &large).unwrap();
    assert!(table(&decoder).is_empty() && decoder.table().is_whole());
    assert_eq!(decode(&mut decoder, &hex("be")), Err(HpackError::InvalidIndex));
}

#[test]
fn an_insertion_may_evict_the_entry_whose_name_it_borrows() {
    let mut decoder = HpackDecoder::new(keep_all);
    decode(&mut decoder, &size_update(40)).unwrap();
    decode(&mut decoder, &inserted("name", "1")).unwrap();
    for value in ["2", "3"] {
        let block = [vec![0x7e, 1], value.into()].concat();
        assert_eq!(decode(&mut decoder, &block), Ok(vec![Decoded::known("name", value)]));
        assert_eq!(table(&decoder), [(Decoded::known("name", value), 37)]);
    }
}
