//! The drawing itself, in SVG. Colours are the style sheet's; shapes tell the same without them.

use super::axis::Axis;
use super::mark::{Look, RADIUS, line};
use super::scene::{DrawnLane, LinkKind, Scene};
use crate::export::report::html::Html;
use crate::export::report::words;
use crate::text::Clock;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 34.0;
const RIGHT: f64 = 900.0;
/// A lane: two lines of text, and its line.
const LANE: f64 = 96.0;
/// Where the line is in it.
const LINE: f64 = 64.0;
/// The axis and its times.
const FOOT: f64 = 46.0;
/// About what a letter of the drawing takes.
const LETTER: f64 = 7.0;
/// What a time below takes.
const TICK: f64 = 84.0;

/// The drawing of a scene.
pub(super) fn paint(html: &mut Html, id: &str, scene: &Scene, description: &str) {
    let axis = Axis::of(scene.times(), LEFT, RIGHT);
    let height = scene.lanes.len() as f64 * LANE + FOOT;
    let (title, words) = (format!("{id}-title"), format!("{id}-words"));
    let svg = html.classed("svg", "drawn").attr("viewBox", format!("0 0 {WIDTH} {height}"));
    svg.attr("role", "img").attr("aria-labelledby", format!("{title} {words}")).with(|html| {
        html.element("title")
            .attr("id", &title)
            .text("The connections of one such incident over time");
        html.element("desc").attr("id", &words).text(description);
        // Names in front of arrows, so that both can be read.
        links(html, scene, &axis);
        for (nth, lane) in scene.lanes.iter().enumerate() {
            base(html, lane, &axis, nth as f64 * LANE);
        }
        for (nth, lane) in scene.lanes.iter().enumerate() {
            marks(html, lane, &axis, nth as f64 * LANE + LINE);
        }
        foot(html, &axis, height - FOOT + 8.0);
    });
}

/// A connection, from its opening to its end as far as they were seen.
fn base(html: &mut Html, lane: &DrawnLane, axis: &Axis, top: f64) {
    let y = top + LINE;
    html.classed("text", "lane").attr("x", LEFT - 20.0).attr("y", top + 20.0).with(|html| {
        html.classed("tspan", "number").text(format!("c{}", lane.number));
        html.classed("tspan", "name")
            .attr("dx", 10)
            .text(format!("SNI {}", words::short(&lane.sni)));
        html.classed("tspan", "quiet")
            .attr("dx", 10)
            .text(format!("{} · {}", lane.ends, lane.protocol));
    });
    if lane.more > 0 {
        let more = format!("+ {} more", words::number(lane.more));
        let text = html.classed("text", "quiet end").attr("x", WIDTH - 8.0);
        text.attr("y", y + 30.0).text(more);
    }
    let from = lane.opened.map_or(LEFT - 20.0, |at| axis.x(at));
    let to = lane.closed.map_or(WIDTH - 8.0, |at| axis.x(at));
    line(html, "base", (from, y), (to, y));
    for (at, x) in [(lane.opened, from), (lane.closed, to)] {
        if at.is_some() {
            line(html, "base", (x, y - 6.0), (x, y + 6.0));
        }
    }
}

/// Requests, with authority and status above, where there is room.
fn marks(html: &mut Html, lane: &DrawnLane, axis: &Axis, y: f64) {
    let mut named_to = f64::MIN;
    for mark in &lane.marks {
        let (x, from, look) = (axis.x(mark.ended()), axis.x(mark.started), Look::of(mark));
        let name = words::short(&mark.name());
        let status = mark.status.map_or_else(|| "?".to_owned(), |status| status.to_string());
        html.classed("g", &format!("mark {}", look.class())).with(|html| {
            let took = words::duration(words::between(mark.started, mark.ended()));
            let title = format!(
                "{name}: {status} ({}), stream {}, after {took}",
                look.meaning(),
                mark.stream
            );
            html.element("title").text(title);
            line(html, "span", (from, y), (x, y));
            line(html, "span", (from, y - 5.0), (from, y + 5.0));
            look.shape(html, x, y);
        });
        let half = (name.chars().count() + 4) as f64 * LETTER / 2.0;
        let middle = x.clamp(LEFT - 20.0 + half, (WIDTH - 8.0 - half).max(LEFT - 20.0 + half));
        if middle - half > named_to {
            named_to = middle + half + LETTER;
            let text = html.classed("text", "authority").attr("x", format!("{middle:.1}"));
            text.attr("y", y - 15.0).with(|html| {
                html.text(&name);
                html.classed("tspan", look.class()).attr("dx", 6).text(&status);
            });
        }
    }
}

