//! From an interface's ticks to nanoseconds.

use wrongdoor_core::time::Timestamp;

const NANOSECONDS: u64 = 1_000_000_000;

/// How an interface of a pcapng section counts time.
#[derive(Clone, Copy, Debug)]
pub(super) struct InterfaceClock {
    tick: Tick,
    /// Seconds to add to every timestamp.
    offset: i64,
}

#[derive(Clone, Copy, Debug)]
enum Tick {
    /// So many nanoseconds.
    Nanoseconds(u64),
    /// One so-many-th of a nanosecond; 0 stands for more than any count of ticks reaches.
    NanosecondOver(u64),
    /// One second, halved so many times.
    SecondHalved(u32),
}

// === impl InterfaceClock ===

impl InterfaceClock {
    /// `if_tsresol` where the option is missing: microseconds.
    pub(super) const DEFAULT_RESOLUTION: u8 = 6;

    /// `resolution` as in `if_tsresol`: a negative power of ten, or of two with the top bit set.
    pub(super) fn new(resolution: u8, offset: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let tick = if resolution & 0x80 != 0 {
            Tick::SecondHalved(exponent)
        } else if exponent <= 9 {
            Tick::Nanoseconds(10_u64.pow(9 - exponent))
        } else {
            Tick::NanosecondOver(10_u64.checked_pow(exponent - 9).unwrap_or(0))
        };
        Self { tick, offset }
    }

    /// The time of a packet, at the ends of what a [`Timestamp`] holds where it is beyond them.
    #[inline]
    pub(super) fn at(self, ticks: u64) -> Timestamp {
        let nanoseconds = match self.tick {
            Tick::Nanoseconds(each) => ticks.saturating_mul(each),
            Tick::NanosecondOver(parts) => ticks.checked_div(parts).unwrap_or(0),
            Tick::SecondHalved(times) => {
                // 64 + 30 bits, and exponents end at 127: neither step overflows.
                let nanoseconds = (u128::from(ticks) * u128::from(NANOSECONDS)) >> times;
                u64::try_from(nanoseconds).unwrap_or(u64::MAX)
            }
        };
        // In 128 bits, so that a large count and a large negative offset still meet.
        let shifted = i128::from(nanoseconds) + i128::from(self.offset) * i128::from(NANOSECONDS);
        Timestamp(shifted.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::InterfaceClock;

    #[test]
    fn every_resolution_and_offset_is_exact_and_in_range() {
        for resolution in 0..=u8::MAX {
            for offset in [i64::MIN, -1, 0, 1, i64::MAX] {
                for ticks in [0, 1, 1 << 32, u64::MAX] {
                    let (exponent, base) =
                        (u32::from(resolution & 0x7f), if resolution < 0x80 { 10 } else { 2 });
                    // What is finer than 128 bits can hold is less than a nanosecond for any count of ticks.
                    let unit = i128::checked_pow(base, exponent);
                    let nanoseconds =
                        unit.map_or(0, |unit| i128::from(ticks) * 1_000_000_000 / unit);
                    // Five hundred years are as long as a count gets.
                    let nanoseconds = nanoseconds.min(u64::MAX.into());
                    let expected = nanoseconds + i128::from(offset) * 1_000_000_000;
                    let expected = expected.clamp(i64::MIN.into(), i64::MAX.into());
                    let at = InterfaceClock::new(resolution, offset).at(ticks);
                    assert_eq!(i128::from(at.0), expected, "{resolution} {offset} {ticks}");
                }
            }
        }
    }

    #[test]
    fn powers_of_ten_and_two() {
        let at = |resolution, ticks| InterfaceClock::new(resolution, 0).at(ticks).0;
        assert_eq!(at(0, 7), 7_000_000_000);
        assert_eq!(at(3, 1_500), 1_500_000_000);
        assert_eq!(at(6, 1_500_000), 1_500_000_000);
        assert_eq!(at(9, 1_500_000_001), 1_500_000_001);
        assert_eq!(at(12, 1_500_000_000_999), 1_500_000_000);
        assert_eq!(at(127, u64::MAX), 0);
        assert_eq!(at(0x80, 3), 3_000_000_000);
        assert_eq!(at(0x80 | 1, 3), 1_500_000_000);
        assert_eq!(at(0x80 | 32, 3 << 31), 1_500_000_000);
        assert_eq!(at(0x80 | 127, u64::MAX), 0);
    }

    #[test]
    fn an_offset_is_whole_seconds() {
        assert_eq!(InterfaceClock::new(6, -2).at(3_000_001).0, 1_000_001_000);
        assert_eq!(InterfaceClock::new(9, i64::MIN).at(0).0, i64::MIN);
    }
}
