//! A family of counters with names from the network in their labels, and never more than so many series.

use super::family::{Exemplar, Family, LabelText, number};
use super::labels::ObserverRole;
use super::names::{IDLE_AFTER, LabelValue, NONE, OTHER, is_reserved};
use crate::enrich::Workload;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// The most series of one family.
pub(super) const MAX_SERIES: usize = 2000;
/// The most of these series that stand at 0.
const MAX_SEEDED: usize = MAX_SERIES / 2;

/// A family: what it is called, and its labels of few values.
pub(super) trait FewValued: Copy + Eq + Hash {
    const NAME: &'static str;
    const HELP: &'static str;
    /// Whether the server name is a label.
    const HAS_SNI: bool;

    fn role(self) -> ObserverRole;

    /// The others, in order.
    fn labels(self) -> impl IntoIterator<Item = (&'static str, LabelText)>;
}

/// The labels of one series.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SeriesKey<T> {
    pub(super) authority: LabelValue,
    /// Empty in families without this label.
    pub(super) sni: LabelValue,
    /// The workload that it is of, in a cluster.
    pub(super) workload: Option<Labelled>,
    pub(super) rest: T,
}

/// The counters of any family.
pub(super) trait NamedCounters {
    /// Removes the series of names that lost their place. A series that comes back begins at 0 again, which reads
    /// as a counter's reset.
    fn forget(&mut self, is_gone: &dyn Fn(SeriesNames<'_>) -> bool);

    /// Makes room at the bound by removing what was idle for long.
    fn age(&mut self, now: Duration);

    /// All series with their values.
    fn family(&self) -> Family;
}

/// The names in the labels of a series.
#[derive(Clone, Copy)]
pub(super) struct SeriesNames<'a> {
    pub(super) authority: &'a LabelValue,
    pub(super) sni: &'a LabelValue,
}

/// A workload as its labels tell it from others: a Deployment and a Rollout of one name are one series, and two of it
/// would be no exposition.
#[derive(Clone, Debug)]
pub(super) struct Labelled(pub(super) Arc<Workload>);

/// The counters of one family.
pub(super) struct NamedSeries<T> {
    counts: HashMap<SeriesKey<T>, Count>,
}

struct Count {
    value: u64,
    last_seen: Duration,
    /// The latest of what it counts, where it has a trace.
    exemplar: Option<Exemplar>,
}

impl Labelled {
    fn labels(&self) -> (&str, &str) {
        (&self.0.namespace, &self.0.name)
    }
}

impl PartialEq for Labelled {
    fn eq(&self, other: &Self) -> bool {
        self.labels() == other.labels()
    }
}

impl Eq for Labelled {}

impl Hash for Labelled {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.labels().hash(state);
    }
}

impl Count {
    fn new(now: Duration) -> Self {
        Self { value: 0, last_seen: now, exemplar: None }
    }
}

impl<T> Default for NamedSeries<T> {
    fn default() -> Self {
        Self { counts: HashMap::new() }
    }
}

impl<T: FewValued> NamedCounters for NamedSeries<T> {
    fn forget(&mut self, is_gone: &dyn Fn(SeriesNames<'_>) -> bool) {
        self.counts
            .retain(|key, _| !is_gone(SeriesNames { authority: &key.authority, sni: &key.sni }));
    }

    fn age(&mut self, now: Duration) {
        if self.counts.len() >= MAX_SERIES {
            self.counts.retain(|key, count| !key.is_named() || now < count.last_seen + IDLE_AFTER);
        }
    }

    fn family(&self) -> Family {
        let family = Family::counter(T::NAME, T::HELP);
        self.counts.iter().fold(family, |family, (key, count)| {
            family.with_exemplar(key.labels(), number(count.value), count.exemplar)
        })
    }
}

impl<T: FewValued> NamedSeries<T> {
    /// Counts one. Beyond the bound it counts for the series with `other` in place of the names.
    pub(super) fn add(&mut self, key: SeriesKey<T>, now: Duration) {
        self.add_traced(key, now, None);
    }

    /// The same of something that has a trace.
    pub(super) fn add_traced(
        &mut self,
        key: SeriesKey<T>,
        now: Duration,
        exemplar: Option<Exemplar>,
    ) {
        let key = if self.has_room_for(&key) { key } else { self.among_others(&key) };
        let count = self.counts.entry(key).or_insert_with(|| Count::new(now));
        count.value += 1;
        count.last_seen = now;
        count.exemplar = exemplar.or(count.exemplar);
    }

