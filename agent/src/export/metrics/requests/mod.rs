//! What is counted of requests, by the names in them.

use super::family::{Exemplar, Family, Text};
use super::label_limiter::LabelLimiter;
use super::labels::{Outcome, Role, authority_of, role_of, role_of_side, sni_of};
use super::names::{ADDRESS, Label, NONE, Names};
use super::number;
use super::recoveries::Recoveries;
use super::series::{Key, Labelled, Series};
use crate::enrich::Workload;
use std::sync::Arc;
use std::time::Duration;
use wrongdoor_core::explain::cause::CauseId;
use wrongdoor_core::explain::classifier::Classification;
use wrongdoor_core::explain::recovery::{Outcome as Recovered, RecoveryReport};
use wrongdoor_core::http::HttpVersion;
use wrongdoor_core::http_facts::Generator;
use wrongdoor_core::name::Host;
use wrongdoor_core::observation::Exchange;
use wrongdoor_core::observation::verdict::Verdict;

/// The families of counters that have names from the network in their labels.
pub(super) struct Requests {
    label_limiter: LabelLimiter,
    /// In place of a name in families without it.
    none: Label,
    authorities: Names,
    server_names: Names,
    exchanges: Series<(Role, Verdict, Outcome, HttpVersion)>,
    misdirected: Series<(Role, CauseId, Generator)>,
    mismatches: Series<(Role, Verdict, Outcome)>,
    silent: Series<(Role, Verdict)>,
    recovered: Series<(Role, Recovered)>,
    recoveries: Recoveries,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            label_limiter: LabelLimiter::default(),
            none: Label::from(NONE),
            authorities: Names::default(),
            server_names: Names::default(),
            exchanges: Series::default(),
            misdirected: Series::default(),
            mismatches: Series::default(),
            silent: Series::default(),
            recovered: Series::default(),
            recoveries: Recoveries::default(),
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
            (role_of(facts), classification.verdict, Outcome::of(exchange));

        let all = |outcome| {
            let rest = (role, verdict, outcome, exchange.version);
            key(&authority, &self.none, workload, rest)
        };
        // So that the first 421 of what was served before is seen as a step.
        self.exchanges.seed(all(Outcome::Misdirected), now);
        self.exchanges.add(all(outcome), now);

