//! What holds for every encoder.

use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::encoder::{Block, Encoder, Sent, blocks};
use super::limits::MEMORY_LIMIT;
use super::{Decoded, DecodedValue, HpackDecoder, Keep, decode, keep_but_secrets, table};
use crate::wire::hpack::TABLE_LIMIT;

/// What is read where everything is known.
fn expected(sent: &Sent) -> Decoded {
    entry(&sent.name, &sent.value)
}

fn entry(name: &[u8], value: &[u8]) -> Decoded {
    let value = if matches!(keep_but_secrets(name), Keep::Whole) {
        DecodedValue::Known(value.into())
    } else {
        DecodedValue::Omitted
    };
    Decoded { name: Some(name.into()), value }
}

/// Nothing but the truth.
fn check_read(read: &Decoded, truth: &Decoded) {
    match &read.name {
        Some(_name) if read.value == DecodedValue::Unreadable => assert_eq!(read.name, truth.name),
        Some(_name) => assert_eq!(read, truth),
        None => assert!(!matches!(read.value, DecodedValue::Known(_))),
    }
}

/// What was read of a block, against what was sent.
fn check_block(read: &[Decoded], sent: &[Sent]) {
    assert_eq!(read.len(), sent.len());
    for (read, sent) in read.iter().zip(sent) {
        check_read(read, &expected(sent));
        if sent.name_readable && sent.value_readable {
            assert_eq!(*read, expected(sent), "a literal is known");
        }
    }
}

/// The invariant of the module's documentation.
fn check_table(decoder: &HpackDecoder, encoder: &Encoder) {
    let held = table(decoder);
    assert!(encoder.table.len() <= held.len() || !decoder.table().is_whole());
    for ((held, size), (name, value)) in held.iter().zip(&encoder.table) {
        check_read(held, &entry(name, value));
        let exact = name.len() + value.len() + 32;
        assert!(if held.name.is_some() {
            *size as usize == exact
        } else {
            *size as usize <= exact
        });
    }
}

/// What the observer misses: blocks, each followed by a gap that is known.
fn observe(mut decoder: HpackDecoder, blocks: &[Block], missed: impl Fn(usize) -> bool) {
    let mut encoder = Encoder::new();
    for (nth, block) in blocks.iter().enumerate() {
        let (bytes, sent) = encoder.block(block);
        if missed(nth) {
            decoder.gap();
            continue;
        }
        check_block(&decode(&mut decoder, &bytes).unwrap(), &sent);
        check_table(&decoder, &encoder);
    }
}

proptest! {
    #[test]
    fn all_that_is_sent_is_read(blocks in blocks()) {
        let mut encoder = Encoder::new();
        let mut decoder = HpackDecoder::new(keep_but_secrets);
        let mut within_limit = true;
        for block in &blocks {
            let (bytes, sent) = encoder.block(block);
            let read = decode(&mut decoder, &bytes).unwrap();
            check_block(&read, &sent);
            check_table(&decoder, &encoder);
            // Above the limit, old entries are forgotten.
            within_limit &= encoder.maximum <= TABLE_LIMIT as usize;
            if within_limit {
                prop_assert_eq!(read, sent.iter().map(expected).collect::<Vec<_>>());
                prop_assert!(decoder.table().is_whole());
                prop_assert_eq!(decoder.table().size() as usize, encoder.size());
                prop_assert_eq!(table(&decoder).len(), encoder.table.len());
            }
        }
    }

    #[test]
    fn a_late_start_is_never_wrong((blocks, start) in (blocks(), any::<prop::sample::Index>())) {
        let start = start.index(blocks.len());
        observe(HpackDecoder::mid_connection(keep_but_secrets), &blocks, |nth| nth < start);
    }

    #[test]
    fn gaps_are_never_wrong((blocks, missed) in (blocks(), prop::collection::vec(prop::bool::weighted(0.2), 24))) {
        observe(HpackDecoder::new(keep_but_secrets), &blocks, |nth| missed[nth]);
    }

    #[test]
    fn a_gap_without_loss_is_never_wrong((blocks, gaps) in (blocks(), prop::collection::vec(prop::bool::weighted(0.2), 24))) {
        let mut encoder = Encoder::new();
        let mut decoder = HpackDecoder::new(keep_but_secrets);
        for (block, gap) in blocks.iter().zip(gaps) {
            if gap {
                decoder.gap();
            }
            let (bytes, sent) = encoder.block(block);
            check_block(&decode(&mut decoder, &bytes).unwrap(), &sent);
            check_table(&decoder, &encoder);
        }
    }

    #[test]
    fn random_bytes_are_harmless(blocks in prop::collection::vec(any::<Vec<u8>>(), 0..16)) {
        let mut decoder = HpackDecoder::new(keep_but_secrets);
        for block in &blocks {
            let _outcome = decode(&mut decoder, block);
            prop_assert!(decoder.memory() <= MEMORY_LIMIT);
        }
    }

    #[test]
    fn damaged_blocks_are_harmless(
        blocks in blocks(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 24),
    ) {
        let mut encoder = Encoder::new();
        let mut decoder = HpackDecoder::mid_connection(keep_but_secrets);
        for (block, (place, byte)) in blocks.iter().zip(damage) {
            let (mut bytes, _sent) = encoder.block(block);
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            let _outcome = decode(&mut decoder, &bytes);
            prop_assert!(decoder.memory() <= MEMORY_LIMIT);
            prop_assert!(decoder.table().size() <= TABLE_LIMIT);
        }
    }
}
