//! The page, from top to bottom.

mod finding;
mod list;

use super::collect::{MAX_AUTHORITIES, MAX_GROUPS};
use super::group::{FindingGroup, FindingKey};
use super::model::ReportModel;
use super::visible::finish_markup;
use super::{drawing, story};
use crate::text::{grouped, grouped_plural};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const DOCTYPE: &str = "<!doctype html>\n";
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");
/// The most groups that are named at the top of the findings.
const MAX_NAMED: usize = 12;
/// The most groups that are shown with evidence and a drawing; further ones have a line each.
const MAX_TOLD: usize = 40;

/// The page. Style and script are in it as they are, as the policy's hashes are of them; all else is finished markup.
pub(super) fn render(model: &ReportModel<'_>) -> String {
    let page = html! {
        (PreEscaped(DOCTYPE))
        html lang="en" {
            head {
                (finish_markup(&head(model)))
                style { (PreEscaped(STYLE)) } "\n"
            }
            body {
                (finish_markup(&body(model)))
                script { (PreEscaped(SCRIPT)) } "\n"
            }
        }
    };
    page.into_string()
}

fn head(model: &ReportModel<'_>) -> Markup {
    html! {
        meta charset="utf-8";
        meta http-equiv="Content-Security-Policy" content=(policy());
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        meta name="referrer" content="no-referrer";
        title { "wrongdoor: " (model.inputs.join(", ")) }
    }
}

/// Nothing from anywhere, and of what is here only what is ours.
fn policy() -> String {
    let hash = |asset: &str| BASE64_STANDARD.encode(Sha256::digest(asset));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn body(model: &ReportModel<'_>) -> Markup {
    html! {
        a.skip href="#findings" { "Skip to the findings" }
        header {
            h1 { "HTTP 421 Misdirected Request: report" }
            p.quiet { (model.inputs.join(", ")) }
        }
        main {
            (summary(model))
            (findings(model))
            (list::list(model))
        }
        footer { (foot(model)) }
    }
}

fn summary(model: &ReportModel<'_>) -> Markup {
    let unknowns = story::unknowns(&model.sums, model.summary, model.lanes.forgotten);
    let errors = model.summary.decode_errors.iter();
    let errors: Vec<_> =
        errors.map(|(kind, count)| format!("{kind} {}", grouped(*count))).collect();
    html! {
        section #summary aria-labelledby="summary-title" {
            h2 #summary-title { "What happened" }
            p.lead { (story::lead(&model.sums, model.summary).join(" ")) }
            (figures(model))
            @if model.is_partial || !unknowns.is_empty() || !errors.is_empty() {
                h3 { "What could not be read" }
                ul.unknowns {
                    @if model.is_partial {
                        li { "A capture could not be read to its end: packets after this place are missing." }
                    }
                    @for unknown in unknowns { li { (unknown) } }
                    @if !errors.is_empty() {
                        li { "Not decoded, by kind: " code { (errors.join(", ")) } }
                    }
                }
            }
        }
    }
}

fn figures(model: &ReportModel<'_>) -> Markup {
    let figures = [
        ("requests", model.summary.exchanges, "plain"),
        ("refused with 421", model.summary.misdirected, "misdirected"),
        ("silent", model.sums.silent, "silent"),
        ("for another host", model.summary.mismatched, "mismatched"),
    ];
    html! {
        dl.figures {
            @for (name, count, class) in figures {
                div.(if count == 0 { "none" } else { class }) { dt { (name) } dd { (grouped(count)) } }
            }
        }
    }
}

fn findings(model: &ReportModel<'_>) -> Markup {
    let (told, further) = model.groups.split_at(model.groups.len().min(MAX_TOLD));
    html! {
        section #findings tabindex="-1" aria-labelledby="findings-title" {
            h2 #findings-title { "Findings" }
            @if told.is_empty() {
                p { "There are no findings: no 421, and no request for another host than its connection." }
            } @else {
                @if model.groups.len() > 1 { (contents(&model.groups)) }
                (drawing::legend())
                @for (nth, (key, group)) in (1..).zip(told) {
                    (finding::finding(nth, key, group, &model.lanes))
                }
                @if !further.is_empty() {
                    h3 { "Further findings" }
                    (finding::further(MAX_TOLD + 1, further))
                }
                @if model.ungrouped > 0 {
                    p {
                        "And " (grouped_plural(model.ungrouped, "more finding")) ": "
                        (MAX_GROUPS) " groups are listed, no more."
                    }
                }
            }
        }
    }
}

/// What there is, with the way to it.
fn contents(groups: &[(FindingKey, FindingGroup)]) -> Markup {
    html! {
        nav aria-label="Findings" {
            ol.contents {
                @for (nth, (key, group)) in (1..).zip(groups.iter().take(MAX_NAMED)) {
                    li {
                        a href={ "#f" (nth) } { (key.finding.title()) }
                        span.names { (finding::names(key)) }
                        span.count { (grouped(group.count)) }
                    }
                }
            }
            @if groups.len() > MAX_NAMED { p.quiet { "and " (groups.len() - MAX_NAMED) " more" } }
        }
    }
}

fn foot(model: &ReportModel<'_>) -> Markup {
    html! {
        p {
            "Made by wrongdoor " (env!("CARGO_PKG_VERSION")) " from "
            @for (nth, input) in model.inputs.iter().enumerate() {
                @if nth > 0 { ", " }
                code { (input) }
            }
            ". Times are UTC, as in the capture. This page is complete: it loads and sends nothing."
        }
        p {
            "Names come from the network: control characters and those that change the order of text are shown as [U+…]. \
             Of one cause, server and SNI the first " (MAX_AUTHORITIES) " authorities are listed."
        }
    }
}
