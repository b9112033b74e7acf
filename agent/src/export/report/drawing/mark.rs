//! What came of a request, by shape and colour.

use crate::export::report::html::Html;
use crate::export::report::lanes::Mark;

/// Half a mark.
pub(super) const RADIUS: f64 = 7.0;

/// What came of a request, as its mark shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Served,
    Silent,
    Misdirected,
    Refused,
    Unanswered,
}

impl Look {
    const ALL: [Self; 5] =
        [Self::Served, Self::Silent, Self::Misdirected, Self::Refused, Self::Unanswered];

    pub(super) fn of(mark: &Mark) -> Self {
        match mark.status {
            None => Self::Unanswered,
            Some(421) => Self::Misdirected,
            Some(_) if mark.is_silent => Self::Silent,
            Some(400..) => Self::Refused,
            Some(_) => Self::Served,
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Silent => "silent",
            Self::Misdirected => "misdirected",
            Self::Refused => "refused",
            Self::Unanswered => "unanswered",
        }
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Served => "answered",
            Self::Silent => "answered by the wrong one, silently",
            Self::Misdirected => "refused with 421",
            Self::Refused => "another error",
            Self::Unanswered => "no answer seen",
        }
    }

    /// Its shape around a point.
    pub(super) fn shape(self, html: &mut Html, x: f64, y: f64) {
        let r = RADIUS;
        let polygon = |html: &mut Html, points: &[(f64, f64)]| {
            let points: Vec<String> = points
                .iter()
                .map(|(dx, dy)| format!("{:.1},{:.1}", x + dx * r, y + dy * r))
                .collect();
            html.element("polygon").attr("points", points.join(" ")).text("");
        };
        match self {
            Self::Served => circle(html, x, y, r - 1.0),
            Self::Silent => polygon(html, &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Self::Misdirected => {
                polygon(html, &[(0.0, -1.35), (1.35, 0.0), (0.0, 1.35), (-1.35, 0.0)])
            }
            Self::Refused => polygon(html, &[(0.0, -1.2), (1.15, 0.85), (-1.15, 0.85)]),
            Self::Unanswered => {
                circle(html, x, y, r - 1.0);
                let d = r * 0.45;
                line(html, "cross", (x - d, y - d), (x + d, y + d));
                line(html, "cross", (x - d, y + d), (x + d, y - d));
            }
        }
    }
}

/// What the marks mean.
pub(super) fn legend(html: &mut Html) {
    html.classed("ul", "legend").attr("aria-label", "Marks in the drawings").with(|html| {
        for look in Look::ALL {
            html.element("li").with(|html| {
                let svg = html.classed("svg", "drawn key").attr("viewBox", "0 0 22 22");
                svg.attr("aria-hidden", "true").with(|html| {
                    html.classed("g", &format!("mark {}", look.class()))
                        .with(|html| look.shape(html, 11.0, 11.0));
                });
                html.text(look.meaning());
            });
        }
    });
}

/// A line of a class.
pub(super) fn line(html: &mut Html, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let line =
        html.classed("line", class).attr("x1", format!("{x1:.1}")).attr("y1", format!("{y1:.1}"));
    line.attr("x2", format!("{x2:.1}")).attr("y2", format!("{y2:.1}")).text("");
}

fn circle(html: &mut Html, x: f64, y: f64, r: f64) {
    let circle = html.element("circle").attr("cx", format!("{x:.1}")).attr("cy", format!("{y:.1}"));
    circle.attr("r", r).text("");
}
