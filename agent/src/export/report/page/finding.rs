//! One group of findings: what, how often, why, what to do, and what it looks like.

use super::list;
use crate::export::report::drawing;
use crate::export::report::group::{FindingGroup, FindingKey, MAX_CLIENTS};
use crate::export::report::lanes::Lanes;
use crate::export::report::meaning::meaning;
use crate::export::report::words;
use crate::text::{self, Clock, grouped, grouped_plural};
use maud::{Markup, Render, html};

/// What stands for the authority where there are too many to be told apart.
const OTHERS: &str = "other authorities";

/// The whole story of a group.
pub(super) fn finding(nth: usize, key: &FindingKey, group: &FindingGroup, lanes: &Lanes) -> Markup {
    let (id, title) = (format!("f{nth}"), format!("f{nth}-title"));
    html! {
        article.finding #(id) aria-labelledby=(title) {
            h3 #(title) { span.nth { (nth) } " " (capital(key.finding.title())) }
            p.names { (names(key)) }
            dl { (facts(key, group)) }
            (why(key, group))
            (drawing::draw(&id, &group.incident, lanes))
        }
    }
}

/// Groups that are a line each.
pub(super) fn further(first: usize, groups: &[(FindingKey, FindingGroup)]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { (list::header(["", "finding", "SNI", "authority", "count"])) }
                tbody {
                    @for (nth, (key, group)) in (first..).zip(groups) {
                        tr #{ "f" (nth) } {
                            td { (nth) }
                            td { (key.finding.title()) }
                            td { (key.sni) }
                            td { (key.authority.as_deref().unwrap_or(OTHERS)) }
                            td { (grouped(group.count)) }
                        }
                    }
                }
            }
        }
    }
}

/// What was asked for on what.
pub(super) fn names(key: &FindingKey) -> Markup {
    html! {
        "SNI " code { (words::short(&key.sni)) } " → "
        @match &key.authority {
            Some(authority) => code { (words::short(authority)) },
            None => (OTHERS),
        }
    }
}

fn facts(key: &FindingKey, group: &FindingGroup) -> Markup {
    html! {
        (fact("Requests", grouped(group.count)))
        @if let Some(cause) = &group.incident.classification.cause {
            (fact("Confidence", cause.confidence.as_str()))
        }
        @if key.generator.is_some() {
            (fact("Answered by", group.generator.map_or("", text::generator)))
        }
        (fact("Status", statuses(group)))
        (fact("Clients", clients(group)))
        (fact("When", times(group)))
        @if !group.outcomes.is_empty() { (fact("Recovery", outcomes(group))) }
    }
}

fn fact(name: &str, value: impl Render) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn statuses(group: &FindingGroup) -> String {
    let statuses = group.statuses.iter().map(|(status, count)| match status {
        Some(status) if group.statuses.len() == 1 => status.to_string(),
        Some(status) => format!("{status} × {}", grouped(*count)),
        None => format!("no answer × {}", grouped(*count)),
    });
    statuses.collect::<Vec<_>>().join(", ")
}

fn clients(group: &FindingGroup) -> String {
    let mut clients: Vec<_> = group.clients.iter().collect();
    clients.sort_unstable();
    let count = clients.len();
    let of = if count >= MAX_CLIENTS { "at least " } else { "" };
    let named: Vec<_> = clients.iter().take(3).map(ToString::to_string).collect();
    let dots = if count > 3 { ", …" } else { "" };
    format!("{of}{} ({}{dots})", grouped(count as u64), named.join(", "))
}

fn times(group: &FindingGroup) -> String {
    let mut clock = Clock::default();
    let first = words::time(&mut clock, group.first);
    if group.count == 1 {
        return format!("{first} UTC");
    }
    let last = words::time(&mut clock, group.last);
    let over = words::duration(words::between(group.first, group.last));
    format!("{first} to {last} UTC ({over})")
}

fn outcomes(group: &FindingGroup) -> String {
    let outcomes = group.outcomes.iter();
    let outcomes = outcomes
        .map(|(outcome, count)| format!("{} {}", grouped(*count), text::counted_outcome(*outcome)));
    outcomes.collect::<Vec<_>>().join("; ")
}

fn why(key: &FindingKey, group: &FindingGroup) -> Markup {
    let (others, or_more) = group.other_evidence();
    html! {
        @if let Some(meaning) = meaning(key.finding) { p { (sentence(meaning)) } }
        @if let Some(cause) = &group.incident.classification.cause {
            @if !cause.evidence.is_empty() {
                h4 { "Evidence" }
                ul.evidence {
                    @for evidence in &text::evidence(&cause.evidence) { li { (evidence) } }
                    @if others > 0 {
                        li.quiet {
                            "of the request drawn below; " @if or_more { "at least " }
                            (grouped_plural(others, "other combination")) " among the others"
                        }
                    }
                }
            }
            h4 { "What to do" }
            p.advice { (advice(&cause.advice)) }
        }
    }
}

/// What stands between backticks is code.
fn advice(text: &str) -> Markup {
    html! {
        @for (nth, piece) in text.split('`').enumerate() {
            @if nth % 2 == 1 { code { (piece) } } @else { (piece) }
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
