//! The drawing itself, in SVG. Colours are the style sheet's; shapes tell the same without them.

use super::axis::Axis;
use super::mark::{MarkLook, RADIUS, line, tenths};
use super::scene::{DrawnLane, DrawnLink, DrawnLinkKind, IncidentScene};
use crate::export::report::words;
use crate::text::{Clock, grouped};
use maud::{Markup, html};

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
pub(super) fn paint(id: &str, scene: &IncidentScene, description: &str) -> Markup {
    let axis = Axis::of(scene.times(), LEFT, RIGHT);
    let height = scene.lanes.len() as f64 * LANE + FOOT;
    let (title, words) = (format!("{id}-title"), format!("{id}-words"));
    html! {
        svg.drawn viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby={ (title) " " (words) } {
            title #(title) { "The connections of one such incident over time" }
            desc #(words) { (description) }
            // Names in front of arrows, so that both can be read.
            @for arrows in scene.links.iter().filter_map(|one| link(one, scene, &axis)) { (arrows) }
            @for (nth, lane) in scene.lanes.iter().enumerate() {
                (base(lane, &axis, nth as f64 * LANE))
            }
            @for (nth, lane) in scene.lanes.iter().enumerate() {
                (marks(lane, &axis, nth as f64 * LANE + LINE))
            }
            (foot(&axis, height - FOOT + 8.0))
        }
    }
}

/// A connection, from its opening to its end as far as they were seen.
fn base(lane: &DrawnLane, axis: &Axis, top: f64) -> Markup {
    let y = top + LINE;
    let from = lane.opened.map_or(LEFT - 20.0, |at| axis.x(at));
    let to = lane.closed.map_or(WIDTH - 8.0, |at| axis.x(at));
    html! {
        text.lane x=(LEFT - 20.0) y=(top + 20.0) {
            tspan.number { "c" (lane.number) }
            tspan.name dx="10" { "SNI " (words::short(&lane.sni)) }
            tspan.quiet dx="10" { (lane.ends) " · " (lane.protocol) }
        }
        @if lane.more > 0 {
            text.quiet.end x=(WIDTH - 8.0) y=(y + 30.0) { "+ " (grouped(lane.more)) " more" }
        }
        (line("base", (from, y), (to, y)))
        @for (at, x) in [(lane.opened, from), (lane.closed, to)] {
            @if at.is_some() { (line("base", (x, y - 6.0), (x, y + 6.0))) }
        }
    }
}

/// Requests, with authority and status above, where there is room.
fn marks(lane: &DrawnLane, axis: &Axis, y: f64) -> Markup {
    let mut named_to = f64::MIN;
    let marks = lane.marks.iter().map(|mark| {
        let (x, name) = (axis.x(mark.ended()), words::short(&mark.name()));
        let half = (name.chars().count() + 4) as f64 * LETTER / 2.0;
        let middle = x.clamp(LEFT - 20.0 + half, (WIDTH - 8.0 - half).max(LEFT - 20.0 + half));
        let has_room = middle - half > named_to;
        if has_room {
            named_to = middle + half + LETTER;
        }
        (mark, x, name, has_room.then_some(middle))
    });
    html! {
        @for (mark, x, name, middle) in marks {
            @let (from, look) = (axis.x(mark.started), MarkLook::of(mark));
            @let status = mark.status.map_or_else(|| "?".to_owned(), |status| status.to_string());
            g.mark.(look.class()) {
                title {
                    (name) ": " (status) " (" (look.meaning()) "), stream " (mark.stream) ", after "
                    (words::duration(words::between(mark.started, mark.ended())))
                }
                (line("span", (from, y), (x, y)))
                (line("span", (from, y - 5.0), (from, y + 5.0)))
                (look.shape(x, y))
            }
            @if let Some(middle) = middle {
                text.authority x=(tenths(middle)) y=(y - 15.0) {
                    (name)
                    tspan.(look.class()) dx="6" { (status) }
                }
            }
        }
    }
}

/// The arrows of a link, where both of its ends are drawn.
fn link(link: &DrawnLink, scene: &IncidentScene, axis: &Axis) -> Option<Markup> {
    let (above, lane) = scene.lane(link.from.0)?;
    let (below, to) = scene.lane(link.to.0)?;
    let mark = lane.mark(link.from.1)?;
    let target = link.to.1.and_then(|stream| to.mark(stream));
    let upper = |at| (axis.x(at), above as f64 * LANE + LINE);
    let lower = |at| (axis.x(at), below as f64 * LANE + LINE);
    match link.kind {
        DrawnLinkKind::Relayed => target.map(|back| {
            html! {
                (arrow("relayed", upper(mark.started), lower(back.started)))
                (arrow("relayed", lower(back.ended()), upper(mark.ended())))
            }
        }),
        DrawnLinkKind::Retried(_) => {
            let first = to.marks.first().map(|mark| mark.started);
            let opened = to.opened.or(first).unwrap_or_else(|| axis.start());
            let at = target.map_or(opened, |mark| mark.started);
            Some(arrow("retried", upper(mark.ended()), lower(at)))
        }
    }
}

/// From one place to another, bent so that it leaves and arrives upright, and goes along where no text is.
fn arrow(class: &str, (x, y): (f64, f64), (to_x, to_y): (f64, f64)) -> Markup {
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
    let (left, right, base) = (to_x - 4.0, to_x + 4.0, end_y - point * 7.0);
    let points = format!("{to_x:.1},{end_y:.1} {left:.1},{base:.1} {right:.1},{base:.1}");
    html! {
        path.(class) d=(path) {}
        polygon.head.(class) points=(points) {}
    }
}

/// The time, from the first on.
fn foot(axis: &Axis, y: f64) -> Markup {
    let start = axis.start();
    html! {
        (line("axis", (LEFT, y), (RIGHT, y)))
        @for (x, at) in axis.ticks(TICK) {
            (line("axis", (x, y), (x, y + 5.0)))
            text.tick x=(tenths(x)) y=(y + 18.0) {
                @if at == start { "0" } @else { "+" (words::duration(words::between(start, at))) }
            }
        }
        text.quiet x=(LEFT - 20.0) y=(y + 34.0) {
            "from " (words::time(&mut Clock::default(), start)) " UTC on; longer pauses are shortened"
        }
    }
}
