//! The table itself: 100 columns, nothing from the network that a terminal would obey.

use super::{NotRead, TableRow, TableSection, Why};
use crate::export::Summary;
use crate::text::{WIDTH, plural, status, verdict};
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use std::collections::BTreeSet;
use wrongdoor_core::observation::verdict::Verdict;

/// The most rows of one kind; the rest is counted.
const MAX_ROWS: usize = 25;
/// The longest name that is shown whole.
const MAX_NAME: usize = 24;

pub(super) fn render(
    rows: &[(TableRow, u64)],
    why: &Why,
    summary: &Summary,
    not_read: &NotRead,
    ungrouped: u64,
    colour: bool,
) -> String {
    let mut text = String::new();
    not_read.render(summary, colour, &mut text);
    let sections = [
        (TableSection::Misdirected, "Misdirected: answered with 421"),
        (
            TableSection::Silent,
            "Silent misdirects: 2xx from a server that was not seen to serve that host",
        ),
        (
            TableSection::Mismatched,
            "Mismatched: for another host than the connection, with another answer",
        ),
        (TableSection::Other, "Everything else"),
    ];
    for (section, title) in sections {
        let rows: Vec<_> = rows.iter().filter(|(row, _)| row.section == section).collect();
        if !rows.is_empty() {
            add_section(&mut text, title, &rows, colour);
        }
    }
    why.render(&mut text);
    legend(&mut text, rows);
    if ungrouped > 0 {
        line(
            &mut text,
            &format!("{} of further patterns are not listed.", plural(ungrouped, "exchange")),
        );
    }
    if !text.is_empty() {
        text.push('\n');
    }
    line(&mut text, &sums(summary));
    text
}

/// Writing to a string does not fail.
pub(super) fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn add_section(text: &mut String, title: &str, rows: &[&(TableRow, u64)], colour: bool) {
    if !text.is_empty() {
        text.push('\n');
    }
    line(text, title);
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    if !colour {
        table.force_no_tty();
    } else {
        table.enforce_styling();
    }
    table.set_header(["SNI", "authority", "HTTP", "status", "count", "verdict"]);
    for (row, count) in rows.iter().take(MAX_ROWS) {
        table.add_row(cells(row, *count));
    }
    for column in [3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    line(text, &table.to_string());
    let more: u64 = rows.iter().skip(MAX_ROWS).map(|(_, count)| count).sum();
    if more > 0 {
        line(
            text,
            &format!(
                "… and {} more in {}",
                plural(more, "exchange"),
                plural((rows.len() - MAX_ROWS) as u64, "row")
            ),
        );
    }
}

fn cells(row: &TableRow, count: u64) -> Vec<Cell> {
    let status = Cell::new(status(row.status));
    let verdict = Cell::new(row.verdict.as_str());
    let (status, verdict) = match row.section {
        TableSection::Misdirected => {
            (status.fg(Color::Red).add_attribute(Attribute::Bold), verdict.fg(Color::Red))
        }
        TableSection::Silent => (status.fg(Color::Red), verdict.fg(Color::Red)),
        TableSection::Mismatched => (status, verdict.fg(Color::Yellow)),
        TableSection::Other => (status, verdict),
    };
    vec![
        Cell::new(name(&row.sni)),
        Cell::new(name(&row.authority)),
        Cell::new(row.version),
        status,
        Cell::new(count),
        verdict,
    ]
}

/// A name from the network, made harmless and short: what is not ASCII is no host, and may be wide. The end says most about a host, so it stays.
fn name(text: &str) -> String {
    let harmless: String = text
        .chars()
        .map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '\u{fffd}' })
        .collect();
    let len = harmless.chars().count();
    if len <= MAX_NAME {
        return harmless;
    }
    let end: String = harmless.chars().skip(len + 1 - MAX_NAME).collect();
    format!("…{end}")
}

fn legend(text: &mut String, rows: &[(TableRow, u64)]) {
    let verdicts: BTreeSet<Verdict> = rows.iter().map(|(row, _)| row.verdict).collect();
    if verdicts.is_empty() {
        return;
    }
    text.push('\n');
    for verdict in verdicts {
        line(text, &format!("  {:<28} {}", verdict.as_str(), verdict::meaning(verdict)));
    }
}

fn sums(summary: &Summary) -> String {
    let mut text = format!(
        "{} on {} in {}: {} misdirected, {} mismatched",
        plural(summary.exchanges, "exchange"),
        plural(summary.connections, "connection"),
        plural(summary.packets, "packet"),
        summary.misdirected,
        summary.mismatched,
    );
    for (count, what) in [(summary.unreadable, "unreadable"), (summary.lost, "lost")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    if summary.unread > 0 {
        text.push_str(&format!(", {} not read", plural(summary.unread, "connection")));
    }
    text.push('.');
    text
}
