//! Objects of one kind as the API server tells of them, found by what they are known by elsewhere.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::Duration;

/// An object's own name for itself, never used again.
pub(super) type Uid = Box<str>;

/// Objects by uid, and by keys that several can claim: an address is given to another one some day.
#[derive(Debug)]
pub(super) struct TtlMap<K, T> {
    objects: HashMap<Uid, Entry<K, T>>,
    index: HashMap<K, Vec<Uid>>,
    /// What the list that is being told has had so far.
    listed: Option<HashSet<Uid>>,
    bound: usize,
    /// So long an object is found that was deleted.
    grace: Duration,
    /// How many are there: the others are deleted.
    there: usize,
    /// Objects that were not taken for want of room.
    pub(super) refused: u64,
}

#[derive(Debug)]
struct Entry<K, T> {
    value: T,
    keys: Vec<K>,
    /// When it was deleted.
    gone: Option<Duration>,
}

impl<K: Clone + Eq + Hash, T> TtlMap<K, T> {
    /// At most so many, each for so long after its end.
    pub(super) fn new(bound: usize, grace: Duration) -> Self {
        let (objects, index) = (HashMap::new(), HashMap::new());
        Self { objects, index, listed: None, bound, grace, there: 0, refused: 0 }
    }

    /// It is there, or is another now.
    pub(super) fn apply(&mut self, uid: &str, keys: Vec<K>, value: T) {
        if let Some(listed) = &mut self.listed {
            listed.insert(uid.into());
        }
        self.remove(uid);
        if self.objects.len() >= self.bound && !self.forget_one_gone() {
            self.refused += 1;
            return;
        }
        for key in &keys {
            self.index.entry(key.clone()).or_default().push(uid.into());
        }
        self.objects.insert(uid.into(), Entry { value, keys, gone: None });
        self.there += 1;
    }

    /// It was deleted.
    pub(super) fn delete(&mut self, uid: &str, now: Duration) {
        if let Some(entry) = self.objects.get_mut(uid) {
            self.there -= usize::from(entry.gone.is_none());
            entry.gone.get_or_insert(now);
        }
    }

    /// All that there are will be told anew.
    pub(super) fn begin_list(&mut self) {
        self.listed = Some(HashSet::new());
    }

    /// They were told: what was not among them is deleted.
    pub(super) fn end_list(&mut self, now: Duration) {
        let Some(listed) = self.listed.take() else { return };
        for (uid, entry) in &mut self.objects {
            if !listed.contains(uid) {
                self.there -= usize::from(entry.gone.is_none());
                entry.gone.get_or_insert(now);
            }
        }
    }

    /// Forgets what was deleted long enough ago.
    pub(super) fn sweep(&mut self, now: Duration) {
        let over = self.objects.iter().filter(|(_, entry)| self.is_over(entry, now));
        let over: Vec<Uid> = over.map(|(uid, _)| uid.clone()).collect();
        over.iter().for_each(|uid| self.remove(uid));
    }

