//! Counts, and the nouns that they are of.

/// `1 request`, `1204 requests`.
pub(crate) fn plural(count: u64, what: &str) -> String {
    format!("{count} {what}{}", ending(count))
}

/// `1 request`, `1,204 requests`.
pub(crate) fn grouped_plural(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), ending(count))
}

/// `1,204`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn ending(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_nouns_follow_them() {
        assert_eq!([0, 999, 1_204].map(grouped), ["0", "999", "1,204"]);
        assert_eq!(grouped_plural(1_000_000, "request"), "1,000,000 requests");
        assert_eq!(
            [0, 1, 1_204].map(|count| plural(count, "row")),
            ["0 rows", "1 row", "1204 rows"]
        );
    }
}
