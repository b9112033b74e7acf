//! How fast connections are opened.

use std::str::FromStr;
use std::time::{Duration, Instant};

/// So many connections in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval: Duration,
}

/// It is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a rate such as 20/s or 600/m")]
pub struct NotARate;

impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            _ => return Err(NotARate),
        };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotARate);
        }
        let number = number.parse().ok().filter(|number| (1..=100_000).contains(number));
        let number: u32 = number.ok_or(NotARate)?;
        Ok(Self { interval: Duration::from_secs(seconds) / number })
    }
}

/// Hands out the moments to begin at, evenly.
pub(crate) struct Pace {
    interval: Duration,
    next: Option<Instant>,
}

impl Pace {
    /// Without a rate, every moment is right.
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        Self { interval: rate.map_or(Duration::ZERO, |rate| rate.interval), next: None }
    }

    /// When the next one may begin. What was not used is not made up for: a server would see a burst.
    pub(crate) fn next(&mut self, now: Instant) -> Instant {
        let at = self.next.map_or(now, |next| next.max(now));
        self.next = Some(at + self.interval);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_number_and_a_unit() {
        for (text, milliseconds) in [("20/s", 50), ("20", 50), ("600/m", 100), ("1/m", 60_000)] {
            let interval = Duration::from_millis(milliseconds);
            assert_eq!(text.parse(), Ok(Rate { interval }), "{text}");
        }
        for text in ["", "0", "0/s", "-1", "+1", "1/h", "1.5", "/s", "999999999"] {
            assert_eq!(text.parse::<Rate>(), Err(NotARate), "{text}");
        }
    }

    #[test]
    fn beginnings_are_spread() {
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut pace = Pace::new(Some("10/s".parse().unwrap()));
        assert_eq!(pace.next(start), start);
        assert_eq!(pace.next(start), after(100));
        assert_eq!(pace.next(start), after(200));
        // Nothing is made up for.
        assert_eq!(pace.next(after(1000)), after(1000));
        assert_eq!(pace.next(after(1000)), after(1100));
        let mut pace = Pace::new(None);
        assert_eq!((pace.next(start), pace.next(start)), (start, start));
    }
}