    /// The one that claims a key, at `now`. Of those that are gone only where none is there; and none where two claim it.
    pub(super) fn find<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: Duration) -> Option<&T>
    where
        K: Borrow<Q>,
    {
        let claims = || {
            let uids = self.index.get(key).into_iter().flatten();
            let entries = uids.filter_map(|uid| self.objects.get(uid));
            entries.filter(|entry| !self.is_over(entry, now))
        };
        let only = |is_gone: bool| {
            let mut claims = claims().filter(|entry| entry.gone.is_some() == is_gone);
            let first = claims.next();
            (first, claims.next().is_some())
        };
        match only(false) {
            (Some(there), false) => Some(&there.value),
            (Some(_), true) => None,
            (None, _) => match only(true) {
                (Some(gone), false) => Some(&gone.value),
                _ => None,
            },
        }
    }

    /// How many are there, without those that are gone.
    pub(super) fn len(&self) -> usize {
        self.there
    }

    /// Whether it was deleted long enough ago.
    fn is_over(&self, entry: &Entry<K, T>, now: Duration) -> bool {
        entry.gone.is_some_and(|gone| now >= gone + self.grace)
    }

    fn forget_one_gone(&mut self) -> bool {
        if self.there == self.objects.len() {
            return false;
        }
        let gone = self.objects.iter().filter_map(|(uid, entry)| Some((entry.gone?, uid)));
        let Some(uid) = gone.min().map(|(_, uid)| uid.clone()) else { return false };
        self.remove(&uid);
        true
    }

    fn remove(&mut self, uid: &str) {
        let Some(entry) = self.objects.remove(uid) else { return };
        self.there -= usize::from(entry.gone.is_none());
        for key in entry.keys {
            if let Some(uids) = self.index.get_mut(&key) {
                uids.retain(|other| **other != *uid);
                if uids.is_empty() {
                    self.index.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const GRACE_PERIOD: Duration = Duration::from_secs(300);

    fn ttl_map(bound: usize) -> TtlMap<u8, &'static str> {
        TtlMap::new(bound, GRACE_PERIOD)
    }

    #[test]
    fn what_two_claim_is_nobodys() {
        let mut ttl_map = ttl_map(9);
        ttl_map.apply("a", vec![1, 2], "a");
        ttl_map.apply("b", vec![2], "b");
        assert_eq!([1, 2, 3].map(|key| ttl_map.find(&key, SECOND)), [Some(&"a"), None, None]);
        // Who came later has it, once the other one is gone; and the other one until then.
        ttl_map.delete("a", SECOND);
        assert_eq!([1, 2].map(|key| ttl_map.find(&key, SECOND)), [Some(&"a"), Some(&"b")]);
        ttl_map.apply("b", vec![3], "B");
        assert_eq!([2, 3].map(|key| ttl_map.find(&key, SECOND)), [Some(&"a"), Some(&"B")]);
    }

    #[test]
    fn what_is_deleted_is_kept_for_a_while() {
        let mut ttl_map = ttl_map(9);
        ttl_map.apply("a", vec![1], "a");
        ttl_map.delete("a", SECOND);
        assert_eq!(ttl_map.len(), 0);
        ttl_map.sweep(GRACE_PERIOD);
        assert_eq!(ttl_map.find(&1, GRACE_PERIOD), Some(&"a"));
        // It is over when it is, and not when it is swept.
        assert_eq!(ttl_map.find(&1, SECOND + GRACE_PERIOD), None);
        ttl_map.sweep(SECOND + GRACE_PERIOD);
        assert_eq!(ttl_map.find(&1, GRACE_PERIOD), None);
        assert!(ttl_map.objects.is_empty() && ttl_map.index.is_empty());
    }

    #[test]
    fn what_a_new_list_does_not_have_was_deleted() {
        let mut ttl_map = ttl_map(9);
        ttl_map.begin_list();
        ttl_map.apply("a", vec![1], "a");
        ttl_map.apply("b", vec![2], "b");
        ttl_map.end_list(SECOND);
        assert_eq!(ttl_map.len(), 2);
        ttl_map.begin_list();
        ttl_map.apply("b", vec![2], "b");
        // A list that breaks off says nothing.
        ttl_map.begin_list();
        ttl_map.apply("b", vec![2], "b");
        ttl_map.end_list(2 * SECOND);
        assert_eq!((ttl_map.len(), ttl_map.find(&1, SECOND)), (1, Some(&"a")));
        ttl_map.sweep(2 * SECOND + GRACE_PERIOD);
        assert_eq!(ttl_map.find(&1, SECOND), None);
    }

    #[test]
    fn the_bound_is_kept_and_the_dead_make_room() {
        let mut ttl_map = ttl_map(2);
        for (uid, key) in [("a", 1), ("b", 2), ("c", 3)] {
            ttl_map.apply(uid, vec![key], "x");
        }
        assert_eq!((ttl_map.len(), ttl_map.refused, ttl_map.find(&3, SECOND)), (2, 1, None));
        ttl_map.delete("a", SECOND);
        ttl_map.apply("c", vec![3], "c");
        assert_eq!((ttl_map.len(), ttl_map.refused, ttl_map.find(&3, SECOND)), (2, 1, Some(&"c")));
        // Who is there already has its place.
        ttl_map.apply("c", vec![4], "C");
        assert_eq!((ttl_map.refused, ttl_map.find(&4, SECOND)), (1, Some(&"C")));
    }
}
