//! What is known when not everything was seen.

use super::{
    Decoded, HpackDecoder, HpackError, decode, hex, inserted, keep_all, keep_but_secrets, plain,
    size_update, table,
};

/// A decoder that lost something after it had an entry.
fn after_a_gap() -> HpackDecoder {
    let mut decoder = HpackDecoder::new(keep_but_secrets);
    decode(&mut decoder, &inserted("before", "the gap")).unwrap();
    decoder.gap();
    decoder
}

#[test]
fn what_was_sent_before_is_unreadable_and_what_comes_after_is_not() {
    let mut decoder = after_a_gap();
    assert_eq!(decode(&mut decoder, &hex("be")), Ok(vec![Decoded::UNREADABLE]));
    let block = [inserted(":status", "421"), hex("be bf 88")].concat();
    let expected = [
        Decoded::known(":status", "421"),
        Decoded::known(":status", "421"),
        Decoded::UNREADABLE,
        Decoded::known(":status", "200"),
    ];
    assert_eq!(decode(&mut decoder, &block), Ok(expected.into()));
}

#[test]
fn a_late_start_is_a_gap_before_the_first_block() {
    let mut decoder = HpackDecoder::mid_connection(keep_but_secrets);
    let block = [hex("be"), inserted("x", "y"), hex("be")].concat();
    let expected = [Decoded::UNREADABLE, Decoded::known("x", "y"), Decoded::known("x", "y")];
    assert_eq!(decode(&mut decoder, &block), Ok(expected.into()));
}

#[test]
fn a_literal_with_an_unreadable_name_is_an_entry() {
    let mut decoder = after_a_gap();
    // Inserted, with the name of the third entry; not inserted, likewise; then both by index.
    let block = [
        inserted("x", "y"),
        [hex("7f01"), plain("value")].concat(),
        [hex("0f31"), plain("value")].concat(),
        hex("be bf c0"),
        [hex("7e"), plain("other")].concat(),
        hex("c0"),
    ]
    .concat();
    let expected = [
        Decoded::known("x", "y"),
        Decoded::NAME_UNREADABLE,
        Decoded::NAME_UNREADABLE,
        Decoded::NAME_UNREADABLE,
        Decoded::known("x", "y"),
        Decoded::UNREADABLE,
        Decoded::NAME_UNREADABLE,
        Decoded::known("x", "y"),
    ];
    assert_eq!(decode(&mut decoder, &block), Ok(expected.into()));
    let sizes: Vec<_> = table(&decoder).into_iter().map(|(_entry, size)| size).collect();
    assert_eq!(sizes, [37, 37, 34], "lower bounds where the name is not known");
}

#[test]
fn nothing_is_evicted_while_the_maximum_is_unknown() {
    let mut decoder = after_a_gap();
    decode(&mut decoder, &inserted("first", "1")).unwrap();
    for _ in 0..2 {
        // Together more than 4096 bytes: the maximum may have been raised in the gap.
        decode(&mut decoder, &inserted("filler", &"f".repeat(3000))).unwrap();
    }
    assert_eq!(decode(&mut decoder, &hex("c0")), Ok(vec![Decoded::known("first", "1")]));
}

#[test]
fn a_size_update_says_the_maximum() {
    let mut decoder = after_a_gap();
    decode(&mut decoder, &[inserted("a", "1"), inserted("b", "2"), inserted("c", "3")].concat())
        .unwrap();
    // Room for two, and for nothing else: "a" is gone, and so is all before it.
    decode(&mut decoder, &size_update(99)).unwrap();
    assert_eq!(table(&decoder).len(), 2);
    assert!(decoder.table().is_whole());
    assert_eq!(decode(&mut decoder, &hex("c0")), Err(HpackError::InvalidIndex));
}

#[test]
fn a_size_update_that_leaves_room_proves_a_limit() {
    let mut decoder = after_a_gap();
    decode(&mut decoder, &inserted("a", "1")).unwrap();
    // 34 of 100 bytes are taken: there may be two more entries, and not three.
    assert_eq!(
        decode(&mut decoder, &[size_update(100), hex("bf c0")].concat()),
        Ok(vec![Decoded::UNREADABLE; 2])
    );
    assert!(!decoder.table().is_whole());
    assert_eq!(decode(&mut decoder, &hex("c1")), Err(HpackError::InvalidIndex));
}

#[test]
fn a_full_table_is_whole_again() {
    let mut decoder = after_a_gap();
    decode(&mut decoder, &size_update(70)).unwrap();
    decode(&mut decoder, &inserted("a", "1")).unwrap();
    assert!(!decoder.table().is_whole(), "36 bytes are left, enough for one");
    decode(&mut decoder, &inserted("b", "2")).unwrap();
    assert!(decoder.table().is_whole());
}

#[test]
fn an_empty_table_is_whole_again() {
    let mut decoder = after_a_gap();
    decode(&mut decoder, &[size_update(0), size_update(4096)].concat()).unwrap();
    assert!(decoder.table().is_whole());
    assert_eq!(decode(&mut decoder, &hex("be")), Err(HpackError::InvalidIndex));

    let mut decoder = after_a_gap();
    decode(&mut decoder, &[size_update(64), inserted("large", &"l".repeat(64))].concat()).unwrap();
    assert!(decoder.table().is_whole() && table(&decoder).is_empty());
}

#[test]
fn an_insertion_that_may_have_emptied_the_table_changes_no_index() {
    let mut decoder = after_a_gap();
    decode(&mut decoder, &inserted("a", "1")).unwrap();
    // If the maximum is 4096, nothing is left after this; if not, it is the newest entry.
    decode(&mut decoder, &inserted("large", &"l".repeat(5000))).unwrap();
    decode(&mut decoder, &inserted("b", "2")).unwrap();
    assert_eq!(decode(&mut decoder, &hex("be")), Ok(vec![Decoded::known("b", "2")]));
}

#[test]
fn values_of_no_interest_are_not_in_memory() {
    let mut decoder = HpackDecoder::new(keep_but_secrets);
    let huffman = crate::wire::hpack::huffman::tests::encode(b"s3cret");
    let block = [
        inserted("cookie", "s3cret"),
        inserted("x-secret", "s3cret"),
        [hex("57"), plain("s3cret")].concat(),
        [hex("60"), vec![0x80 | huffman.len() as u8], huffman].concat(),
        [hex("7e"), plain("s3cret")].concat(),
        hex("be bf c0 97"),
    ]
    .concat();
    let names = [
        "cookie",
        "x-secret",
        "authorization",
        "cookie",
        "cookie",
        "cookie",
        "cookie",
        "authorization",
        "authorization",
    ];
    assert_eq!(decode(&mut decoder, &block), Ok(names.map(Decoded::omitted).into()));
    let text = decoder.table().text(0..decoder.table().text_end());
    assert_eq!(text, b"cookiex-secret", "static names are not stored either");
    let sizes: Vec<_> = table(&decoder).into_iter().map(|(_entry, size)| size).collect();
    assert_eq!(sizes, [44, 44, 51, 46, 44]);
}

#[test]
fn whether_a_name_is_kept_is_asked_of_known_names_only() {
    let mut decoder = HpackDecoder::mid_connection(keep_all);
    let block = [hex("7e"), plain("value")].concat();
    assert_eq!(decode(&mut decoder, &block), Ok(vec![Decoded::NAME_UNREADABLE]));
    assert_eq!(decoder.table().text_end(), 0);
}
