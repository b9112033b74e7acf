//! Lengths of time as people write them: `90s`, `5m`, `1h`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::str::FromStr;
use std::time::Duration;
use std::{error, fmt};

/// A length of time, in whole seconds and more than none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(pub Duration);

/// It is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotALength;

impl fmt::Display for NotALength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a duration like 90s, 5m or 1h, of a second or more")
    }
}

impl error::Error for NotALength {}

impl FromStr for Length {
    type Err = NotALength;

    fn from_str(text: &str) -> Result<Self, NotALength> {
        let (number, unit) =
            text.split_at_checked(text.len().saturating_sub(1)).ok_or(NotALength)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(NotALength),
        };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotALength);
        }
        match number.parse().ok().and_then(|number: u64| number.checked_mul(seconds)) {
            None | Some(0) => Err(NotALength),
            // Longer than any clock runs, and short enough to be added to one.
            Some(seconds) => Ok(Self(Duration::from_secs(seconds.min(u64::from(u32::MAX))))),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (seconds % 3600, seconds % 60) {
            (0, _) => write!(f, "{}h", seconds / 3600),
            (_, 0) => write!(f, "{}m", seconds / 60),
            _ => write!(f, "{seconds}s"),
        }
    }
}

impl Serialize for Length {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| serde::de::Error::custom(format!("`{text}` is {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        let seconds = |text: &str| text.parse::<Length>().map(|length| length.0.as_secs());
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(seconds("1h"), Ok(3600));
        assert_eq!(seconds("18446744073709551615s"), Ok(u64::from(u32::MAX)));
        for wrong in
            ["", "s", "5", "m5", "+5s", "5 s", "1.5h", "5d", "5µ", "18446744073709551615h", "0s"]
        {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn they_are_written_as_they_are_read() {
        for text in ["90s", "5m", "1h", "36h", "61m"] {
            assert_eq!(text.parse::<Length>().unwrap().to_string(), text);
        }
    }
}
