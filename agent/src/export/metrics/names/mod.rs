//! Which names become label values: the frequent ones, and never more than so many.
//!
//! Names come from the network, and its clients choose them. While there is room, every name is
//! admitted. Then a name must be seen more often than one of those that are in, by a count that is never
//! too high: so a flood of names that come once displaces nothing, however long it lasts.

mod candidates;

use candidates::Candidates;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

/// The most distinct values of one label.
pub(super) const MAX_NAMES: usize = 200;
/// The longest name that is a label value: that of the DNS. A longer one is `other`; cut, it would be
/// another name.
pub(super) const MAX_NAME: usize = 253;
/// A name that was not seen for so long gives up its place.
pub(super) const IDLE_AFTER: Duration = Duration::from_secs(60 * 60);
/// So often what was counted loses half its weight, so that what was frequent once does not stay for ever.
pub(super) const HALVE_EVERY: Duration = Duration::from_secs(10 * 60);

/// All names that are not told apart.
pub(super) const OTHER: &str = "other";
/// An address: those are never label values.
pub(super) const ADDRESS: &str = "ip";
/// No name, or one that is not known.
pub(super) const NONE: &str = "";

/// A label value, shared by the series that have it.
pub(super) type LabelValue = Arc<str>;

/// The names of one label.
pub(super) struct FrequentNames {
    admitted: HashMap<LabelValue, Standing>,
    candidates: Candidates,
    /// No admitted name has a lower score.
    floor: u32,
    halve_at: Duration,
    /// The values that are no names, made once.
    reserved: [LabelValue; 3],
}

/// How a name keeps its place.
struct Standing {
    label: LabelValue,
    score: u32,
    last_seen: Duration,
}

impl Default for FrequentNames {
    fn default() -> Self {
        Self {
            admitted: HashMap::with_capacity(MAX_NAMES),
            candidates: Candidates::default(),
            floor: 0,
            halve_at: HALVE_EVERY,
            reserved: [NONE, ADDRESS, OTHER].map(LabelValue::from),
        }
    }
}

impl FrequentNames {
    /// The label value for a name that is seen at `now`; and the name that has lost its place to it, whose
    /// series are to be removed.
    pub(super) fn see(&mut self, name: &str, now: Duration) -> (LabelValue, Option<LabelValue>) {
        let name = &*lower_case(name);
        if let Some(reserved) = self.reserved.iter().find(|reserved| ***reserved == *name) {
            return (Arc::clone(reserved), None);
        }
        if let Some(standing) = self.admitted.get_mut(name) {
            standing.score = standing.score.saturating_add(1);
            standing.last_seen = now;
            return (Arc::clone(&standing.label), None);
        }
        if name.len() > MAX_NAME {
            return (self.other(), None);
        }
        if self.admitted.len() < MAX_NAMES {
            return (self.admit(name, 1, now), None);
        }
        let hash = self.admitted.hasher().hash_one(name);
        let score = self.candidates.see(hash);
        match self.give_way_to(score) {
            None => (self.other(), None),
            Some(dropped) => {
                self.candidates.forget(hash);
                (self.admit(name, score, now), Some(dropped))
            }
        }
    }

    /// Lets what was counted fade; gives the names that were idle for too long, whose series are to be
    /// removed. To be called now and then.
    pub(super) fn age(&mut self, now: Duration) -> Vec<LabelValue> {
        if now < self.halve_at {
            return Vec::new();
        }
        self.halve_at = now + HALVE_EVERY;
        self.candidates.halve();
        for standing in self.admitted.values_mut() {
            standing.score /= 2;
        }
        let idle = self.admitted.extract_if(|_, standing| now >= standing.last_seen + IDLE_AFTER);
        let idle = idle.map(|(label, _)| label).collect();
        self.floor = self.lowest().map_or(0, |standing| standing.score);
        idle
    }

    /// Lets go of all names but these; gives those that went.
    pub(super) fn keep(&mut self, is_kept: impl Fn(&str) -> bool) -> Vec<LabelValue> {
        let gone = self.admitted.extract_if(|label, _| !is_kept(label));
        gone.map(|(label, _)| label).collect()
    }

    fn admit(&mut self, name: &str, score: u32, now: Duration) -> LabelValue {
        let label = LabelValue::from(name);
        let standing = Standing { label: Arc::clone(&label), score, last_seen: now };
        self.floor = self.floor.min(score);
        self.admitted.insert(Arc::clone(&label), standing);
        label
    }

    /// Drops the least of the admitted, if it counts for less than `score`. What was seen once never does.
    fn give_way_to(&mut self, score: u32) -> Option<LabelValue> {
        if score < 2 || score <= self.floor {
            return None;
        }
        let lowest = self.lowest()?;
        let (label, floor) = (Arc::clone(&lowest.label), lowest.score);
        self.floor = floor;
        if score <= floor {
            return None;
        }
        self.admitted.remove(&label);
        Some(label)
    }

    /// The longest idle of those with the lowest score.
    fn lowest(&self) -> Option<&Standing> {
        self.admitted.values().min_by_key(|standing| (standing.score, standing.last_seen))
    }

    fn other(&self) -> LabelValue {
        let [_, _, other] = &self.reserved;
        Arc::clone(other)
    }
}

/// Whether it is a value for what has no name of its own: those are few, and keep their series.
pub(super) fn is_reserved(label: &str) -> bool {
    [NONE, ADDRESS, OTHER].contains(&label)
}

fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests;
