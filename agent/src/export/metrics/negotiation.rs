//! In which dialect a scrape is answered: the one that it likes best.

use super::dialect::Dialect;

impl Dialect {
    /// By the values of `Accept` (RFC 9110 §12.5.1). Where none fits, the answer is text all the same: a refused
    /// scrape helps no one.
    pub(crate) fn accepted<'a>(accept: impl IntoIterator<Item = &'a str>) -> Self {
        let mut best = (0, Self::Text);
        for range in accept.into_iter().flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut weight, mut version) = (1000, None);
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match name.trim().to_ascii_lowercase().as_str() {
                    "q" => weight = weight_of(value.trim()),
                    "version" => version = Some(value.trim().trim_matches('"')),
                    _ => {}
                }
            }
            let dialect = match (&*media, version) {
                ("application/openmetrics-text", None | Some("1.0.0" | "0.0.1")) => {
                    Self::OpenMetrics
                }
                ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => Self::Text,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, dialect);
            }
        }
        best.1
    }
}

/// `0.75` as 750. What is no weight is none.
fn weight_of(text: &str) -> u32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" => 1000,
        "0" if digits => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_scraper_likes_best_is_answered() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
                          application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(Dialect::accepted([prometheus]), Dialect::OpenMetrics);
        assert_eq!(
            Dialect::accepted(["text/plain", "application/openmetrics-text; q=0.9"]),
            Dialect::Text
        );
        assert_eq!(Dialect::accepted(["Application/OpenMetrics-Text"]), Dialect::OpenMetrics);
        assert_eq!(
            Dialect::accepted(["application/openmetrics-text;version=\"1.0.0\""]),
            Dialect::OpenMetrics
        );
        assert_eq!(
            Dialect::accepted(["application/openmetrics-text;q=0,*/*;q=0.001"]),
            Dialect::Text
        );
        for fallback in
            ["", "*/*", "text/html", "application/openmetrics-text;version=2.0.0", ";;=,q"]
        {
            assert_eq!(Dialect::accepted([fallback]), Dialect::Text, "{fallback}");
        }
        assert_eq!(Dialect::accepted([]), Dialect::Text);
    }

    #[test]
    fn weights_are_thousandths() {
        let weights =
            ["1", "1.000", "0.5", "0.123", "0", "0.1234", "2", "-1", "x", ""].map(weight_of);
        assert_eq!(weights, [1000, 1000, 500, 123, 0, 0, 0, 0, 0, 0]);
    }
}
