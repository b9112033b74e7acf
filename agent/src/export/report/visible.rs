//! Text from the network, shown so that nothing in it is hidden and nothing moves what stands beside it.
//!
//! Templates escape text, so that it cannot become markup. What an escape leaves as it is, [`finish_markup`] names:
//! the whole page passes through it, so that no template can forget to.

use maud::{Markup, PreEscaped};

/// What our own prose is made of besides ASCII.
const PROSE: &str = "…–—→←↻·×“”‘’≥✓✗";
/// The end tags, behind their `</`, that end a line of the source.
const LINE_ENDS: [&str; 12] =
    ["p>", "li>", "ul>", "ol>", "tr>", "section>", "article>", "svg>", "h2>", "h3>", "g>", "dd>"];

/// Markup as it goes into the page: all of it visible, and in lines.
pub(super) fn finish_markup(markup: &Markup) -> Markup {
    let mut finished = String::with_capacity(markup.0.len());
    for c in visible(&markup.0).chars() {
        match c {
            // The templates' attributes are in double quotes; text is safe in single ones too.
            '\'' => finished.push_str("&#39;"),
            _ => finished.push(c),
        }
        let end_tag = (c == '>').then(|| finished.rsplit_once("</")).flatten();
        if end_tag.is_some_and(|(_, tag)| LINE_ENDS.contains(&tag)) {
            finished.push('\n');
        }
    }
    PreEscaped(finished)
}

/// Text in which characters that would not be seen, or would change the order of others, are named instead.
pub(super) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        let is_letter = c.is_alphanumeric() && !is_right_to_left(c);
        if matches!(c, ' '..='~') || PROSE.contains(c) || is_letter {
            visible.push(c);
        } else {
            visible.push_str(&format!("[U+{:04X}]", u32::from(c)));
        }
    }
    visible
}

/// Letters that turn around the order of what stands beside them.
fn is_right_to_left(c: char) -> bool {
    matches!(
        u32::from(c),
        0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff | 0x10800..=0x10fff | 0x1e800..=0x1efff
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use maud::html;

    fn finished(text: &str) -> String {
        finish_markup(&html! { (text) }).into_string()
    }

    #[test]
    fn text_is_never_markup() {
        assert_eq!(
            finished("</script><b a='1' b=\"2\">&amp;"),
            "&lt;/script&gt;&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;amp;"
        );
        let attribute = html! { a title=("\"><img onerror=alert(1)>") { "x" } };
        assert_eq!(
            finish_markup(&attribute).0,
            "<a title=\"&quot;&gt;&lt;img onerror=alert(1)&gt;\">x</a>"
        );
    }

    #[test]
    fn what_would_not_be_seen_is_named() {
        assert_eq!(
            finished("a\u{202e}b\0c\nd\u{2028}\u{200b}\u{feff}"),
            "a[U+202E]b[U+0000]c[U+000A]d[U+2028][U+200B][U+FEFF]"
        );
        assert_eq!(finished("é ü 中 … שלום"), "é ü 中 … [U+05E9][U+05DC][U+05D5][U+05DD]");
    }

    #[test]
    fn only_tags_of_ours_end_lines() {
        let list = html! { ul { li { "</li>" } li { "2" } } };
        assert_eq!(finish_markup(&list).0, "<ul><li>&lt;/li&gt;</li>\n<li>2</li>\n</ul>\n");
    }

    proptest::proptest! {
        #[test]
        fn no_text_leaves_its_place(text in "\\PC*|.*") {
            let finished = finished(&text);
            for special in ['<', '>', '"', '\'', '\n', '\u{202e}', '\u{2066}'] {
                proptest::prop_assert!(!finished.contains(special));
            }
        }
    }
}
