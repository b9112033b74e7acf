//! Tables of text for terminals.

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

/// Tables are no wider than this many columns.
pub(crate) const WIDTH: u16 = 100;
/// The most rows that are shown; the rest is counted.
const MAX_ROWS: usize = 50;

/// How the first cell of a row looks on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Worth knowing.
    Warning,
    /// Broken.
    Bad,
}

/// A table with this header, or nothing where there are no rows.
pub(crate) fn grid<const N: usize>(
    header: [&str; N],
    rows: &[(Tone, [String; N])],
    colour: bool,
) -> String {
    let rows = rows.iter().map(|(tone, row)| (*tone, row.as_slice()));
    render(header.iter().copied(), rows, colour)
}

/// The same with as many columns as there are.
pub(crate) fn wide_grid(header: &[String], rows: &[(Tone, Vec<String>)], colour: bool) -> String {
    let rows = rows.iter().map(|(tone, row)| (*tone, row.as_slice()));
    render(header.iter().map(String::as_str), rows, colour)
}

fn render<'a>(
    header: impl Iterator<Item = &'a str>,
    rows: impl ExactSizeIterator<Item = (Tone, &'a [String])>,
    colour: bool,
) -> String {
    let more = rows.len().saturating_sub(MAX_ROWS);
    if rows.len() == 0 {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    if colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(header);
    for (tone, row) in rows.take(MAX_ROWS) {
        table.add_row(row.iter().enumerate().map(|(column, text)| {
            let cell = Cell::new(text);
            match tone {
                Tone::Good if column == 0 => cell.fg(Color::Green),
                Tone::Warning if column == 0 => cell.fg(Color::Yellow),
                Tone::Bad if column == 0 => cell.fg(Color::Red),
                _ => cell,
            }
        }));
    }
    let mut text = table.to_string();
    text.push('\n');
    if more > 0 {
        text.push_str(&format!("… and {more} more\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_narrow_and_long_ones_are_cut() {
        assert_eq!(grid(["a"], &[], false), "");
        let row = (Tone::Bad, ["x".repeat(30), "word ".repeat(60)]);
        let text = grid(["a", "b"], &vec![row; MAX_ROWS + 2], false);
        assert!(text.ends_with("… and 2 more\n") && !text.contains('\u{1b}'));
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(WIDTH)));
        let row = (Tone::Bad, ["x".to_owned()]);
        assert!(grid(["a"], &[row], true).contains('\u{1b}'));
    }
}
