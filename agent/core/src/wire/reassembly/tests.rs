use super::*;
use proptest::prelude::*;

#[derive(Default)]
struct Seen(Vec<Option<u8>>);

impl Seen {
    fn take(&mut self, delivery: Delivery<'_>) {
        match delivery {
            Delivery::Data(_, bytes) => self.0.extend(bytes.iter().map(|byte| Some(*byte))),
            Delivery::Gap(len) => self.0.extend((0..len).map(|_| None)),
        }
    }
}

fn at(nanoseconds: i64) -> Timestamp {
    Timestamp(nanoseconds)
}

fn whole(text: &[u8]) -> Vec<Option<u8>> {
    text.iter().map(|byte| Some(*byte)).collect()
}

/// Feeds segments to a stream whose first byte has the number `base`.
fn fed(base: u32, segments: &[(u32, &[u8])]) -> (Seen, StreamCounters) {
    let (mut stream, mut seen) = (Stream::default(), Seen::default());
    stream.start(base.wrapping_sub(1));
    stream.treat_copies(Copies::Compared);
    for (place, text) in segments {
        stream.segment(at(0), base.wrapping_add(*place), text, 0, false, |delivery| {
            seen.take(delivery)
        });
    }
    stream.flush(|delivery| seen.take(delivery));
    assert_eq!(stream.held.bytes(), 0);
    (seen, stream.counters())
}

#[test]
fn order_is_restored() {
    let base = u32::MAX - 1;
    let segments: [(u32, &[u8]); 4] = [(4, b"ef"), (0, b"ab"), (3, b"defg"), (1, b"bcd")];
    let (seen, counters) = fed(base, &segments);
    assert_eq!(seen.0, whole(b"abcdefg"));
    assert_eq!((counters.gaps, counters.conflicting), (0, 0));
    assert!(counters.overlapping > 0);
}

#[test]
fn what_two_segments_contradict_each_other_about_is_not_known() {
    let (seen, counters) = fed(9, &[(4, b"ef"), (3, b"DXfG"), (2, b"cD"), (0, b"ab")]);
    let unknown = [whole(b"abcD"), vec![None; 2], whole(b"G")].concat();
    assert_eq!((seen.0, counters.conflicting, counters.gap_bytes), (unknown, 1, 2));
    // Twice, and in part.
    let (seen, counters) = fed(9, &[(1, b"bcdef"), (2, b"cX"), (0, b"aBcd")]);
    let unknown = [whole(b"a"), vec![None; 3], whole(b"ef")].concat();
    assert_eq!((seen.0, counters.conflicting), (unknown, 2));
}

#[test]
fn a_copy_is_compared_with_what_was_delivered() {
    let (seen, counters) = fed(9, &[(0, b"ab"), (2, b"cd"), (0, b"abcd"), (2, b"cd")]);
    assert_eq!((seen.0, counters.conflicting), (whole(b"abcd"), 0));
    let (seen, counters) = fed(9, &[(0, b"ab"), (2, b"cd"), (0, b"abXdef"), (2, b"xx")]);
    assert_eq!((seen.0, counters.conflicting), (whole(b"abcdef"), 2));
}

#[test]
fn the_byte_of_a_keep_alive_is_no_data() {
    for segments in [
        [(0, &b"abc"[..]), (2, b"X"), (3, b"d")],
        [(2, b"X"), (0, b"abc"), (3, b"d")],
        [(2, b"X"), (3, b"d"), (0, b"abc")],
    ] {
        assert_eq!(fed(9, &segments).0.0, whole(b"abcd"), "{segments:?}");
    }
    // What it repeats is lost.
    let (seen, counters) = fed(9, &[(2, b"X"), (3, b"de")]);
    assert_eq!((seen.0, counters.gap_bytes), ([vec![None; 3], whole(b"de")].concat(), 3));
}

#[test]
fn a_hole_is_a_gap_only_once_the_receiver_is_past_it() {
    let (mut stream, mut seen) = (Stream::default(), Seen::default());
    stream.start(0);
    stream.segment(at(0), 1, b"ab", 0, false, |delivery| seen.take(delivery));
    stream.segment(at(0), 6, b"fg", 0, true, |delivery| seen.take(delivery));
    for _ in 0..100 {
        stream.acknowledged(3, |delivery| seen.take(delivery));
    }
    assert_eq!(seen.0, whole(b"ab"));
    for _ in 0..=ACKNOWLEDGED_LIMIT {
        stream.acknowledged(8, |delivery| seen.take(delivery));
    }
    assert_eq!(seen.0, [whole(b"ab"), vec![None; 3], whole(b"fg")].concat());
    assert!(stream.is_finished());
}

