//! What it all comes to.

use super::hazard::{Hazard, hazards};
use super::options::ProbeFailOn;
use super::parity::{Disagreement, disagreements};
use super::runner::Results;

/// Results and findings.
pub(crate) struct ProbeReport<'a> {
    /// What came back.
    pub(crate) results: &'a Results,
    /// Pairs that should not share a connection, and may.
    pub(crate) hazards: Vec<Hazard<'a>>,
    /// Where servers disagree.
    pub(crate) disagreements: Vec<Disagreement>,
}

/// How many there are of what is not listed by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Servers that did not accept a connection.
    pub(crate) unreachable: usize,
    /// Answers with 421.
    pub(crate) misdirected: usize,
    /// Probes without an answer.
    pub(crate) unanswered: usize,
}

impl<'a> ProbeReport<'a> {
    /// Looks at the results.
    pub(crate) fn new(results: &'a Results) -> Self {
        let (hazards, disagreements) = (hazards(&results.found), disagreements(results));
        Self { results, hazards, disagreements }
    }

    /// How many there are.
    pub(crate) fn counts(&self) -> Counts {
        let Self { results, .. } = self;
        Counts {
            unreachable: results
                .servers
                .iter()
                .filter(|(_, probe_error)| probe_error.is_some())
                .count(),
            misdirected: results.found.iter().filter(|found| found.is_misdirected()).count(),
            unanswered: results.found.iter().filter(|found| found.answer().is_none()).count(),
        }
    }

    /// Whether a pipeline has to stop.
    pub(crate) fn matches(&self, fail_on: ProbeFailOn) -> bool {
        match fail_on {
            ProbeFailOn::Hazard => !self.hazards.is_empty(),
            ProbeFailOn::Parity => !self.disagreements.is_empty(),
            ProbeFailOn::Misdirected => self.counts().misdirected > 0,
        }
    }

    /// Why no request could be sent, where that is so: then nothing was found because nothing was asked.
    pub(crate) fn why_nothing_was_asked(&self) -> Option<&str> {
        let found = &self.results.found;
        if found.iter().any(|found| found.is_connected()) {
            return None;
        }
        found.first().map(|found| found.outcome())
    }

    /// Nobody was there.
    pub(crate) fn is_nobody_there(&self) -> bool {
        self.results.servers.iter().all(|(_, probe_error)| probe_error.is_some())
    }
}
