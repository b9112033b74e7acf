//! Names and times as the page says them.

use super::visible::visible;
use crate::text::Clock;
use std::time::Duration;
use wrongdoor_core::time::Timestamp;

/// The longest text from the network that a line of prose or a drawing shows whole.
const MAX_SHORT: usize = 40;

/// A name cut in its middle: both ends of a host say something.
pub(super) fn short(text: &str) -> String {
    let text = visible(text);
    let len = text.chars().count();
    if len <= MAX_SHORT {
        return text;
    }
    let (front, back) = (MAX_SHORT / 3, MAX_SHORT - MAX_SHORT / 3 - 1);
    let front: String = text.chars().take(front).collect();
    let back: String = text.chars().skip(len - back).collect();
    format!("{front}…{back}")
}

/// One after the other, with an “and” before the last.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

/// `2026-11-20 12:00:00.123`, UTC.
pub(super) fn time(clock: &mut Clock, at: Timestamp) -> String {
    let time = clock.time(at);
    let text = time.as_str();
    let (day, rest) = text.split_once('T').unwrap_or((text, ""));
    format!("{day} {}", rest.get(..12).unwrap_or(rest))
}

/// As many digits as say something: `0.8 ms`, `12 ms`, `3.4 s`, `5 min 2 s`.
pub(super) fn duration(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1e3;
    let seconds = duration.as_secs();
    match milliseconds {
        ..0.01 => "0 ms".to_owned(),
        ..0.995 => format!("{milliseconds:.2} ms"),
        ..9.95 => format!("{milliseconds:.1} ms"),
        ..999.5 => format!("{milliseconds:.0} ms"),
        ..59_950.0 => format!("{:.1} s", milliseconds / 1e3),
        ..3_600_000.0 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// From one time to another; nothing where the other was before.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_nanos(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_durations_are_for_people() {
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        for (millis, text) in [
            (0.0, "0 ms"),
            (0.8, "0.80 ms"),
            (3.21, "3.2 ms"),
            (12.4, "12 ms"),
            (3400.0, "3.4 s"),
            (302_000.0, "5 min 2 s"),
            (7_260_000.0, "2 h 1 min"),
        ] {
            assert_eq!(duration(Duration::from_secs_f64(millis / 1e3)), text);
        }
    }

    #[test]
    fn both_ends_of_a_long_name_are_shown() {
        let name = format!("first.{}.last.test", "x".repeat(300));
        let shown = short(&name);
        assert_eq!(shown.chars().count(), MAX_SHORT);
        assert!(shown.starts_with("first.") && shown.ends_with(".last.test"), "{shown}");
    }

    #[test]
    fn times_are_to_the_millisecond() {
        let at = Timestamp(1_700_000_000_123_456_789);
        assert_eq!(time(&mut Clock::default(), at), "2023-11-14 22:13:20.123");
    }
}
