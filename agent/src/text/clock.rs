//! Times as text: RFC 3339, UTC, with nanoseconds.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use wrongdoor_core::time::Timestamp;

const NANOSECONDS: i64 = 1_000_000_000;
/// `2026-11-20T12:00:00.123456789Z`; years are four digits within 64 bits of nanoseconds.
const LEN: usize = 30;
/// Where the fraction begins.
const FRACTION: usize = 20;

/// Makes times into text. Times in a row mostly share their second, and with it their text up to the dot.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    second: Option<(i64, [u8; LEN])>,
}

/// A time as text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time([u8; LEN]);

impl Clock {
    /// The text of a time.
    pub(crate) fn time(&mut self, at: Timestamp) -> Time {
        let second = at.0.div_euclid(NANOSECONDS);
        let mut text = match self.second {
            Some((known, text)) if known == second => text,
            _ => {
                let text = whole_second(second);
                self.second = Some((second, text));
                text
            }
        };
        let mut fraction = at.0.rem_euclid(NANOSECONDS);
        for digit in text.iter_mut().take(LEN - 1).skip(FRACTION).rev() {
            *digit = b'0' + u8::try_from(fraction % 10).unwrap_or_default();
            fraction /= 10;
        }
        Time(text)
    }
}

impl Time {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn whole_second(second: i64) -> [u8; LEN] {
    // Every 64-bit count of nanoseconds is within jiff's range of years.
    let time = jiff::Timestamp::from_second(second).unwrap_or_default();
    let text = format!("{time:.9}");
    text.as_bytes().first_chunk().copied().unwrap_or([b'0'; LEN])
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_nanoseconds_before_and_after_the_epoch() {
        let mut clock = Clock::default();
        let mut text = |at| String::from_utf8(clock.time(Timestamp(at)).0.to_vec()).unwrap();
        assert_eq!(text(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(text(1_700_000_000_000_000_001), "2023-11-14T22:13:20.000000001Z");
        assert_eq!(text(1_700_000_000_999_999_999), "2023-11-14T22:13:20.999999999Z");
        assert_eq!(text(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(text(i64::MAX), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(text(i64::MIN), "1677-09-21T00:12:43.145224192Z");
    }
}
