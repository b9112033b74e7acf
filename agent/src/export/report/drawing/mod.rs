//! An incident over time: a lane a connection, a mark a request, and how they hang together.

mod axis;
mod mark;
mod paint;
mod scene;
mod sentences;

use super::group::Incident;
use super::html::Html;
use super::lanes::Lanes;
use scene::Scene;

/// Draws an incident, and tells the same in words.
pub(super) fn draw(html: &mut Html, id: &str, incident: &Incident, lanes: &Lanes) {
    let scene = Scene::of(incident, lanes);
    let words = scene.words();
    html.classed("figure", "drawing").with(|html| {
        paint::paint(html, id, &scene, &words.join(" "));
        html.element("figcaption").with(|html| {
            html.element("details").with(|html| {
                html.element("summary").text("The drawing in words");
                html.element("ol").with(|html| {
                    for sentence in &words {
                        html.element("li").text(sentence);
                    }
                });
            });
        });
    });
}

/// What the marks mean.
pub(super) fn legend(html: &mut Html) {
    mark::legend(html);
}