    /// Lets a counter stand at 0 before there is anything to count, so that its first step is seen as one.
    pub(super) fn seed(&mut self, key: SeriesKey<T>, now: Duration) {
        if self.counts.len() < MAX_SEEDED {
            self.counts.entry(key).or_insert_with(|| Count::new(now));
        }
    }

    /// How much was counted, in all series.
    #[cfg(test)]
    pub(super) fn total(&self) -> u64 {
        self.counts.values().map(|count| count.value).sum()
    }

    fn has_room_for(&self, key: &SeriesKey<T>) -> bool {
        self.counts.len() < MAX_SERIES || self.counts.contains_key(key)
    }

    /// The key without names. There are few of those, and one that stands at 0 makes room for it, or the
    /// longest idle.
    fn among_others(&mut self, key: &SeriesKey<T>) -> SeriesKey<T> {
        let other = key.among_others();
        if !self.has_room_for(&other) {
            let named = self.counts.iter().filter(|(key, _)| key.is_named());
            let idlest = named
                .min_by_key(|(_, count)| (count.value > 0, count.last_seen))
                .map(|(key, _)| key.clone());
            if let Some(idlest) = idlest {
                self.counts.remove(&idlest);
            }
        }
        other
    }
}

impl<T: FewValued> SeriesKey<T> {
    /// Those of the workload are always there, so that the set is the same with and without an orchestrator.
    fn labels(&self) -> impl Iterator<Item = (&'static str, LabelText)> {
        let (namespace, workload) = match &self.workload {
            Some(Labelled(workload)) => ((&workload.namespace).into(), (&workload.name).into()),
            None => (NONE.into(), NONE.into()),
        };
        let names =
            [("role", self.rest.role().as_str().into()), ("authority", (&self.authority).into())];
        let sni = T::HAS_SNI.then(|| ("sni", (&self.sni).into()));
        names
            .into_iter()
            .chain(sni)
            .chain(self.rest.labels())
            .chain([("namespace", namespace), ("workload", workload)])
    }

    fn is_named(&self) -> bool {
        !is_reserved(&self.authority) || !is_reserved(&self.sni) || self.workload.is_some()
    }

    fn among_others(&self) -> Self {
        let other = |label: &LabelValue| {
            if is_reserved(label) { Arc::clone(label) } else { LabelValue::from(OTHER) }
        };
        Self {
            authority: other(&self.authority),
            sni: other(&self.sni),
            workload: None,
            rest: self.rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl FewValued for u8 {
        const NAME: &'static str = "any_total";
        const HELP: &'static str = "Anything.";
        const HAS_SNI: bool = true;

        fn role(self) -> ObserverRole {
            ObserverRole::Observer
        }

        fn labels(self) -> impl IntoIterator<Item = (&'static str, LabelText)> {
            []
        }
    }

    fn key(authority: &str, sni: &str, rest: u8) -> SeriesKey<u8> {
        SeriesKey { authority: authority.into(), sni: sni.into(), workload: None, rest }
    }

    #[test]
    fn beyond_the_bound_names_are_other_and_one_series_gives_way() {
        let mut series = NamedSeries::default();
        let total = 3 * MAX_SERIES;
        for at in 0..total {
            series.add(key(&format!("a{at}.test"), "", 1), Duration::ZERO);
            assert!(series.counts.len() <= MAX_SERIES);
        }
        // One series gave way to `other`.
        assert_eq!(series.total(), total as u64 - 1);
        assert_eq!(series.counts[&key(OTHER, "", 1)].value, (total - MAX_SERIES) as u64);
    }

    #[test]
    fn counters_that_stand_at_0_leave_room_for_others() {
        let mut series = NamedSeries::default();
        for at in 0..MAX_SERIES {
            series.seed(key(&format!("a{at}.test"), "", 1), Duration::ZERO);
        }
        assert_eq!(series.counts.len(), MAX_SEEDED);
        series.add(key("a0.test", "", 1), Duration::ZERO);
        series.seed(key("a0.test", "", 1), Duration::ZERO);
        assert_eq!(series.counts[&key("a0.test", "", 1)].value, 1);
    }

    #[test]
    fn what_is_idle_makes_room_at_the_bound_only() {
        let mut series = NamedSeries::default();
        series.add(key(OTHER, "", 1), Duration::ZERO);
        series.add(key("a.test", "", 1), Duration::ZERO);
        series.age(IDLE_AFTER);
        assert_eq!(series.counts.len(), 2);
        for at in 2..MAX_SERIES {
            series.add(key("b.test", &at.to_string(), 1), IDLE_AFTER / 2);
        }
        series.age(IDLE_AFTER);
        assert_eq!(series.counts.len(), MAX_SERIES - 1);
        assert!(series.counts.contains_key(&key(OTHER, "", 1)));
    }
}
