use std::collections::BTreeMap;

use anyhow::Result;
use wrongdoor_tests::golden::Golden;
use wrongdoor_tests::wire::{self, Dice, Found, Frame, Segment, contradictions, observe};

/// The longest frame that a random snap length leaves whole.
const LONGEST: usize = 1600;

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
        let samples = wire::samples().into_iter();
        all.extend(samples.map(|(name, frames)| (name.to_owned(), frames, Vec::new())));
        let whole = |(name, frames, keys): (String, Vec<Frame>, Vec<u8>)| {
            let found = observe(&frames, &keys);
            Self { name, frames, keys, found }
        };
        Ok(all.into_iter().map(whole).collect())
    }

    /// The frames of each connection on its own.
    fn connections(&self) -> Vec<Vec<Frame>> {
        let mut connections = BTreeMap::<_, Vec<Frame>>::new();
        for frame in &self.frames {
            if let Some(segment) = Segment::of(frame) {
                let ends = (segment.from.min(segment.to), segment.from.max(segment.to));
                connections.entry(ends).or_default().push(frame.clone());
            }
        }
        connections.into_values().collect()
    }

    #[track_caller]
    fn agrees(&self, what: &str, frames: &[Frame]) -> Found {
        let part = observe(frames, &self.keys);
        let wrong = contradictions(&part, &self.found);
        assert!(wrong.is_empty(), "{}, {what}:\n{}\n{:#?}", self.name, wrong.join("\n"), part);
        part
    }
}

fn without(frames: &[Frame], dropped: &[usize]) -> Vec<Frame> {
    let kept = |(at, _): &(usize, &Frame)| !dropped.contains(at);
    frames.iter().enumerate().filter(kept).map(|(_, frame)| frame.clone()).collect()
}

#[test]
fn from_any_packet_on_nothing_is_wrong() -> Result<()> {
    for whole in Whole::all()? {
        for (start, _) in whole.frames.iter().enumerate() {
            whole.agrees(&format!("from packet {start} on"), &whole.frames[start..]);
        }
    }
    Ok(())
}

#[test]
fn up_to_any_packet_nothing_is_wrong() -> Result<()> {
    for whole in Whole::all()? {
        for (end, _) in whole.frames.iter().enumerate() {
            whole.agrees(&format!("up to packet {end}"), &whole.frames[..end]);
        }
    }
    Ok(())
}

#[test]
fn without_any_packet_nothing_is_wrong() -> Result<()> {
    for whole in Whole::all()? {
        let mut told = 0;
        for (at, _) in whole.frames.iter().enumerate() {
            let part =
                whole.agrees(&format!("without packet {at}"), &without(&whole.frames, &[at]));
            told += part.exchanges.len();
        }
        // And most of it is still told.
        let all = whole.found.exchanges.len() * whole.frames.len();
        assert!(2 * told >= all, "{}: {told} of {all}", whole.name);
    }
    Ok(())
}

#[test]
fn without_any_two_packets_of_a_connection_nothing_is_wrong() -> Result<()> {
    for whole in Whole::all()? {
        for frames in whole.connections() {
            // All pairs of short connections; of long ones, every so many.
            let step = 1 + frames.len() / 60;
            for first in 0..frames.len() {
                for second in (first + 1..frames.len()).step_by(step) {
                    let what = format!("a connection without packets {first} and {second}");
                    whole.agrees(&what, &without(&frames, &[first, second]));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn with_any_snap_length_nothing_is_wrong() -> Result<()> {
    for whole in Whole::all()? {
        for seed in 0..40 {
            let mut dice = Dice::new(seed);
            let one = dice.within(20..LONGEST);
            let frames: Vec<_> = whole.frames.iter().map(|frame| frame.snapped(one)).collect();
            whole.agrees(&format!("snapped at {one}"), &frames);
            let mut some = |frame: &Frame| match dice.once_in(6) {
                true => frame.snapped(dice.within(20..LONGEST)),
                false => frame.clone(),
            };
            let frames: Vec<_> = whole.frames.iter().map(&mut some).collect();
            whole.agrees(&format!("some snapped, seed {seed}"), &frames);
        }
    }
    Ok(())
}

/// Loss of every kind at once.
#[test]
fn with_random_losses_nothing_is_wrong() -> Result<()> {
    for whole in Whole::all()? {
        for seed in 0..60 {
            let mut dice = Dice::new(seed);
            let often = 2 + dice.within(0..15);
            let start = dice.within(0..whole.frames.len() / 2);
            let mut frames: Vec<_> = whole.frames[start..].to_vec();
            frames.retain(|_| !dice.once_in(often));
            whole.agrees(&format!("lossy, seed {seed}"), &frames);
        }
    }
    Ok(())
}

/// One end's packets only, as where two paths differ.
#[test]
fn of_one_side_nothing_is_wrong() -> Result<()> {
    for whole in Whole::all()? {
        for frames in whole.connections() {
            let Some(client) = frames.iter().find_map(Segment::of).map(|segment| segment.from)
            else {
                continue;
            };
            for keep_client in [true, false] {
                let is_kept = |frame: &&Frame| {
                    Segment::of(frame)
                        .is_some_and(|segment| (segment.from == client) == keep_client)
                };
                let half: Vec<_> = frames.iter().filter(is_kept).cloned().collect();
                whole.agrees(&format!("one side, the client's: {keep_client}"), &half);
            }
        }
    }
    Ok(())
}
