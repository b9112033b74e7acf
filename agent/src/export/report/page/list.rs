//! The list of exchanges: findings first, then the others in the order in which they ended.

use crate::export::report::collect::Collected;
use crate::export::report::group::{Group, Key};
use crate::export::report::html::Html;
use crate::export::report::row::{Pattern, Row};
use crate::export::report::words::{self, number, plural};
use crate::text::{self, Clock};
use std::collections::HashMap;
use wrongdoor_core::explain::Finding;

/// The most bytes that the list may take: names are up to 255 bytes, and whoever sends them chooses which.
const MAX_BYTES: usize = 5 * 1024 * 1024;
/// The most patterns of what is not listed.
const MAX_PATTERNS: usize = 200;

/// The columns, and their classes.
const COLUMNS: [(&str, &str); 12] = [
    ("time", "time"),
    ("conn.", "conn"),
    ("client", "end"),
    ("server", "end"),
    ("SNI", "host"),
    ("authority", "host"),
    ("method", "method"),
    ("HTTP", "version"),
    ("status", "status"),
    ("verdict", "verdict"),
    ("cause", "cause"),
    ("recovery, details", "recovery"),
];

pub(super) fn list(
    html: &mut Html,
    rows: Vec<Row>,
    groups: &[(Key, Group)],
    collected: &mut Collected,
) {
    let numbers: HashMap<&Key, usize> = groups.iter().map(|(key, _)| key).zip(1..).collect();
    let all = rows.len() as u64;
    let mut body = Html::default();
    let (mut clock, mut listed) = (Clock::default(), 0);
    for row in rows {
        if body.len() > MAX_BYTES {
            collected.unlisted(row.pattern);
            continue;
        }
        listed += 1;
        body.element("tr").with(|html| line(html, &row, &numbers, &mut clock));
    }
    let unlisted: u64 = collected.patterns.values().sum::<u64>() + collected.unpatterned;
    let section = html.element("section").attr("id", "exchanges");
    section.attr("aria-labelledby", "exchanges-title").with(|html| {
        html.element("h2").attr("id", "exchanges-title").text("All requests");
        if all == 0 {
            html.element("p").text("There are none.");
            return;
        }
        let beyond = match unlisted {
            0 => String::new(),
            unlisted => format!(" {} are summed up below.", plural(unlisted, "more request")),
        };
        html.element("p").text(format!("{}: findings first.{beyond}", plural(listed, "request")));
        search(html, listed);
        html.classed("div", "scroll").with(|html| {
            html.element("table").attr("id", "list").with(|html| {
                html.element("thead").with(header);
                html.element("tbody").with(|html| html.append(&body));
            });
        });
        if unlisted > 0 {
            patterns(html, collected, unlisted);
        }
    });
}

/// Shown where there is a script to do it.
fn search(html: &mut Html, listed: u64) {
    html.classed("div", "search").attr("role", "search").with(|html| {
        html.element("label").attr("for", "search").text("Search");
        let input = html.element("input").attr("id", "search").attr("type", "search");
        let input = input.attr("placeholder", "names, addresses, statuses, causes …");
        input
            .attr("autocomplete", "off")
            .attr("spellcheck", "false")
            .attr("aria-describedby", "keys")
            .void();
        let count = html.element("output").attr("id", "matches").attr("aria-live", "polite");
        count.text(plural(listed, "request"));
        html.classed("p", "quiet").attr("id", "keys").with(|html| {
            for (key, what) in [
                ("/", "search"),
                ("j", "next"),
                ("k", "previous"),
                ("Enter", "details"),
                ("Esc", "clear"),
            ] {
                html.element("kbd").text(key);
                html.text(format!(" {what}  "));
            }
        });
    });
}

fn header(html: &mut Html) {
    html.element("tr").with(|html| {
        for (name, class) in COLUMNS {
            html.classed("th", class).attr("scope", "col").text(name);
        }
    });
}

