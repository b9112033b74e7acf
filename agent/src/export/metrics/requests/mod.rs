//! What is counted of requests, by the names in them.

mod example;
mod families;

use super::family::{Exemplar, Family};
use super::label_limiter::LabelLimiter;
use super::labels::{ExchangeOutcome, authority_of, role_of, role_of_side, sni_of};
use super::names::{ADDRESS, FrequentNames, LabelValue, NONE};
use super::recoveries::RecoveryCounts;
use super::series::{Labelled, SeriesKey};
use crate::enrich::Workload;
use families::{Exchanged, Misdirected, Mismatched, NamedFamilies, Recovered, SilentlyMisdirected};
use std::sync::Arc;
use std::time::Duration;
use wrongdoor_core::explain::cause::CauseId;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::explain::recovery::RecoveryReport;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::name::Host;
use wrongdoor_core::observation::Exchange;

/// Requests, and what became of those answered with 421.
pub(super) struct Requests {
    label_limiter: LabelLimiter,
    /// In place of a name in families without it.
    none: LabelValue,
    authorities: FrequentNames,
    server_names: FrequentNames,
    families: NamedFamilies,
    recoveries: RecoveryCounts,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            label_limiter: LabelLimiter::default(),
            none: LabelValue::from(NONE),
            authorities: FrequentNames::default(),
            server_names: FrequentNames::default(),
            families: NamedFamilies::default(),
            recoveries: RecoveryCounts::default(),
        }
    }
}

impl Requests {
    /// Counts one exchange.
    pub(super) fn count(
        &mut self,
        exchange: &Exchange,
        classification: &Classification,
        workload: Option<&Arc<Workload>>,
        now: Duration,
    ) {
        let facts = &exchange.connection;
        let (authority, sni) = self.names(authority_of(exchange), sni_of(facts), now);
        let (role, verdict, outcome) =
            (role_of(facts), classification.verdict, ExchangeOutcome::of(exchange));
        let families = &mut self.families;

        let all = |outcome| {
            let rest = Exchanged { role, verdict, outcome, version: exchange.version };
            key(&authority, &self.none, workload, rest)
        };
        // So that the first 421 of what was served before is seen as a step.
        families.exchanges.seed(all(ExchangeOutcome::Misdirected), now);
        families.exchanges.add(all(outcome), now);

        let cause = classification.cause.as_ref().map_or(CauseId::Unknown, |cause| cause.id);
        let generator = classification.generator.unwrap_or(Generator::Unknown);
        let misdirected = key(&authority, &sni, workload, Misdirected { role, cause, generator });
        let exemplar = || {
            let at = exchange.ended();
            Some(Exemplar { trace_id: facts.trace_id(), at })
        };
        if exchange.is_misdirected() {
            families.misdirected.add_traced(misdirected, now, exemplar());
        } else {
            families.misdirected.seed(misdirected, now);
        }
        if exchange.is_mismatched() {
            let rest = Mismatched { role, verdict, outcome };
            let mismatch = key(&authority, &sni, workload, rest);
            families.mismatches.add_traced(mismatch, now, exemplar());
        }
        if classification.silent_misdirect {
            let rest = SilentlyMisdirected { role, verdict };
            families.silent.add(key(&authority, &sni, workload, rest), now);
        }
    }

    /// Counts what became of a 421.
    pub(super) fn recovered(
        &mut self,
        judged: &RecoveryReport,
        workload: Option<&Arc<Workload>>,
        now: Duration,
    ) {
        self.recoveries.count(&judged.recovery);
        let host = match &judged.host {
            Host::Name(name) => name,
            Host::Ip(_) => ADDRESS,
        };
        let (authority, dropped) = self.authorities.see(self.label_limiter.of(host), now);
        if let Some(dropped) = dropped {
            self.families.forget_authority(&dropped);
        }
        let (role, outcome) = (role_of_side(judged.observer.role), judged.recovery.outcome);
        let rest = Recovered { role, outcome };
        self.families.recovered.add(key(&authority, &self.none, workload, rest), now);
    }

    /// Which names are told apart from now on. Those that are not any more lose their series.
    pub(super) fn rename(&mut self, label_limiter: LabelLimiter) {
        for authority in self.authorities.keep(|name| label_limiter.keeps(name)) {
            self.families.forget_authority(&authority);
        }
        for sni in self.server_names.keep(|name| label_limiter.keeps(name)) {
            self.families.forget_sni(&sni);
        }
        self.label_limiter = label_limiter;
    }

    /// Lets what is idle go.
    pub(super) fn age(&mut self, now: Duration) {
        for authority in self.authorities.age(now) {
            self.families.forget_authority(&authority);
        }
        for sni in self.server_names.age(now) {
            self.families.forget_sni(&sni);
        }
        self.families.age(now);
    }

    /// How many there were, of all and of those answered with 421.
    #[cfg(test)]
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.families.exchanges.total(), self.families.misdirected.total())
    }

    pub(super) fn families(&self) -> impl Iterator<Item = Family> {
        self.families.families().into_iter().chain(self.recoveries.families())
    }

    /// The label values of both names. A name that loses its place to one of them loses its series.
    fn names(&mut self, authority: &str, sni: &str, now: Duration) -> (LabelValue, LabelValue) {
        let (authority, dropped) = self.authorities.see(self.label_limiter.of(authority), now);
        if let Some(dropped) = dropped {
            self.families.forget_authority(&dropped);
        }
        let (sni, dropped) = self.server_names.see(self.label_limiter.of(sni), now);
        if let Some(dropped) = dropped {
            self.families.forget_sni(&dropped);
        }
        (authority, sni)
    }
}

fn key<T>(
    authority: &LabelValue,
    sni: &LabelValue,
    workload: Option<&Arc<Workload>>,
    rest: T,
) -> SeriesKey<T> {
    let (authority, sni) = (Arc::clone(authority), Arc::clone(sni));
    SeriesKey { authority, sni, workload: workload.map(Arc::clone).map(Labelled), rest }
}

#[cfg(test)]
mod tests;
