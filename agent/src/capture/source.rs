//! What a live source is: something that feeds an engine until it is told to stop.

use super::error::CaptureError;
use crate::ledger::SourceStats;
use std::time::Duration;
use wrongdoor_core::engine::Engine;

/// A running live source. It is driven by one thread, which owns the engine.
pub(crate) trait LiveSource {
    /// `ebpf`, `packets` or both, for the log.
    fn name(&self) -> &'static str;

    /// Feeds `engine` what has come, waiting for at most `patience` where nothing has.
    fn poll(&mut self, engine: &mut Engine, timeout: Duration) -> Result<(), CaptureError>;

    /// What keeps it from capturing everything that it is to capture; `None` once it does.
    fn waits_for(&self) -> Option<&'static str>;

    /// What it has seen and lost so far.
    fn tally(&mut self) -> SourceStats;
}
