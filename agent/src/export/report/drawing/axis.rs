//! Where times are on the drawing: in order, and longer pauses shortened, so that an answer within a millisecond and a
//! retry after a minute fit on one line.

use crate::export::report::words;
use wrongdoor_core::time::Timestamp;

/// What any step takes besides its length: times that differ are never in one place.
const STEP: f64 = 1.2;
/// A pause of this many nanoseconds begins to be shortened.
const SHORT: f64 = 200_000.0;

/// Times and their places.
#[derive(Debug)]
pub(super) struct Axis {
    /// In order, each with its distance from the first.
    places: Vec<(Timestamp, f64)>,
    left: f64,
    /// Pixels for a unit of distance.
    scale: f64,
}

impl Axis {
    /// An axis of these times, from `left` to `right`.
    pub(super) fn of(mut times: Vec<Timestamp>, left: f64, right: f64) -> Self {
        times.sort_unstable();
        times.dedup();
        let mut places: Vec<(Timestamp, f64)> = Vec::with_capacity(times.len());
        for at in times {
            let place = places.last().map_or(0.0, |(before, place)| {
                let pause = words::between(*before, at).as_nanos() as f64;
                place + STEP + (pause / SHORT).ln_1p()
            });
            places.push((at, place));
        }
        let whole = places.last().map_or(0.0, |(_, place)| *place);
        let scale = if whole > 0.0 { (right - left) / whole } else { 0.0 };
        Self { places, left, scale }
    }

    /// Where a time is: one of those that it is made of, or the nearest before it.
    pub(super) fn x(&self, at: Timestamp) -> f64 {
        let before = self.places.partition_point(|(known, _)| *known <= at);
        let place = self.places.get(before.saturating_sub(1)).map_or(0.0, |(_, place)| *place);
        self.left + place * self.scale
    }

    /// Its first time.
    pub(super) fn start(&self) -> Timestamp {
        self.places.first().map(|(at, _)| *at).unwrap_or_default()
    }

    /// Times to be written below, at least `apart` from each other.
    pub(super) fn ticks(&self, apart: f64) -> Vec<(f64, Timestamp)> {
        let mut ticks: Vec<(f64, Timestamp)> = Vec::new();
        for (at, _) in &self.places {
            let x = self.x(*at);
            if ticks.last().is_none_or(|(before, _)| x - before >= apart) {
                ticks.push((x, *at));
            }
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_order_and_all_pauses_are_seen() {
        let times = [0, 400_000, 500_000, 60_000_000_000, 3_600_000_000_000].map(Timestamp);
        let axis = Axis::of(times.to_vec(), 10.0, 910.0);
        let places = times.map(|at| axis.x(at));
        assert_eq!((places[0], places[4]), (10.0, 910.0));
        assert!(
            places.is_sorted() && places.windows(2).all(|pair| pair[1] - pair[0] > 20.0),
            "{places:?}"
        );
        assert_eq!(axis.ticks(1000.0).len(), 1);
        assert_eq!(Axis::of(vec![Timestamp(5)], 1.0, 2.0).x(Timestamp(5)), 1.0);
    }
}
