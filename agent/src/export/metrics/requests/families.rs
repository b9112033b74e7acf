//! The families of counters that have names from the network in their labels.

use crate::export::metrics::family::{Family, LabelText};
use crate::export::metrics::labels::{ExchangeOutcome, ObserverRole};
use crate::export::metrics::names::LabelValue;
use crate::export::metrics::series::{FewValued, NamedCounters, NamedSeries};
use std::time::Duration;
use wrongdoor_core::explain::cause::CauseId;
use wrongdoor_core::explain::recovery::Outcome as RecoveryOutcome;
use wrongdoor_core::http::HttpVersion;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::observation::verdict::Verdict;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Exchanged {
    pub(super) role: ObserverRole,
    pub(super) verdict: Verdict,
    pub(super) outcome: ExchangeOutcome,
    pub(super) version: HttpVersion,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Misdirected {
    pub(super) role: ObserverRole,
    pub(super) cause: CauseId,
    pub(super) generator: Generator,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Mismatched {
    pub(super) role: ObserverRole,
    pub(super) verdict: Verdict,
    pub(super) outcome: ExchangeOutcome,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SilentlyMisdirected {
    pub(super) role: ObserverRole,
    pub(super) verdict: Verdict,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Recovered {
    pub(super) role: ObserverRole,
    pub(super) outcome: RecoveryOutcome,
}

/// One of each.
#[derive(Default)]
pub(super) struct NamedFamilies {
    pub(super) exchanges: NamedSeries<Exchanged>,
    pub(super) misdirected: NamedSeries<Misdirected>,
    pub(super) mismatches: NamedSeries<Mismatched>,
    pub(super) silent: NamedSeries<SilentlyMisdirected>,
    pub(super) recovered: NamedSeries<Recovered>,
}

/// The list of all: it takes them apart, so that the compiler finds one that is left out.
macro_rules! all {
    ($families:expr) => {{
        let NamedFamilies { exchanges, misdirected, mismatches, silent, recovered } = $families;
        [exchanges, misdirected, mismatches, silent, recovered]
    }};
}

impl NamedFamilies {
    /// In the order in which they are exported.
    pub(super) fn families(&self) -> [Family; 5] {
        let all: [&dyn NamedCounters; 5] = all!(self);
        all.map(NamedCounters::family)
    }

    /// Removes the series of an authority.
    pub(super) fn forget_authority(&mut self, name: &LabelValue) {
        self.each(|series| series.forget(&|names| names.authority == name));
    }

    /// Removes the series of a server name.
    pub(super) fn forget_sni(&mut self, name: &LabelValue) {
        self.each(|series| series.forget(&|names| names.sni == name));
    }

    /// Makes room where there is none left.
    pub(super) fn age(&mut self, now: Duration) {
        self.each(|series| series.age(now));
    }

    fn each(&mut self, change: impl FnMut(&mut dyn NamedCounters)) {
        let all: [&mut dyn NamedCounters; 5] = all!(self);
        all.into_iter().for_each(change);
    }
}

impl FewValued for Exchanged {
    const NAME: &'static str = "wrongdoor_exchanges_total";
    const HELP: &'static str = "HTTP exchanges, by authority and outcome.";
    const HAS_SNI: bool = false;

    fn role(self) -> ObserverRole {
        self.role
    }

    fn labels(self) -> impl IntoIterator<Item = (&'static str, LabelText)> {
        [
            ("verdict", self.verdict.as_str().into()),
            ("outcome", self.outcome.as_str().into()),
            ("http_version", self.version.as_str().into()),
        ]
    }
}

impl FewValued for Misdirected {
    const NAME: &'static str = "wrongdoor_misdirected_total";
    const HELP: &'static str = "Requests answered with 421 Misdirected Request.";
    const HAS_SNI: bool = true;

    fn role(self) -> ObserverRole {
        self.role
    }

    fn labels(self) -> impl IntoIterator<Item = (&'static str, LabelText)> {
        [("cause", self.cause.as_str().into()), ("generator", self.generator.as_str().into())]
    }
}

impl FewValued for Mismatched {
    const NAME: &'static str = "wrongdoor_authority_mismatches_total";
    const HELP: &'static str = "Requests for another host than the SNI of their connection.";
    const HAS_SNI: bool = true;

    fn role(self) -> ObserverRole {
        self.role
    }

    fn labels(self) -> impl IntoIterator<Item = (&'static str, LabelText)> {
        [("verdict", self.verdict.as_str().into()), ("outcome", self.outcome.as_str().into())]
    }
}

impl FewValued for SilentlyMisdirected {
    const NAME: &'static str = "wrongdoor_silent_misdirects_total";
    const HELP: &'static str =
        "Mismatches answered with 2xx by an endpoint that was not seen to serve the authority.";
    const HAS_SNI: bool = true;

    fn role(self) -> ObserverRole {
        self.role
    }

    fn labels(self) -> impl IntoIterator<Item = (&'static str, LabelText)> {
        [("verdict", self.verdict.as_str().into())]
    }
}

impl FewValued for Recovered {
    const NAME: &'static str = "wrongdoor_recoveries_total";
    const HELP: &'static str = "Requests that were answered with 421, by what the client did next.";
    const HAS_SNI: bool = false;

    fn role(self) -> ObserverRole {
        self.role
    }

    fn labels(self) -> impl IntoIterator<Item = (&'static str, LabelText)> {
        [("outcome", self.outcome.as_str().into())]
    }
}
