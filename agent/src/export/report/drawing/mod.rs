//! An incident over time: a lane a connection, a mark a request, and how they hang together.

mod axis;
mod mark;
mod paint;
mod scene;
mod sentences;

pub(super) use mark::legend;

use super::group::Incident;
use super::lanes::Lanes;
use maud::{Markup, html};
use scene::IncidentScene;

/// Draws an incident, and tells the same in words.
pub(super) fn draw(id: &str, incident: &Incident, lanes: &Lanes) -> Markup {
    let scene = IncidentScene::of(incident, lanes);
    let sentences = scene.sentences();
    html! {
        figure.drawing {
            (paint::paint(id, &scene, &sentences.join(" ")))
            figcaption {
                details {
                    summary { "The drawing in words" }
                    ol { @for sentence in sentences { li { (sentence) } } }
                }
            }
        }
    }
}
