//! HTML and SVG, written so that text cannot become markup.
//!
//! Names of elements and attributes are literals; everything else is escaped. There is no other way in.

use std::borrow::Cow;
use std::fmt::Display;

/// What our own prose is made of besides ASCII.
const PROSE: &str = "…–—→←↻·×“”‘’≥✓✗";

/// A piece of a page.
#[derive(Debug, Default)]
pub(super) struct Html(String);

/// An element whose start tag is still open for attributes.
#[must_use = "an element ends with its content"]
pub(super) struct Element<'a> {
    html: &'a mut Html,
    name: &'static str,
}

impl Html {
    /// The document type: what every page begins with.
    pub(super) fn page() -> Self {
        Self("<!doctype html>\n".to_owned())
    }

    /// Begins an element.
    pub(super) fn element(&mut self, name: &'static str) -> Element<'_> {
        self.0.push('<');
        self.0.push_str(name);
        Element { html: self, name }
    }

    /// An element with a class.
    pub(super) fn classed(&mut self, name: &'static str, class: &str) -> Element<'_> {
        self.element(name).attr("class", class)
    }

    /// Text.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        escape(&mut self.0, &text.to_string());
        self
    }

    /// A name of ours, which may go on in the next line behind each underscore.
    pub(super) fn breakable(&mut self, name: &'static str) {
        for (nth, part) in name.split('_').enumerate() {
            self.0.push_str(if nth > 0 { "_<wbr>" } else { "" });
            self.text(part);
        }
    }

    /// A style sheet or script of ours, as it is: what the policy's hash is of.
    pub(super) fn asset(&mut self, name: &'static str, asset: &'static str) {
        self.0.push_str(&format!("<{name}>{asset}</{name}>\n"));
    }

    /// Another piece.
    pub(super) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl<'a> Element<'a> {
    /// An attribute.
    pub(super) fn attr(self, name: &'static str, value: impl Display) -> Self {
        self.html.0.push(' ');
        self.html.0.push_str(name);
        self.html.0.push_str("=\"");
        escape(&mut self.html.0, &value.to_string());
        self.html.0.push('"');
        self
    }

    /// Ends it around text.
    pub(super) fn text(self, text: impl Display) {
        self.with(|html| {
            html.text(text);
        });
    }

    /// Ends it around what `content` writes.
    pub(super) fn with(self, content: impl FnOnce(&mut Html)) {
        let Self { html, name } = self;
        html.0.push('>');
        content(html);
        html.0.push_str("</");
        html.0.push_str(name);
        html.0.push('>');
        if is_block(name) {
            html.0.push('\n');
        }
    }

    /// Ends it where it has no content and no end tag.
    pub(super) fn void(self) {
        self.html.0.push('>');
    }
}

/// Lines for who reads the source.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "li" | "ul" | "ol" | "tr" | "section" | "article" | "svg" | "h2" | "h3" | "g" | "dd"
    )
}

/// Text as HTML has it between tags and between quotes.
fn escape(html: &mut String, text: &str) {
    for c in visible(text).chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
}

/// Text in which what would not be seen, or would move what stands beside it, is named instead.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let is_seen = |c: char| {
        matches!(c, ' '..='~') || PROSE.contains(c) || c.is_alphanumeric() && !is_right_to_left(c)
    };
    if text.chars().all(is_seen) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::new();
    for c in text.chars() {
        if is_seen(c) {
            visible.push(c);
        } else {
            visible.push_str(&format!("[U+{:04X}]", u32::from(c)));
        }
    }
    Cow::Owned(visible)
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

    fn escaped(text: &str) -> String {
        let mut html = Html::default();
        html.text(text);
        html.0
    }

    #[test]
    fn text_is_never_markup() {
        assert_eq!(
            escaped("</script><b a='1' b=\"2\">&amp;"),
            "&lt;/script&gt;&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;amp;"
        );
        let mut html = Html::default();
        html.element("a").attr("title", "\"><img onerror=alert(1)>").text("x");
        assert_eq!(html.0, "<a title=\"&quot;&gt;&lt;img onerror=alert(1)&gt;\">x</a>");
    }

    #[test]
    fn what_would_not_be_seen_is_named() {
        assert_eq!(
            escaped("a\u{202e}b\0c\nd\u{2028}\u{200b}\u{feff}"),
            "a[U+202E]b[U+0000]c[U+000A]d[U+2028][U+200B][U+FEFF]"
        );
        assert_eq!(escaped("é ü 中 … שלום"), "é ü 中 … [U+05E9][U+05DC][U+05D5][U+05DD]");
    }

    proptest::proptest! {
        #[test]
        fn no_text_leaves_its_place(text in "\\PC*|.*") {
            let escaped = escaped(&text);
            for special in ['<', '>', '"', '\'', '\n', '\u{202e}', '\u{2066}'] {
                proptest::prop_assert!(!escaped.contains(special));
            }
        }
    }
}