        let cause = classification.cause.as_ref().map_or(CauseId::Unknown, |cause| cause.id);
        let generator = classification.generator.unwrap_or(Generator::Unknown);
        let misdirected = key(&authority, &sni, workload, (role, cause, generator));
        let exemplar = || {
            let at = exchange.ended();
            Some(Exemplar { trace_id: facts.trace_id(), at })
        };
        if exchange.is_misdirected() {
            self.misdirected.add_traced(misdirected, now, exemplar());
        } else {
            self.misdirected.seed(misdirected, now);
        }
        if exchange.is_mismatched() {
            let mismatch = key(&authority, &sni, workload, (role, verdict, outcome));
            self.mismatches.add_traced(mismatch, now, exemplar());
        }
        if classification.silent_misdirect {
            self.silent.add(key(&authority, &sni, workload, (role, verdict)), now);
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
            self.forget_authority(&dropped);
        }
        let rest = (role_of_side(judged.observer.role), judged.recovery.outcome);
        self.recovered.add(key(&authority, &self.none, workload, rest), now);
    }

    /// Which names are told apart from now on. Those that are not any more lose their series.
    pub(super) fn rename(&mut self, label_limiter: LabelLimiter) {
        for authority in self.authorities.keep(|name| label_limiter.keeps(name)) {
            self.forget_authority(&authority);
        }
        for sni in self.server_names.keep(|name| label_limiter.keeps(name)) {
            self.forget_sni(&sni);
        }
        self.label_limiter = label_limiter;
    }

    /// Lets what is idle go.
    pub(super) fn age(&mut self, now: Duration) {
        for authority in self.authorities.age(now) {
            self.forget_authority(&authority);
        }
        for sni in self.server_names.age(now) {
            self.forget_sni(&sni);
        }
        self.exchanges.age(now);
        self.misdirected.age(now);
        self.mismatches.age(now);
        self.silent.age(now);
        self.recovered.age(now);
    }

    /// How many there were, of all and of those answered with 421.
    #[cfg(test)]
    pub(super) fn totals(&self) -> (u64, u64) {
        let all = self.exchanges.values().map(|(_, count)| count).sum();
        (all, self.misdirected.values().map(|(_, count)| count).sum())
    }

    pub(super) fn families(&self, families: &mut Vec<Family>) {
        let mut exchanges = Family::counter(
            "wrongdoor_exchanges_total",
            "HTTP exchanges, by the authority asked for and how they ended.",
        );
        for (key, count) in self.exchanges.values() {
            let (role, verdict, outcome, version) = key.rest;
            let labels = [
                ("role", role.as_str().into()),
                ("authority", (&key.authority).into()),
                ("verdict", verdict.as_str().into()),
                ("outcome", outcome.as_str().into()),
                ("http_version", version.as_str().into()),
            ];
            exchanges = exchanges.with(labels.into_iter().chain(pod(key)), number(count));
        }
        let mut misdirected = Family::counter(
            "wrongdoor_misdirected_total",
            "Requests answered with 421 Misdirected Request.",
        );
        for (key, count, exemplar) in self.misdirected.traced() {
            let (role, cause, generator) = key.rest;
            let why = [("cause", cause.as_str().into()), ("generator", generator.as_str().into())];
            let labels = names(key, role).into_iter().chain(why).chain(pod(key));
            misdirected = misdirected.with_exemplar(labels, number(count), exemplar);
        }
        let mut mismatches = Family::counter(
            "wrongdoor_authority_mismatches_total",
            "Requests for another host than their connection's TLS handshake was for.",
        );
        for (key, count, exemplar) in self.mismatches.traced() {
            let (role, verdict, outcome) = key.rest;
            let how = [("verdict", verdict.as_str().into()), ("outcome", outcome.as_str().into())];
            let labels = names(key, role).into_iter().chain(how).chain(pod(key));
            mismatches = mismatches.with_exemplar(labels, number(count), exemplar);
        }
        let mut silent = Family::counter(
            "wrongdoor_silent_misdirects_total",
            "Mismatches answered with 2xx by an endpoint never seen to serve the authority.",
        );
        for (key, count) in self.silent.values() {
            let (role, verdict) = key.rest;
            let how = [("verdict", verdict.as_str().into())];
            silent =
                silent.with(names(key, role).into_iter().chain(how).chain(pod(key)), number(count));
        }
        let mut recovered = Family::counter(
            "wrongdoor_recoveries_total",
            "What became of requests that were answered with 421: whether the client got there after all.",
        );
        for (key, count) in self.recovered.values() {
            let (role, outcome) = key.rest;
            let labels = [
                ("role", role.as_str().into()),
                ("authority", (&key.authority).into()),
                ("outcome", outcome.as_str().into()),
            ];
            recovered = recovered.with(labels.into_iter().chain(pod(key)), number(count));
        }
        families.extend([exchanges, misdirected, mismatches, silent, recovered]);
        self.recoveries.families(families);
    }

    /// The label values of both names. Who loses its place to one of them loses its series.
    fn names(&mut self, authority: &str, sni: &str, now: Duration) -> (Label, Label) {
        let (authority, dropped) = self.authorities.see(self.label_limiter.of(authority), now);
        if let Some(dropped) = dropped {
            self.forget_authority(&dropped);
        }
        let (sni, dropped) = self.server_names.see(self.label_limiter.of(sni), now);
        if let Some(dropped) = dropped {
            self.forget_sni(&dropped);
        }
        (authority, sni)
    }

    fn forget_authority(&mut self, name: &Label) {
        self.exchanges.forget(|key| key.authority == *name);
        self.misdirected.forget(|key| key.authority == *name);
        self.mismatches.forget(|key| key.authority == *name);
        self.silent.forget(|key| key.authority == *name);
        self.recovered.forget(|key| key.authority == *name);
    }

    fn forget_sni(&mut self, name: &Label) {
        self.misdirected.forget(|key| key.sni == *name);
        self.mismatches.forget(|key| key.sni == *name);
        self.silent.forget(|key| key.sni == *name);
    }
}

fn key<T>(authority: &Label, sni: &Label, workload: Option<&Arc<Workload>>, rest: T) -> Key<T> {
    let (authority, sni) = (Arc::clone(authority), Arc::clone(sni));
    Key { authority, sni, workload: workload.map(Arc::clone).map(Labelled), rest }
}

fn names<T>(key: &Key<T>, role: Role) -> [(&'static str, Text); 3] {
    [
        ("role", role.as_str().into()),
        ("authority", (&key.authority).into()),
        ("sni", (&key.sni).into()),
    ]
}

/// The workload's labels, so that the set is the same with and without an orchestrator.
fn pod<T>(key: &Key<T>) -> [(&'static str, Text); 2] {
    let (namespace, workload) = match &key.workload {
        Some(Labelled(workload)) => ((&workload.namespace).into(), (&workload.name).into()),
        None => (NONE.into(), NONE.into()),
    };
    [("namespace", namespace), ("workload", workload)]
}

mod example;
#[cfg(test)]
mod tests;
