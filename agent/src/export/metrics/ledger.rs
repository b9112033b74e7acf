//! The loss ledger: what entered each stage equals what left it plus what was counted lost.
//!
//! | stage | an event is | it leaves as |
//! | --- | --- | --- |
//! | `kernel` | a piece of news that a probe has: a segment, a piece of plaintext, something said of a session or socket; a packet that a filter passed | the same, read by the agent |
//! | `capture` | a piece of news or a packet that was read | an input of the engine |
//! | `decode` | an input of the engine; and a stretch that was missing (`gap`) or given up at a bound (`limit`) | an input that was followed |
//! | `correlate` | an exchange, a connection that was opened or ended, or a proof of what an endpoint serves; a connection that was dropped for newer ones (`evicted`); and a client who was given up before it was known whether it comes again (`shed`) | a record, or evidence that is remembered |
//! | `export` | a record that the events are to hold, a span that the traces are to hold | a line, a span that the collector took |
//!
//! What leaves `kernel` enters `capture`, and what leaves `capture` is the inputs of `decode`. Decoding
//! makes other things of them, so that from there on each stage adds up by itself. What is still on its way (in
//! the ring, or a ClientHello that waits for its socket) has entered and not left. Programs that begin are no
//! news: they only make the agent look at a process.
//!
//! A loss that says `repeated` lost nothing: it had been said.

use super::family::{Family, number};
use crate::export::SinkStats;
use crate::ledger::{LossReason, SourceStats};
use std::collections::BTreeMap;
use wrongdoor_core::counters::{Counters, Loss};

/// What entered the stages and was lost in them. All counts only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) events: BTreeMap<&'static str, u64>,
    pub(super) lost: BTreeMap<(&'static str, LossReason), u64>,
}

/// What came out of the engine and was ruled on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CorrelateStats {
    /// Everything that the engine told.
    pub(crate) observations: u64,
    /// Proofs that could not be remembered.
    pub(crate) forgotten: u64,
    /// What was not remembered of exchanges for want of room, or was forgotten later.
    pub(crate) pairs_forgotten: u64,
    /// Clients who were given up before it was known whether they come again: of a 421 that was told.
    pub(crate) shed: u64,
}

impl Ledger {
    /// The ledger as of this moment.
    pub(super) fn of(
        tally: &SourceStats,
        counters: &Counters,
        correlated: CorrelateStats,
        written: SinkStats,
    ) -> Self {
        let mut ledger = Self::default();
        ledger.enter("kernel", tally.kernel_events);
        for (reason, count) in &tally.kernel_lost {
            ledger.lose("kernel", *reason, *count);
        }
        ledger.enter("capture", tally.capture_events);
        for (reason, count) in &tally.capture_lost {
            ledger.lose("capture", *reason, *count);
        }
        ledger.enter("decode", inputs_of(counters));
        ledger.enter("correlate", correlated.observations);
        for (loss, count) in &counters.lost {
            let (stage, reason) = match loss {
                Loss::Gap => ("decode", LossReason::Gap),
                Loss::Limit => ("decode", LossReason::Limit),
                Loss::Evicted => ("correlate", LossReason::Evicted),
            };
            ledger.enter(stage, *count);
            ledger.lose(stage, reason, *count);
        }
        ledger.lose("correlate", LossReason::Limit, correlated.forgotten);
        // Beside the observations, which left as records.
        ledger.enter("correlate", correlated.pairs_forgotten + correlated.shed);
        ledger.lose("correlate", LossReason::Limit, correlated.pairs_forgotten);
        ledger.lose("correlate", LossReason::Shed, correlated.shed);
        ledger.enter("export", written.wanted);
        ledger.lose("export", LossReason::QueueFull, written.queue_full);
        ledger.lose("export", LossReason::SinkFailed, written.failed);
        ledger.lose("export", LossReason::Limit, written.over_limit);
        ledger
    }

    /// What left a stage.
    #[cfg(test)]
    pub(super) fn left(&self, stage: &str) -> u64 {
        let lost = self.lost.iter().filter(|((at, _), _)| *at == stage);
        self.events[stage] - lost.map(|(_, count)| count).sum::<u64>()
    }

    pub(super) fn families(&self) -> [Family; 2] {
        let help = "Events that entered a stage of the pipeline; they left it or were lost in it.";
        let events = Family::counter("wrongdoor_events_total", help);
        let help = "Events that were lost in a stage, by reason.";
        let lost = Family::counter("wrongdoor_events_lost_total", help);
        [
            events.with_all(
                self.events
                    .iter()
                    .map(|(stage, count)| ([("stage", (*stage).into())], number(*count))),
            ),
            lost.with_all(self.lost.iter().map(|((stage, reason), count)| {
                let reason = reason.as_str().into();
                ([("stage", (*stage).into()), ("reason", reason)], number(*count))
            })),
        ]
    }

    fn enter(&mut self, stage: &'static str, count: u64) {
        *self.events.entry(stage).or_default() += count;
    }

    fn lose(&mut self, stage: &'static str, reason: LossReason, count: u64) {
        *self.lost.entry((stage, reason)).or_default() += count;
    }
}

fn inputs_of(counters: &Counters) -> u64 {
    counters.packets + counters.reports
}
