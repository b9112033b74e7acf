//! The loss ledger as a scrape tells it: what left a stage has entered the next.

use anyhow::{Result, ensure};

use super::agent::Agent;
use super::metrics::Metrics;

/// What a scrape says of one stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// What entered it.
    pub entered: f64,
    /// What was lost in it.
    pub lost: f64,
}

impl Stage {
    /// One of the stages.
    pub fn of(metrics: &Metrics, stage: &str) -> Self {
        let labels = [("stage", stage)];
        Self {
            entered: metrics.sum("wrongdoor_events_total", &labels),
            lost: metrics.sum("wrongdoor_events_lost_total", &labels),
        }
    }

    fn left(self) -> f64 {
        self.entered - self.lost
    }
}

/// Requires that everything which entered a stage up to the decoder has left it, or is counted lost. What is on its
/// way is waited for.
pub fn require_sum(agent: &mut Agent) -> Result<()> {
    agent.wait_for_metrics("the ledger to add up", |metrics| {
        let [kernel, capture, decode] =
            ["kernel", "capture", "decode"].map(|stage| Stage::of(metrics, stage));
        let is_same = |one: f64, other: f64| (one - other).abs() < 0.5;
        is_same(kernel.left(), capture.entered) && is_same(capture.left(), decode.left())
    })?;
    let kernel = Stage::of(&agent.metrics()?, "kernel");
    ensure!(kernel.entered > 0.0, "nothing at all was counted");
    Ok(())
}