fn links(html: &mut Html, scene: &Scene, axis: &Axis) {
    for link in &scene.links {
        let from =
            scene.lane(link.from.0).and_then(|(nth, lane)| Some((nth, lane.mark(link.from.1)?)));
        let (Some((above, mark)), Some((below, to))) = (from, scene.lane(link.to.0)) else {
            continue;
        };
        let y = |nth: usize| nth as f64 * LANE + LINE;
        let target = link.to.1.and_then(|stream| to.mark(stream));
        match (link.kind, target) {
            (LinkKind::Relayed, Some(back)) => {
                arrow(
                    html,
                    "relayed",
                    (axis.x(mark.started), y(above)),
                    (axis.x(back.started), y(below)),
                );
                arrow(
                    html,
                    "relayed",
                    (axis.x(back.ended()), y(below)),
                    (axis.x(mark.ended()), y(above)),
                );
            }
            (LinkKind::Relayed, None) => {}
            (LinkKind::Retried(_), target) => {
                let first = to.marks.first().map(|mark| mark.started);
                let opened = to.opened.or(first).unwrap_or_else(|| axis.start());
                let at = target.map_or(opened, |mark| mark.started);
                arrow(html, "retried", (axis.x(mark.ended()), y(above)), (axis.x(at), y(below)));
            }
        }
    }
}

/// From one place to another, bent so that it leaves and arrives upright, and goes along where no text is.
fn arrow(html: &mut Html, class: &str, (x, y): (f64, f64), (to_x, to_y): (f64, f64)) {
    // On one lane it goes round above.
    let down = if to_y > y { 1.0 } else { -1.0 };
    let (from_y, end_y, bend) = if to_y == y {
        (y - RADIUS, y - RADIUS, y - 44.0)
    } else {
        (y + down * RADIUS * 1.5, to_y - down * (RADIUS + 1.0), y.min(to_y) + 28.0)
    };
    let point = if to_y == y { 1.0 } else { down };
    let path =
        format!("M{x:.1} {from_y:.1}C{x:.1} {bend:.1} {to_x:.1} {bend:.1} {to_x:.1} {end_y:.1}");
    html.classed("path", class).attr("d", path).text("");
    let (left, right, base) = (to_x - 4.0, to_x + 4.0, end_y - point * 7.0);
    let points = format!("{to_x:.1},{end_y:.1} {left:.1},{base:.1} {right:.1},{base:.1}");
    html.classed("polygon", &format!("head {class}")).attr("points", points).text("");
}

/// The time, from the first on.
fn foot(html: &mut Html, axis: &Axis, y: f64) {
    line(html, "axis", (LEFT, y), (RIGHT, y));
    let start = words::time(&mut Clock::default(), axis.start());
    for (x, at) in axis.ticks(TICK) {
        line(html, "axis", (x, y), (x, y + 5.0));
        let after = words::duration(words::between(axis.start(), at));
        let text = html.classed("text", "tick").attr("x", format!("{x:.1}")).attr("y", y + 18.0);
        text.text(if at == axis.start() { "0".to_owned() } else { format!("+{after}") });
    }
    let text = html.classed("text", "quiet").attr("x", LEFT - 20.0).attr("y", y + 34.0);
    text.text(format!("from {start} UTC on; longer pauses are shortened"));
}