#[test]
fn what_is_missing_in_front_of_the_end_is_a_gap() {
    let (mut stream, mut seen) = (Stream::default(), Seen::default());
    stream.start(0);
    stream.segment(at(0), 1, b"ab", 0, false, |delivery| seen.take(delivery));
    stream.segment(at(0), 6, b"", 0, true, |delivery| seen.take(delivery));
    assert!(!stream.is_finished());
    stream.flush(|delivery| seen.take(delivery));
    assert_eq!(seen.0, [whole(b"ab"), vec![None; 3]].concat());
    assert_eq!((stream.counters().gaps, stream.counters().gap_bytes), (1, 3));
}

#[test]
fn what_the_snap_length_cut_is_a_gap() {
    let (mut stream, mut seen) = (Stream::default(), Seen::default());
    stream.segment(at(0), 10, b"ab", 3, false, |delivery| seen.take(delivery));
    stream.segment(at(0), 15, b"c", 0, false, |delivery| seen.take(delivery));
    assert_eq!(seen.0, [whole(b"ab"), vec![None; 3], whole(b"c")].concat());
}

#[test]
fn what_is_held_is_bounded() {
    let (mut stream, mut seen) = (Stream::default(), Seen::default());
    stream.start(0);
    for place in 0..10_000u32 {
        stream.segment(at(0), 10 + place * 2000, &[1; 1000], 0, false, |delivery| {
            seen.take(delivery)
        });
        assert!(stream.held_bytes() <= MAX_HELD_BYTES);
    }
    stream.flush(|delivery| seen.take(delivery));
    assert_eq!(stream.held_bytes(), 0);
}

#[test]
fn a_segment_from_nowhere_is_not_of_this_connection() {
    let (mut stream, mut seen) = (Stream::default(), Seen::default());
    stream.start(0);
    stream.segment(at(0), 1, b"ab", 0, false, |delivery| seen.take(delivery));
    stream.segment(at(0), 0x6000_0000, b"zz", 0, false, |delivery| seen.take(delivery));
    stream.segment(at(0), 3, b"c", 0, false, |delivery| seen.take(delivery));
    stream.flush(|delivery| seen.take(delivery));
    assert_eq!(seen.0, whole(b"abc"));
    assert_eq!(stream.counters().out_of_window, 1);
}

proptest! {
    #[test]
    fn any_segmentation_and_order_gives_the_same_stream(
        base: u32,
        text in prop::collection::vec(any::<u8>(), 1..400),
        cuts in prop::collection::vec((0usize..400, 1usize..60), 0..80),
    ) {
        let (mut stream, mut seen) = (Stream::default(), Seen::default());
        stream.start(base.wrapping_sub(1));
        // Random, overlapping, repeated pieces in any order; then the whole, so that nothing is missing.
        let pieces = cuts.into_iter().map(|(from, len)| (from.min(text.len() - 1), len));
        for (from, len) in pieces.chain([(0, text.len())]) {
            let piece = &text[from..text.len().min(from + len)];
            stream.segment(at(0), base.wrapping_add(from as u32), piece, 0, false, |delivery| seen.take(delivery));
        }
        prop_assert_eq!(seen.0, whole(&text));
        prop_assert_eq!(stream.held_bytes(), 0);
    }

    #[test]
    fn a_lost_piece_is_a_gap_of_exactly_its_size(
        text in prop::collection::vec(any::<u8>(), 3..300),
        hole in (0usize..300, 1usize..50),
        step in 1usize..40,
    ) {
        let from = hole.0.min(text.len() - 2);
        let to = (from + hole.1).min(text.len() - 1);
        let (mut stream, mut seen) = (Stream::default(), Seen::default());
        stream.start(99);
        let mut place = 0;
        while place < text.len() {
            if place == from {
                place = to;
            }
            let end = (place + step).min(text.len()).min(if place < from { from } else { text.len() });
            stream.segment(at(0), 100 + place as u32, &text[place..end], 0, false, |delivery| seen.take(delivery));
            place = end;
        }
        stream.flush(|delivery| seen.take(delivery));
        let mut expected = whole(&text);
        // A single byte behind the hole may be a keep-alive's.
        let unknown = if to - from > 0 && (step == 1 || to + 1 == text.len()) { to + 1 } else { to };
        expected[from..unknown].fill(None);
        prop_assert_eq!(seen.0, expected);
        prop_assert_eq!(stream.counters().gap_bytes, (unknown - from) as u64);
    }
}
