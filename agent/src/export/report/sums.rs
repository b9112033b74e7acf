//! What is counted of all findings, listed or not.

use crate::text;
use std::collections::BTreeMap;
use wrongdoor_core::explain::Finding;
use wrongdoor_core::explain::cause::{CauseId, Confidence};
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::explain::recovery::Outcome;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::observation::Exchange;

/// Findings and connections by what the page says of them.
#[derive(Debug, Default)]
pub(super) struct FindingSums {
    /// 421s by who made them.
    pub(super) generators: BTreeMap<&'static str, u64>,
    /// 421s by cause, with the best confidence.
    pub(super) causes: BTreeMap<CauseId, (u64, Option<Confidence>)>,
    /// Refused for the name with another status, or none.
    pub(super) refused_otherwise: u64,
    pub(super) silent: u64,
    pub(super) outcomes: BTreeMap<Outcome, u64>,
    /// Mismatches that were legal as far as was seen.
    pub(super) legal: u64,
    /// Encrypted connections without keys.
    pub(super) undecrypted: u64,
    /// Connections of QUIC.
    pub(super) http3: u64,
    /// Connections with gaps.
    pub(super) with_gaps: u64,
}

impl FindingSums {
    /// One more finding.
    pub(super) fn add(
        &mut self,
        finding: Finding,
        exchange: &Exchange,
        classification: &Classification,
    ) {
        self.silent += u64::from(classification.silent_misdirect);
        if let Some(recovery) = &classification.recovery {
            *self.outcomes.entry(recovery.outcome).or_default() += 1;
        }
        match finding {
            Finding::Refused(cause) if exchange.is_misdirected() => {
                let generator = classification.generator.unwrap_or(Generator::Unknown);
                *self.generators.entry(text::generator(generator)).or_default() += 1;
                let (count, best) = self.causes.entry(cause).or_default();
                *count += 1;
                let confidence = classification.cause.as_ref().map(|cause| cause.confidence);
                *best = (*best).into_iter().chain(confidence).min();
            }
            Finding::Refused(_) => self.refused_otherwise += 1,
            Finding::Mismatched(_) => self.legal += u64::from(finding.rank() == 2),
            Finding::Silent => {}
        }
    }
}
