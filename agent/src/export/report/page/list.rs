//! The list of requests: findings first, then the others in the order in which they ended.

use crate::export::report::listed_request::ListedRequest;
use crate::export::report::model::ReportModel;
use crate::export::report::unlisted::UnlistedRequests;
use crate::export::report::visible::finish_markup;
use crate::export::report::words;
use crate::text::{self, Clock, grouped, grouped_plural, status};
use maud::{Markup, Render, html};
use wrongdoor_core::explain::Finding;

/// The most bytes that the list may take: names are up to 255 bytes, and their senders choose which.
const MAX_BYTES: usize = 5 * 1024 * 1024;
/// The most patterns of requests that are not listed.
const MAX_SHOWN_PATTERNS: usize = 200;

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
/// The keys that the script knows.
const KEYS: [(&str, &str); 5] =
    [("/", "search"), ("j", "next"), ("k", "previous"), ("Enter", "details"), ("Esc", "clear")];

pub(super) fn list(model: &ReportModel<'_>) -> Markup {
    let (lines, rest) = lines(model);
    let mut unlisted = model.unlisted.clone();
    rest.iter().for_each(|request| unlisted.add(request.pattern.clone()));
    let (listed, more) = (grouped_plural(lines.len() as u64, "request"), unlisted.count());
    html! {
        section #exchanges aria-labelledby="exchanges-title" {
            h2 #exchanges-title { "All requests" }
            @if model.requests.is_empty() {
                p { "There are none." }
            } @else {
                p {
                    (listed) ": findings first."
                    @if more > 0 { " " (grouped_plural(more, "more request")) " are summed up below." }
                }
                (search(&listed))
                div.scroll {
                    table #list {
                        thead { tr { @for (name, class) in COLUMNS { th.(class) scope="col" { (name) } } } }
                        tbody { @for line in lines { (line) } }
                    }
                }
                @if more > 0 { (patterns(&unlisted)) }
            }
        }
    }
}

/// The lines of the list, and the requests that it has no room for.
fn lines<'a>(model: &'a ReportModel<'_>) -> (Vec<Markup>, &'a [ListedRequest]) {
    let (mut lines, mut bytes, mut clock) = (Vec::new(), 0, Clock::default());
    let mut requests = model.requests.iter();
    while bytes <= MAX_BYTES
        && let Some(request) = requests.next()
    {
        let line = line(request, model.group_number(request), &mut clock);
        // As it will be in the page: hidden characters take the most.
        bytes += finish_markup(&line).0.len();
        lines.push(line);
    }
    (lines, requests.as_slice())
}

/// Shown where there is a script to do it.
fn search(listed: &str) -> Markup {
    html! {
        div.search role="search" {
            label for="search" { "Search" }
            input #search type="search" placeholder="names, addresses, statuses, causes …"
                autocomplete="off" spellcheck="false" aria-describedby="keys";
            output #matches aria-live="polite" { (listed) }
            p.quiet #keys {
                @for (key, what) in KEYS { kbd { (key) } " " (what) "  " }
            }
        }
    }
}

fn line(request: &ListedRequest, group: Option<usize>, clock: &mut Clock) -> Markup {
    let pattern = &request.pattern;
    let class = (pattern.status == Some(421)).then_some("misdirected");
    let recovery = request.recovery.map_or("…", |recovery| recovery.outcome.as_str());
    html! {
        tr {
            td { (words::time(clock, request.at)) }
            td { "c" (request.number) }
            td { (request.client) }
            td { (request.server) }
            td { (pattern.sni) }
            td { (pattern.authority) }
            td { (request.method) }
            td { (pattern.version) }
            td class=[class] { (status(pattern.status)) }
            td { (breakable(pattern.verdict)) }
            td { (breakable(request.finding.map_or("", Finding::as_str))) }
            td {
                details {
                    summary { (breakable(recovery)) }
                    dl { (details(request, group)) }
                }
            }
        }
    }
}

/// A name of ours, which may go on in the next line behind each underscore.
fn breakable(name: &str) -> Markup {
    html! {
        @for (nth, part) in name.split('_').enumerate() {
            @if nth > 0 { "_" wbr; } (part)
        }
    }
}

/// What the columns do not say.
fn details(request: &ListedRequest, group: Option<usize>) -> Markup {
    let tls: Vec<&str> = request.tls_version.into_iter().chain(request.alpn.as_deref()).collect();
    html! {
        (fact("stream", request.stream))
        @if let Some(answered) = request.answered {
            (fact("answered after", words::duration(words::between(request.at, answered))))
        }
        @if let Some(raw) = &request.raw { (fact("authority as sent", raw)) }
        @if !tls.is_empty() { (fact("TLS, ALPN", tls.join(", "))) }
        @if let Some(generator) = request.generator {
            (fact("answered by", text::generator(generator)))
        }
        @if let Some(back) = request.relayed_from {
            (fact("relayed from", format_args!("c{}, stream {}", back.connection, back.stream)))
        }
        @if let Some(recovery) = request.recovery {
            (fact("then", html! {
                (text::outcome(recovery.outcome))
                @if let Some(number) = recovery.connection { ", on c" (number) }
                @if let Some(status) = recovery.status { ": " (status) }
                @if let Some(after) = recovery.after { " after " (words::duration(after)) }
            }))
        }
        @if let Some(cause) = &request.cause {
            (fact("evidence", text::evidence(&cause.evidence).join("; ")))
        }
        @if let Some(nth) = group {
            (fact("finding", html! { a href={ "#f" (nth) } { (nth) } }))
        }
    }
}

fn fact(name: &str, value: impl Render) -> Markup {
    html! { dt { (name) } dd { (value) } }
}

/// Requests that are not listed, by what they have in common.
fn patterns(unlisted: &UnlistedRequests) -> Markup {
    let (patterns, all) = (unlisted.by_count(), unlisted.count());
    let shown: u64 = patterns.iter().take(MAX_SHOWN_PATTERNS).map(|(_, count)| count).sum();
    html! {
        h3 #patterns { (grouped_plural(all, "request")) " not listed" }
        div.scroll {
            table.patterns {
                thead { (header(["SNI", "authority", "HTTP", "status", "verdict", "count"])) }
                tbody {
                    @for (pattern, count) in patterns.into_iter().take(MAX_SHOWN_PATTERNS) {
                        tr {
                            td { (pattern.sni) }
                            td { (pattern.authority) }
                            td { (pattern.version) }
                            td { (status(pattern.status)) }
                            td { (pattern.verdict) }
                            td { (grouped(count)) }
                        }
                    }
                }
            }
        }
        @if all > shown {
            p { "And " (grouped_plural(all - shown, "request")) " of further patterns are not listed." }
        }
    }
}

/// The head of a table.
pub(super) fn header<const N: usize>(names: [&str; N]) -> Markup {
    html! { tr { @for name in names { th scope="col" { (name) } } } }
}
