//! What holds for every window size, every chunking, and every hostile byte.

use std::io::Cursor;

use proptest::prelude::*;

use super::build::samples;
use super::{CaptureFile, Trickle, read, read_bytes, read_file, read_windows};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn windows_and_chunks_make_no_difference(
        window in 1_usize..700,
        sizes in prop::collection::vec(1_usize..90, 1..8),
    ) {
        for (_, bytes, expected) in samples() {
            let bytes_of = Cursor::new(bytes.clone());
            let trickle = Trickle { bytes: bytes_of, sizes: sizes.clone(), turn: 0 };
            let mut trickled = CaptureFile::from_reader("trickle", trickle);
            trickled.window_bytes = window;
            let outcomes =
                [read(trickled), read_windows(&bytes, window), read_file(&bytes, window)];
            for outcome in outcomes {
                let outcome = outcome.unwrap();
                prop_assert_eq!(&outcome.packets, &expected);
                prop_assert!(outcome.warnings.is_empty());
            }
        }
    }

    #[test]
    fn bent_bytes_never_panic_and_read_the_same_in_any_window(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        window in 1_usize..700,
    ) {
        for (_, mut bytes, _) in samples() {
            for (at, value) in &flips {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            let whole = read_bytes(&bytes);
            prop_assert_eq!(format!("{:?}", &whole), format!("{:?}", read_windows(&bytes, window)));
            prop_assert_eq!(format!("{:?}", &whole), format!("{:?}", read_file(&bytes, window)));
            // Names and offsets are in every message, whatever the bytes.
            if let Err(error) = whole {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn noise_behind_a_header_never_panics(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        for (_, bytes, _) in samples() {
            for start in [4, 12, 24, 28, 48] {
                let bytes = [&bytes[..start.min(bytes.len())], &noise].concat();
                drop(read_bytes(&bytes));
            }
        }
    }
}
