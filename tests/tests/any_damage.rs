use std::env;

use anyhow::Result;
use wrongdoor_tests::golden::Golden;
use wrongdoor_tests::wire::{
    self, Found, Frame, Segment, contradictions, observe, samples, silences,
};

/// How many places of a capture are damaged; of a longer one, every so many. `WRONGDOOR_DAMAGED_PLACES` sets another
/// number.
const PLACES: usize = 150;

struct Whole {
    name: String,
    frames: Vec<Frame>,
    keys: Vec<u8>,
    found: Found,
}

impl Whole {
    /// Every committed capture, and every conversation made by hand.
    fn all() -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for golden in Golden::all()? {
            all.push((golden.name(), wire::read(&golden.capture)?, golden.keys()));
        }
        all.extend(samples().into_iter().map(|(name, frames)| (name.to_owned(), frames, vec![])));
        let whole = |(name, frames, keys): (String, Vec<Frame>, Vec<u8>)| {
            let found = observe(&frames, &keys);
            Self { name, frames, keys, found }
        };
        Ok(all.into_iter().map(whole).collect())
    }

    /// What is wrong, or missing without a count, in damaged frames.
    fn faults(&self, frames: &[Frame]) -> Vec<String> {
        let found = observe(frames, &self.keys);
        let mut faults = contradictions(&found, &self.found);
        faults.extend(silences(&found, &self.found));
        faults.iter_mut().for_each(|fault| fault.push_str(&format!(" {:?}", found.counters)));
        faults
    }
}

/// The numbers below `len` that are tried.
fn places(len: usize) -> impl Iterator<Item = usize> {
    let set = env::var("WRONGDOOR_DAMAGED_PLACES").ok().and_then(|text| text.parse().ok());
    let step = len.div_ceil(set.unwrap_or(PLACES).max(1)).max(1);
    // An odd step reaches odd and even places.
    (0..len).step_by(if step > 1 { step | 1 } else { 1 })
}

#[track_caller]
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn any_two_neighbours_may_change_places() -> Result<()> {
    let mut faults = Vec::new();
    for whole in Whole::all()? {
        for at in places(whole.frames.len() - 1) {
            let mut frames = whole.frames.clone();
            frames.swap(at, at + 1);
            let found = whole.faults(&frames);
            faults.extend(found.iter().map(|it| format!("{}, {at}: {it}", whole.name)));
        }
    }
    none(&faults);
    Ok(())
}

#[test]
fn any_packet_may_come_twice() -> Result<()> {
    let mut faults = Vec::new();
    for whole in Whole::all()? {
        for at in places(whole.frames.len()) {
            for later in [1, 2, 9] {
                let mut frames = whole.frames.clone();
                frames.insert((at + later).min(frames.len()), frames[at].clone());
                let found = whole.faults(&frames);
                faults.extend(found.iter().map(|it| format!("{}, {at}: {it}", whole.name)));
            }
        }
    }
    none(&faults);
    Ok(())
}

/// What protects a byte of a frame.
enum Protection {
    /// A record's tag, or that a record has to be where it is.
    Tag,
    /// Nothing that proves a change: with other ports, it is a packet of another connection.
    Header,
    /// Nothing: what is said in the clear.
    None,
}

fn protection(frame: &Frame, at: usize) -> Protection {
    let Some(segment) = Segment::of(frame) else { return Protection::None };
    let Some(place) = at.checked_sub(frame.bytes.len() - segment.payload.len()) else {
        return Protection::Header;
    };
    // Records in the clear stand in front.
    let mut rest = &segment.payload[..];
    while let [20..=22, 3, _, high, low, ..] = rest {
        let len = 5 + usize::from(u16::from_be_bytes([*high, *low]));
        rest = rest.get(len..).unwrap_or_default();
    }
    let clear = segment.payload.len() - rest.len();
    match rest {
        [23, 3, 3, ..] if place >= clear => Protection::Tag,
        _ => Protection::None,
    }
}

/// Of what is in the clear, nothing proves a change: neither the checksums, which cards fill in late, nor the rest.
#[test]
fn any_byte_of_a_sealed_record_or_a_header_may_change() -> Result<()> {
    let mut faults = Vec::new();
    for whole in Whole::all()?.iter().filter(|whole| !whole.keys.is_empty()) {
        let bytes = whole.frames.iter().enumerate();
        let bytes: Vec<_> = bytes
            .flat_map(|(number, frame)| (0..frame.bytes.len()).map(move |at| (number, at)))
            .collect();
        for place in places(bytes.len()) {
            let (number, at) = bytes[place];
            let protection = protection(&whole.frames[number], at);
            if matches!(protection, Protection::None) {
                continue;
            }
            let mut frames = whole.frames.clone();
            frames[number].bytes[at] ^= 1 << (place % 8);
            let mut found = whole.faults(&frames);
            if matches!(protection, Protection::Header) {
                found.retain(|fault| !fault.starts_with("there is no such connection"));
            }
            let name = format!("{}, frame {number}, byte {at}", whole.name);
            faults.extend(found.iter().map(|it| format!("{name}: {it}")));
        }
    }
    none(&faults);
    Ok(())
}
