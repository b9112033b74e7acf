//! Several live sources, one engine.

use super::error::CaptureError;
use super::source::LiveSource;
use crate::ledger::SourceStats;
use std::time::Duration;
use wrongdoor_core::engine::Engine;

/// So long one of them may keep the others waiting.
const TURN: Duration = Duration::from_millis(10);

/// Probes and packets: they take turns.
pub(crate) struct Both(pub(crate) Vec<Box<dyn LiveSource>>);

impl LiveSource for Both {
    fn name(&self) -> &'static str {
        "ebpf and packets"
    }

    fn poll(&mut self, engine: &mut Engine, timeout: Duration) -> Result<(), CaptureError> {
        self.0.iter_mut().try_for_each(|source| source.poll(engine, timeout.min(TURN)))
    }

    fn waits_for(&self) -> Option<&'static str> {
        self.0.iter().find_map(|source| source.waits_for())
    }

    fn tally(&mut self) -> SourceStats {
        let mut sum = SourceStats::default();
        self.0.iter_mut().for_each(|source| sum.add(source.tally()));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::AgentState;
    use crate::testing::Replay;
    use std::sync::Arc;
    use wrongdoor_core::engine::EngineConfig;

    #[test]
    fn all_are_polled_and_their_ledgers_are_summed() {
        let shared = AgentState::new(None);
        let replay = || Box::new(Replay::new("coalescing", &shared)) as Box<dyn LiveSource>;
        let mut alone = replay();
        let mut sources = Both(vec![replay(), replay()]);
        let mut engine = Engine::new(EngineConfig::default(), Arc::default());
        assert!(sources.waits_for().is_some());
        alone.poll(&mut engine, Duration::ZERO).unwrap();
        sources.poll(&mut engine, Duration::ZERO).unwrap();
        assert_eq!(sources.waits_for(), None);
        let (one, two) = (alone.tally(), sources.tally());
        assert_eq!(two.kernel_events, 2 * one.kernel_events);
        assert_eq!(two.capture_events, 2 * one.capture_events);
        let doubled: Vec<_> =
            one.kernel_lost.iter().map(|(why, count)| (*why, 2 * count)).collect();
        assert_eq!(two.kernel_lost, doubled);
        assert_eq!(two.failures, [("ssl_write", "refused", 2)]);
    }
}
