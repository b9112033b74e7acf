//! What came of a request, by shape and colour.

use crate::export::report::lanes::Mark;
use maud::{Markup, html};
use strum::{EnumIter, IntoEnumIterator, IntoStaticStr};

/// Half a mark.
pub(super) const RADIUS: f64 = 7.0;

/// What came of a request, as its mark shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum MarkLook {
    Served,
    Silent,
    Misdirected,
    Refused,
    Unanswered,
}

impl MarkLook {
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
        self.into()
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Served => "answered",
            Self::Silent => "silent misdirect",
            Self::Misdirected => "refused with 421",
            Self::Refused => "another error",
            Self::Unanswered => "no response seen",
        }
    }

    /// Its shape around a point.
    pub(super) fn shape(self, x: f64, y: f64) -> Markup {
        let polygon = |points: &[(f64, f64)]| {
            let points = points.iter().map(|(dx, dy)| (x + dx * RADIUS, y + dy * RADIUS));
            let points: Vec<_> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            html! { polygon points=(points.join(" ")) {} }
        };
        let circle = html! { circle cx=(tenths(x)) cy=(tenths(y)) r=(RADIUS - 1.0) {} };
        let d = RADIUS * 0.45;
        match self {
            Self::Served => circle,
            Self::Silent => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Self::Misdirected => polygon(&[(0.0, -1.35), (1.35, 0.0), (0.0, 1.35), (-1.35, 0.0)]),
            Self::Refused => polygon(&[(0.0, -1.2), (1.15, 0.85), (-1.15, 0.85)]),
            Self::Unanswered => html! {
                (circle)
                (line("cross", (x - d, y - d), (x + d, y + d)))
                (line("cross", (x - d, y + d), (x + d, y - d)))
            },
        }
    }
}

/// What the marks mean.
pub(in crate::export::report) fn legend() -> Markup {
    html! {
        ul.legend aria-label="Marks in the drawings" {
            @for look in MarkLook::iter() {
                li {
                    svg.drawn.key viewBox="0 0 22 22" aria-hidden="true" {
                        g.mark.(look.class()) { (look.shape(11.0, 11.0)) }
                    }
                    (look.meaning())
                }
            }
        }
    }
}

/// A line of a class.
pub(super) fn line(class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> Markup {
    html! { line.(class) x1=(tenths(x1)) y1=(tenths(y1)) x2=(tenths(x2)) y2=(tenths(y2)) {} }
}

/// A place on the drawing.
pub(super) fn tenths(place: f64) -> String {
    format!("{place:.1}")
}
