//! The page, from top to bottom.

mod finding;
mod list;

use super::collect::{Collected, MAX_AUTHORITIES, MAX_GROUPS};
use super::group::{Group, Key};
use super::html::Html;
use super::words::{number, plural};
use super::{drawing, story};
use crate::export::Summary;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");
/// The most groups that are named at the top of the findings.
const MAX_NAMED: usize = 12;
/// The most groups that are told with evidence and a drawing; further ones are a line each.
const MAX_TOLD: usize = 40;

pub(super) fn render(
    mut collected: Collected,
    summary: &Summary,
    inputs: &[String],
    is_partial: bool,
) -> Html {
    let mut groups: Vec<(Key, Group)> = collected.groups.drain().collect();
    groups.sort_by(|(a, x), (b, y)| (a.kind.rank(), y.count, a).cmp(&(b.kind.rank(), x.count, b)));
    let rows = collected.take_rows();
    let mut html = Html::page();
    html.element("html").attr("lang", "en").with(|html| {
        html.element("head").with(|html| head(html, inputs));
        html.element("body").with(|html| {
            html.classed("a", "skip").attr("href", "#findings").text("Skip to the findings");
            html.element("header").with(|html| {
                html.element("h1").text("Which request knocked on the wrong door");
                html.classed("p", "quiet").text(inputs.join(", "));
            });
            html.element("main").with(|html| {
                top(html, &collected, summary, is_partial);
                findings(html, &groups, &collected);
                list::list(html, rows, &groups, &mut collected);
            });
            html.element("footer").with(|html| foot(html, inputs));
            html.asset("script", SCRIPT);
        });
    });
    html
}

fn head(html: &mut Html, inputs: &[String]) {
    html.element("meta").attr("charset", "utf-8").void();
    html.element("meta")
        .attr("http-equiv", "Content-Security-Policy")
        .attr("content", policy())
        .void();
    let viewport = html.element("meta").attr("name", "viewport");
    viewport.attr("content", "width=device-width, initial-scale=1").void();
    html.element("meta").attr("name", "color-scheme").attr("content", "light dark").void();
    html.element("meta").attr("name", "referrer").attr("content", "no-referrer").void();
    html.element("title").text(format!("wrongdoor: {}", inputs.join(", ")));
    html.asset("style", STYLE);
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

fn top(html: &mut Html, collected: &Collected, summary: &Summary, is_partial: bool) {
    let section = html.element("section").attr("id", "summary");
    section.attr("aria-labelledby", "summary-title").with(|html| {
        html.element("h2").attr("id", "summary-title").text("What happened");
        html.classed("p", "lead").text(story::lead(&collected.sums, summary).join(" "));
        figures(html, collected, summary);
        let mut unknowns = story::unknowns(&collected.sums, summary, collected.lanes.forgotten);
        if is_partial {
            unknowns.insert(
                0,
                "A capture could not be read to its end: what came behind is not known.".to_owned(),
            );
        }
        if unknowns.is_empty() && summary.decode_errors.is_empty() {
            return;
        }
        html.element("h3").text("What is not known");
        html.classed("ul", "unknowns").with(|html| {
            for unknown in unknowns {
                html.element("li").text(unknown);
            }
            if !summary.decode_errors.is_empty() {
                html.element("li").with(|html| {
                    html.text("Not decoded, by kind: ");
                    let kinds = summary.decode_errors.iter();
                    let kinds = kinds.map(|(kind, count)| format!("{kind} {}", number(*count)));
                    html.element("code").text(kinds.collect::<Vec<_>>().join(", "));
                });
            }
        });
    });
}

fn figures(html: &mut Html, collected: &Collected, summary: &Summary) {
    html.classed("dl", "figures").with(|html| {
        for (name, count, class) in [
            ("requests", summary.exchanges, "plain"),
            ("refused with 421", summary.misdirected, "misdirected"),
            ("silent", collected.sums.silent, "silent"),
            ("for another host", summary.mismatched, "mismatched"),
        ] {
            let class = if count == 0 { "none" } else { class };
            html.classed("div", class).with(|html| {
                html.element("dt").text(name);
                html.element("dd").text(number(count));
            });
        }
    });
}

fn findings(html: &mut Html, groups: &[(Key, Group)], collected: &Collected) {
    let section = html.element("section").attr("id", "findings").attr("tabindex", "-1");
    section.attr("aria-labelledby", "findings-title").with(|html| {
        html.element("h2").attr("id", "findings-title").text("Findings");
        if groups.is_empty() {
            html.element("p").text("There are no findings: no 421, and no request for another host than its connection is for.");
            return;
        }
        if groups.len() > 1 {
            contents(html, groups);
        }
        drawing::legend(html);
        for (nth, (key, group)) in (1..).zip(groups.iter().take(MAX_TOLD)) {
            finding::finding(html, nth, key, group, &collected.lanes);
        }
        if groups.len() > MAX_TOLD {
            let further = groups.get(MAX_TOLD..).unwrap_or_default();
            html.element("h3").text("Further findings");
            finding::further(html, MAX_TOLD + 1, further);
        }
        if collected.ungrouped > 0 {
            let more = plural(collected.ungrouped, "more finding");
            html.element("p").text(format!("And {more}: {MAX_GROUPS} groups are told apart, no more."));
        }
    });
}

/// What there is, with the way to it.
fn contents(html: &mut Html, groups: &[(Key, Group)]) {
    html.element("nav").attr("aria-label", "Findings").with(|html| {
        html.classed("ol", "contents").with(|html| {
            for (nth, (key, group)) in (1..).zip(groups.iter().take(MAX_NAMED)) {
                html.element("li").with(|html| {
                    html.element("a").attr("href", format!("#f{nth}")).text(key.kind.title());
                    html.classed("span", "names").with(|html| finding::names(html, key));
                    html.classed("span", "count").text(number(group.count));
                });
            }
        });
        if groups.len() > MAX_NAMED {
            let more = groups.len() - MAX_NAMED;
            html.classed("p", "quiet").text(format!("and {more} more"));
        }
    });
}

fn foot(html: &mut Html, inputs: &[String]) {
    html.element("p").with(|html| {
        html.text(concat!("Made by wrongdoor ", env!("CARGO_PKG_VERSION"), " from "));
        for (nth, input) in inputs.iter().enumerate() {
            if nth > 0 {
                html.text(", ");
            }
            html.element("code").text(input);
        }
        html.text(". Times are UTC, as in the capture. This page is complete in itself, and loads and sends nothing.");
    });
    html.element("p").text(format!(
        "Names come from the network: control characters and those that change the order of text are shown as [U+…]. Of one \
         cause, server and SNI the first {MAX_AUTHORITIES} authorities are told apart."
    ));
}
