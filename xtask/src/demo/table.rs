//! What the agent told, as a table: each exchange once, with everybody in whom it was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::Result;
use serde_json::Value;
use wrongdoor_tests::report::{Report, number, text};

const HEAD: [&str; 7] = ["SNI", "authority", "HTTP", "status", "count", "verdict", "seen in"];

/// What makes a row: all that is told but where and how often.
type Row = [String; 5];

/// The exchanges with servers on `ports`, those first that went to the wrong door.
pub(super) fn of(events: &str, ports: &[u16]) -> Result<String> {
    let report = Report::parse(events.as_bytes())?;
    // One request is told by the client's end and by the server's.
    let mut requests: BTreeMap<_, (Option<&Value>, BTreeSet<&str>)> = BTreeMap::new();
    for line in report.exchanges.iter().filter(|line| is_ours(line, ports)) {
        let key = ["client", "server"].map(|name| text(line, name));
        let (told, seen) = requests.entry((key, number(line, "stream"))).or_default();
        // Where one end knows less than the other, the other's word counts.
        if told.is_none_or(|told| text(told, "verdict") == Some("unknown")) {
            *told = Some(line);
        }
        seen.extend(line.get("process").and_then(|process| text(process, "command")));
    }
    let mut rows: BTreeMap<(u8, Row), (usize, BTreeSet<&str>)> = BTreeMap::new();
    for (line, seen) in requests.into_values() {
        let Some(line) = line else { continue };
        let (count, everybody) = rows.entry((class(line), row(line))).or_default();
        *count += 1;
        everybody.extend(seen);
    }
    let mut lines = vec![HEAD.map(str::to_owned)];
    for ((_, [sni, authority, http, status, verdict]), (count, seen)) in rows {
        let seen = Vec::from_iter(seen).join(", ");
        lines.push([sni, authority, http, status, count.to_string(), verdict, seen]);
    }
    let mut table = aligned(&lines)?;
    let lost = report.exchanges.iter().filter(|line| text(line, "server").is_none()).count();
    if lost > 0 {
        writeln!(
            table,
            "\nand {lost} at an end whose connection could not be told: they count as no mismatch"
        )?;
    }
    Ok(table)
}

fn is_ours(line: &Value, ports: &[u16]) -> bool {
    let port = text(line, "server").and_then(|server| server.rsplit(':').next()?.parse().ok());
    port.is_some_and(|port| ports.contains(&port))
}

fn class(line: &Value) -> u8 {
    match (number(line, "status"), text(line, "verdict")) {
        (Some(421), _) => 0,
        (_, Some("match")) => 2,
        _ => 1,
    }
}

fn row(line: &Value) -> Row {
    let or = |value: Option<&str>, other: &str| value.unwrap_or(other).to_owned();
    let status = number(line, "status").map(|status| status.to_string());
    [
        or(text(line, "sni"), "(none)"),
        or(text(line, "authority"), "?"),
        or(text(line, "http_version"), "?"),
        or(status.as_deref(), "?"),
        or(text(line, "verdict"), "?"),
    ]
}

fn aligned(lines: &[[String; 7]]) -> Result<String, std::fmt::Error> {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            write!(text, "| {cell:width$} ")?;
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                write!(text, "|{}", "-".repeat(width + 2))?;
            }
            text.push_str("|\n");
        }
    }
    Ok(text)
}
