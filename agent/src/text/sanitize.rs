//! Text from elsewhere, made safe to print.

/// The longest text that is shown whole, in characters.
const MAX_TEXT: usize = 56;

/// Text that a traced process or a peer chose, as a path or a command: short, and without anything that a terminal obeys.
/// The end says most about a path, so it stays.
pub(crate) fn sanitize(text: &str) -> String {
    let shown = |c: char| if c.is_ascii() && !c.is_ascii_control() { c } else { '\u{fffd}' };
    let len = text.chars().count();
    if len <= MAX_TEXT {
        return text.chars().map(shown).collect();
    }
    std::iter::once('…').chain(text.chars().skip(len + 1 - MAX_TEXT).map(shown)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_obey_nothing() {
        assert_eq!(sanitize("a\u{1b}[2J\nb\u{202e}"), "a\u{fffd}[2J\u{fffd}b\u{fffd}");
        let long = sanitize(&format!("/{}/libssl.so.3", "x".repeat(4000)));
        assert_eq!(long.chars().count(), MAX_TEXT);
        assert!(long.starts_with('…') && long.ends_with("/libssl.so.3"));
    }
}
