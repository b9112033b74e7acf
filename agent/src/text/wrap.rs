//! Sentences in lines of a table's width.

use super::WIDTH;

/// Appends words in lines of at most [`WIDTH`] columns: the first begins with `first`, all others with `further`.
pub(crate) fn wrapped(text: &mut String, first: &str, further: &str, words: &str) {
    let mut row = first.to_owned();
    let mut len = row.chars().count();
    for word in words.split(' ') {
        let longer = word.chars().count();
        if len > first.len() && len + 1 + longer > usize::from(WIDTH) {
            end_line(text, &row);
            row = further.to_owned();
            len = further.len();
        } else if len > first.len() {
            row.push(' ');
            len += 1;
        }
        row.push_str(word);
        len += longer;
    }
    end_line(text, &row);
}

fn end_line(text: &mut String, row: &str) {
    text.push_str(row);
    text.push('\n');
}
