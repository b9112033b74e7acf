//! One group of findings: what, how often, why, what to do, and what it looks like.

use crate::export::report::drawing;
use crate::export::report::group::{Group, Key, MAX_CLIENTS};
use crate::export::report::html::Html;
use crate::export::report::lanes::Lanes;
use crate::export::report::meaning::meaning;
use crate::export::report::words::{self, number, plural};
use crate::text::{self, Clock};

/// The whole story of a group.
pub(super) fn finding(html: &mut Html, nth: usize, key: &Key, group: &Group, lanes: &Lanes) {
    let (id, title) = (format!("f{nth}"), format!("f{nth}-title"));
    let article = html.classed("article", "finding").attr("id", &id);
    article.attr("aria-labelledby", &title).with(|html| {
        html.element("h3").attr("id", &title).with(|html| {
            html.classed("span", "nth").text(nth);
            html.text(" ").text(capital(key.kind.title()));
        });
        html.classed("p", "names").with(|html| names(html, key));
        html.element("dl").with(|html| facts(html, key, group));
        why(html, key, group);
        drawing::draw(html, &id, &group.incident, lanes);
    });
}

/// Groups that are a line each.
pub(super) fn further(html: &mut Html, first: usize, groups: &[(Key, Group)]) {
    html.classed("div", "scroll").with(|html| {
        html.element("table").with(|html| {
            html.element("thead").with(|html| {
                html.element("tr").with(|html| {
                    for name in ["", "finding", "SNI", "authority", "count"] {
                        html.element("th").attr("scope", "col").text(name);
                    }
                });
            });
            html.element("tbody").with(|html| {
                for (nth, (key, group)) in (first..).zip(groups) {
                    html.element("tr").attr("id", format!("f{nth}")).with(|html| {
                        html.element("td").text(nth);
                        html.element("td").text(key.kind.title());
                        html.element("td").text(&key.sni);
                        html.element("td")
                            .text(key.authority.as_deref().unwrap_or("other authorities"));
                        html.element("td").text(number(group.count));
                    });
                }
            });
        });
    });
}

/// What was asked for on what.
pub(super) fn names(html: &mut Html, key: &Key) {
    html.text("SNI ");
    html.element("code").text(words::short(&key.sni));
    html.text(" → ");
    match &key.authority {
        Some(authority) => html.element("code").text(words::short(authority)),
        None => drop(html.text("other authorities")),
    }
}

fn facts(html: &mut Html, key: &Key, group: &Group) {
    fact(html, "Requests", number(group.count));
    if let Some(cause) = &group.incident.classification.cause {
        fact(html, "Confidence", cause.confidence.as_str());
    }
    if key.generator.is_some() {
        fact(html, "Answered by", group.generator.map_or("", words::generator));
    }
    let statuses = group.statuses.iter().map(|(status, count)| match status {
        Some(status) if group.statuses.len() == 1 => status.to_string(),
        Some(status) => format!("{status} × {}", number(*count)),
        None => format!("no answer × {}", number(*count)),
    });
    fact(html, "Status", statuses.collect::<Vec<_>>().join(", "));
    let clients = group.clients.len();
    let of = if clients >= MAX_CLIENTS { "at least " } else { "" };
    let mut shown: Vec<_> = group.clients.iter().collect();
    shown.sort_unstable();
    let named: Vec<_> = shown.iter().take(3).map(ToString::to_string).collect();
    let dots = if clients > 3 { ", …" } else { "" };
    fact(html, "Clients", format!("{of}{} ({}{dots})", number(clients as u64), named.join(", ")));
    let mut clock = Clock::default();
    let first = words::time(&mut clock, group.first);
    if group.count == 1 {
        fact(html, "When", format!("{first} UTC"));
    } else {
        let last = words::time(&mut clock, group.last);
        let over = words::duration(words::between(group.first, group.last));
        fact(html, "When", format!("{first} to {last} UTC ({over})"));
    }
    if !group.outcomes.is_empty() {
        let outcomes = group.outcomes.iter();
        let outcomes = outcomes
            .map(|(outcome, count)| format!("{} {}", number(*count), words::outcome(*outcome)));
        fact(html, "What became of it", outcomes.collect::<Vec<_>>().join("; "));
    }
}

fn fact(html: &mut Html, name: &str, value: impl std::fmt::Display) {
    html.element("div").with(|html| {
        html.element("dt").text(name);
        html.element("dd").text(value);
    });
}

fn why(html: &mut Html, key: &Key, group: &Group) {
    if let Some(meaning) = meaning(key.kind) {
        html.element("p").text(sentence(meaning));
    }
    let Some(cause) = &group.incident.classification.cause else { return };
    if !cause.evidence.is_empty() {
        html.element("h4").text("Evidence");
        html.classed("ul", "evidence").with(|html| {
            for evidence in &text::evidence(&cause.evidence) {
                html.element("li").text(evidence);
            }
            let (others, or_more) = group.other_evidence();
            if others > 0 {
                let of = if or_more { "at least " } else { "" };
                let different = plural(others, "other combination");
                html.classed("li", "quiet")
                    .text(format!("of the request drawn below; {of}{different} among the rest"));
            }
        });
    }
    html.element("h4").text("What to do");
    html.classed("p", "advice").with(|html| advice(html, &cause.advice));
}

/// What stands between backticks is code.
fn advice(html: &mut Html, text: &str) {
    for (nth, piece) in text.split('`').enumerate() {
        if nth % 2 == 1 {
            html.element("code").text(piece);
        } else {
            html.text(piece);
        }
    }
}

/// With a capital, as a heading has it.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{}{stop}", capital(text))
}