fn line(html: &mut Html, row: &Row, numbers: &HashMap<&Key, usize>, clock: &mut Clock) {
    let pattern = &row.pattern;
    let status = pattern.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
    let connection = format!("c{}", row.number);
    html.element("td").text(words::time(clock, row.at));
    for (text, (_, class)) in [
        connection.as_str(),
        &row.client,
        &row.server,
        &pattern.sni,
        &pattern.authority,
        &row.method,
        pattern.version,
        &status,
    ]
    .into_iter()
    .zip(COLUMNS.iter().skip(1))
    {
        let is_421 = *class == "status" && pattern.status == Some(421);
        let cell = html.element("td");
        let cell = if is_421 { cell.attr("class", "misdirected") } else { cell };
        cell.text(text);
    }
    let cause = row.kind.map_or("", Finding::as_str);
    for name in [pattern.verdict, cause] {
        html.element("td").with(|html| html.breakable(name));
    }
    html.element("td").with(|html| {
        html.element("details").with(|html| {
            let recovery = row.recovery.map_or("…", |recovery| recovery.outcome.as_str());
            html.element("summary").with(|html| html.breakable(recovery));
            html.element("dl").with(|html| details(html, row, numbers));
        });
    });
}

/// What the columns do not say.
fn details(html: &mut Html, row: &Row, numbers: &HashMap<&Key, usize>) {
    let mut fact = |name: &str, value: String| {
        html.element("dt").text(name);
        html.element("dd").text(value);
    };
    fact("stream", row.stream.to_string());
    if let Some(answered) = row.answered {
        fact("answered after", words::duration(words::between(row.at, answered)));
    }
    if let Some(raw) = &row.raw {
        fact("authority as sent", raw.to_string());
    }
    let tls: Vec<&str> = row.tls_version.into_iter().chain(row.alpn.as_deref()).collect();
    if !tls.is_empty() {
        fact("TLS, ALPN", tls.join(", "));
    }
    if let Some(generator) = row.generator {
        fact("answered by", words::generator(generator).to_owned());
    }
    if let Some(back) = row.relayed_from {
        fact("handed on from", format!("c{}, stream {}", back.connection, back.stream));
    }
    if let Some(recovery) = row.recovery {
        let place =
            recovery.connection.map_or_else(String::new, |number| format!(", on c{number}"));
        let status = recovery.status.map_or_else(String::new, |status| format!(": {status}"));
        let after = recovery
            .after
            .map_or_else(String::new, |after| format!(" after {}", words::duration(after)));
        fact("then", format!("{}{place}{status}{after}", words::outcome(recovery.outcome)));
    }
    if let Some(cause) = &row.cause {
        fact("evidence", text::evidence(&cause.evidence).join("; "));
    }
    if let Some(nth) = row.key().and_then(|key| number_of(numbers, key)) {
        html.element("dt").text("finding");
        html.element("dd")
            .with(|html| html.element("a").attr("href", format!("#f{nth}")).text(nth));
    }
}

/// The group that a key belongs to: its own, or that of all authorities.
fn number_of(numbers: &HashMap<&Key, usize>, key: Key) -> Option<usize> {
    let own = numbers.get(&key).copied();
    own.or_else(|| numbers.get(&Key { authority: None, ..key }).copied())
}

/// What is not listed, by what it has in common.
fn patterns(html: &mut Html, collected: &Collected, unlisted: u64) {
    let mut patterns: Vec<(&Pattern, &u64)> = collected.patterns.iter().collect();
    patterns.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    let shown: u64 = patterns.iter().take(MAX_PATTERNS).map(|(_, count)| **count).sum();
    html.element("h3")
        .attr("id", "patterns")
        .text(format!("{} not listed", plural(unlisted, "request")));
    html.classed("div", "scroll").with(|html| {
        html.classed("table", "patterns").with(|html| {
            html.element("thead").with(|html| {
                html.element("tr").with(|html| {
                    for name in ["SNI", "authority", "HTTP", "status", "verdict", "count"] {
                        html.element("th").attr("scope", "col").text(name);
                    }
                });
            });
            html.element("tbody").with(|html| {
                for (pattern, count) in patterns.iter().take(MAX_PATTERNS) {
                    html.element("tr").with(|html| {
                        html.element("td").text(&pattern.sni);
                        html.element("td").text(&pattern.authority);
                        html.element("td").text(pattern.version);
                        html.element("td").text(
                            pattern
                                .status
                                .map_or_else(|| "–".to_owned(), |status| status.to_string()),
                        );
                        html.element("td").text(pattern.verdict);
                        html.element("td").text(number(**count));
                    });
                }
            });
        });
    });
    if unlisted > shown {
        html.element("p").text(format!(
            "And {} of more patterns than are told apart.",
            plural(unlisted - shown, "request")
        ));
    }
}
